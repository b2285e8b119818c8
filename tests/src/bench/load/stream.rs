//! A closed loop through `Execute`: one stream on each connection, with its share of the commands in flight; for each
//! answer that comes, a further command is sent, as many in one piece as answers came in one.

use std::{collections::HashMap, sync::Arc, time::Instant};

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use h2::{SendStream, client::ResponseFuture};
use onsale_proto::{status::of_message, v1, v1::execute_response::Outcome};
use tonic::Status;

use super::{
    Timing,
    calls::Calls,
    closed::count,
    connection::{Connection, Method},
    tally::{Measured, Tally},
    template::{self, PREFIX_BYTES},
};
use crate::bench::meter::Meter;

/// The field number of `ExecuteResponse.request_id`, as a length-delimited field.
const REQUEST_ID_KEY: u8 = (1 << 3) | 2;
/// As many bytes has a UUID in text.
const REQUEST_ID_BYTES: u8 = 36;
/// The first byte of the key of `ExecuteResponse.error`, which follows the request id.
const ERROR_KEY: u8 = (2 << 3) | 2;

/// Keeps `in_flight` commands in flight, over one stream on each connection.
///
/// # Errors
/// The meter cannot be read, or a stream ends before the load does.
pub async fn run(
    connections: &[Connection],
    calls: Calls,
    in_flight: usize,
    timing: Timing,
    meter: &mut Meter,
) -> anyhow::Result<Measured> {
    let tally = Arc::new(Tally::new()?);
    let calls = Arc::new(calls);
    let share = in_flight / connections.len().max(1);
    let mut streams = Vec::new();
    for connection in connections {
        let (sending, receiving) = connection.stream(Method::Execute).await?;
        let stream = Stream {
            sending,
            receiving,
            calls: Arc::clone(&calls),
            tally: Arc::clone(&tally),
            in_flight: HashMap::with_capacity(share),
            received: BytesMut::new(),
        };
        streams.push(tokio::spawn(stream.keep_executing(share)));
    }
    let measured = count(&tally, timing, meter).await;
    for stream in streams {
        stream.await??;
    }
    measured
}

/// One stream of commands and answers.
struct Stream {
    sending: SendStream<Bytes>,
    receiving: ResponseFuture,
    calls: Arc<Calls>,
    tally: Arc<Tally>,
    /// When each command was sent, by its number.
    in_flight: HashMap<u64, Instant>,
    /// Of an answer that has not come whole yet.
    received: BytesMut,
}

impl Stream {
    async fn keep_executing(mut self, share: usize) -> anyhow::Result<()> {
        self.send(share)?;
        let (head, mut answers) = (&mut self.receiving).await?.into_parts();
        if let Some(status) = Status::from_header_map(&head.headers) {
            anyhow::bail!("the stream was refused: {}", status.message());
        }
        while !self.in_flight.is_empty() {
            let piece = answers.data().await.context("the stream has ended")??;
            answers.flow_control().release_capacity(piece.len())?;
            self.received.extend_from_slice(&piece);
            let answered = self.take_answers()?;
            if !self.tally.is_ended() {
                self.send(answered)?;
            }
        }
        self.sending.send_data(Bytes::new(), true)?;
        Ok(())
    }

    /// Sends so many commands in one piece.
    fn send(&mut self, count: usize) -> anyhow::Result<()> {
        let mut piece = Vec::new();
        let now = Instant::now();
        for _ in 0..count {
            let (template, number) = self.calls.next_template();
            template.append_to(&mut piece, number);
            self.in_flight.insert(number, now);
        }
        if !piece.is_empty() {
            self.sending.send_data(piece.into(), false)?;
        }
        Ok(())
    }

    /// Takes all whole answers of what was received, and says how many.
    fn take_answers(&mut self) -> anyhow::Result<usize> {
        let now = Instant::now();
        let mut count = 0;
        while let Some(message) = next_message(&mut self.received) {
            let (number, outcome) = read(&message, &self.calls)?;
            let sent = self.in_flight.remove(&number);
            let sent = sent.context("an answer to what was not asked")?;
            self.tally.count(now.duration_since(sent), outcome);
            count += 1;
        }
        Ok(count)
    }
}

/// The next whole message, without its prefix.
fn next_message(received: &mut BytesMut) -> Option<Bytes> {
    let (_flag, length) = received.get(..PREFIX_BYTES)?.split_first()?;
    let length = usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?;
    if received.len() < PREFIX_BYTES + length {
        return None;
    }
    let mut message = received.split_to(PREFIX_BYTES + length).freeze();
    Some(message.split_off(PREFIX_BYTES))
}

/// The number of the command that is answered, and whether this is the answer that is expected. Only of errors the whole
/// message is decoded.
fn read(message: &[u8], calls: &Calls) -> anyhow::Result<(u64, Result<(), String>)> {
    let fast = message
        .strip_prefix(&[REQUEST_ID_KEY, REQUEST_ID_BYTES])
        .and_then(|rest| rest.split_at_checked(REQUEST_ID_BYTES.into()));
    if let Some((id, outcome)) = fast
        && outcome.first().is_some_and(|key| *key != ERROR_KEY)
    {
        let number = template::number_of(id).context("a request id of ours")?;
        return Ok((number, calls.check_outcome(Ok(()))));
    }
    let answer: v1::ExecuteResponse = prost::Message::decode(message)?;
    let number = template::number_of(answer.request_id.as_bytes());
    let outcome = match &answer.outcome {
        Some(Outcome::Error(error)) => calls.check_outcome(Err(&of_message(error))),
        _ => calls.check_outcome(Ok(())),
    };
    Ok((number.context("a request id of ours")?, outcome))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use onsale_proto::v1::{self, execute_response::Outcome};

    use super::{Calls, Method, next_message, read};
    use crate::bench::load::template::{Template, claim, framed};

    #[test]
    fn answers_are_taken_whole_from_pieces_of_any_size() {
        let calls = Calls::of(Method::Execute, Template::new(&claim("hot", 1)).unwrap());
        let answer = |number: u64, outcome| v1::ExecuteResponse {
            request_id: format!("00000000-0000-4000-8000-{number:012x}"),
            outcome: Some(outcome),
        };
        let claimed = v1::ClaimTicketsResponse {
            claim: Some(v1::Claim {
                customer: "c".repeat(300),
                ..v1::Claim::default()
            }),
            ..v1::ClaimTicketsResponse::default()
        };
        let refused = tonic_types::Status {
            code: tonic::Code::FailedPrecondition.into(),
            message: "no".into(),
            details: Vec::new(),
        };
        let mut bytes = framed(&answer(0xabc, Outcome::ClaimTickets(claimed))).unwrap();
        bytes.extend(framed(&answer(7, Outcome::Error(refused))).unwrap());
        let (mut received, mut found) = (BytesMut::new(), Vec::new());
        for byte in bytes {
            received.extend_from_slice(&[byte]);
            while let Some(message) = next_message(&mut received) {
                let (number, outcome) = read(&message, &calls).unwrap();
                found.push((number, outcome.is_ok()));
            }
        }
        assert_eq!(found, [(0xabc, true), (7, false)]);
    }
}
