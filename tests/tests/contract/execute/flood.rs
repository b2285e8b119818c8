//! Callers who send faster than they are served are held back, and keep their connection.

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use onsale_proto::{
    reason::Reason,
    v1::{self, execute_request::Command},
};
use onsale_tests::{caller::claim_request, wait::within};
use prost::Message as _;
use tokio::net::TcpStream;

use super::{PATH, claim, read};
use crate::{
    log::{LIMIT, LogLock},
    refused::Refused,
    shop::{Shop, fresh_pool},
};

/// Their bytes are fewer than a megabyte, which is as much as HTTP/2 libraries often take ahead.
const COMMANDS: usize = 6_000;

/// A message as gRPC frames it.
fn framed(message: &v1::ExecuteRequest) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(message.encoded_len().try_into().expect("a small message"));
    message.encode(&mut bytes).expect("room");
    bytes.freeze()
}

/// One small frame of HTTP/2 for each command, as many clients send them; a library that counts what waits unread closes
/// connections that have too many.
#[tokio::test]
async fn thousands_of_small_commands_wait_in_a_stream_that_is_not_read() {
    let shop = Shop::start(&[("ONSALE_STREAM_COMMANDS_MAX", "1")]).await;
    let id = fresh_pool();
    let mut caller = shop.caller().await;
    caller.create_pool(&id, 10).await.expect("a new name");
    let lock = LogLock::take(&shop.database).await;

    let address = shop.command.address().trim_start_matches("http://");
    let stream = TcpStream::connect(address).await.expect("it listens");
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let request = http::Request::post(format!("{}{PATH}", shop.command.address()))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let request = request.body(()).expect("a request");
    let (answer, mut sending) = client.send_request(request, false).expect("a stream");
    // The first waits for the log, as long as it may; what comes behind it is not read until then.
    let first = v1::ExecuteRequest {
        timeout: Some(Duration::from_secs(1).try_into().expect("a span")),
        command: Some(claim(&id, "first")),
        ..v1::ExecuteRequest::default()
    };
    sending.send_data(framed(&first), false).expect("open");
    let nobodys = v1::ExecuteRequest {
        command: Some(Command::ClaimTickets(claim_request(&id, "", 1))),
        ..v1::ExecuteRequest::default()
    };
    let nobodys = framed(&nobodys);
    for n in 1..=COMMANDS {
        let is_last = n == COMMANDS;
        sending.send_data(nobodys.clone(), is_last).expect("open");
    }

    let mut body = answer.await.expect("the connection lives").into_body();
    let (mut bytes, mut reasons) = (BytesMut::new(), Vec::new());
    let answers = async {
        while let Some(data) = body.data().await {
            let data = data.expect("the connection lives");
            body.flow_control()
                .release_capacity(data.len())
                .expect("taken");
            bytes.extend_from_slice(&data);
            while bytes.len() >= 5 {
                let length = u32::from_be_bytes(bytes[1..5].try_into().expect("four bytes"));
                let end = 5 + usize::try_from(length).expect("a length");
                if bytes.len() < end {
                    break;
                }
                let message = bytes.split_to(end);
                let answer = v1::ExecuteResponse::decode(&message[5..]).expect("an answer");
                let (_, outcome) = read(answer);
                reasons.push(Refused::of(outcome.expect_err("none can succeed")).reason);
            }
        }
    };
    within(LIMIT, "all answers", answers).await;
    assert_eq!(reasons.len(), 1 + COMMANDS);
    assert_eq!(reasons[0], Reason::OutcomeUnknown);
    assert!(
        reasons[1..]
            .iter()
            .all(|reason| *reason == Reason::InvalidField)
    );
    lock.release().await;
    connection.abort();
}
