//! `Execute`: many commands over one stream, each answered by its `request_id` as its own call would be.

mod ending;
mod flood;
mod order;

use onsale_proto::{
    ACTOR_KEY, CORRELATION_KEY, name,
    reason::Reason,
    status::of_message,
    v1::{self, execute_request::Command, execute_response::Outcome},
};
use onsale_tests::{
    caller::{
        Caller, a_pool, buy_request, cancel_request, capacity_request, claim_request,
        create_request, extend_request, grant_request, limits_request, pricing_request,
        purchase_request, refund_request, release_request, request_id, reschedule_request,
        resume_request, stop_request,
    },
    wait::within,
};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Request, Status, Streaming};

use crate::{
    log::{self, LIMIT},
    raw::Sent,
    refused::{Refused, refused, violates},
    shop::{fresh_pool, shared},
};

const PATH: &str = "/onsale.v1.CommandService/Execute";

/// A stream under way.
#[derive(Debug)]
struct Stream {
    commands: mpsc::UnboundedSender<v1::ExecuteRequest>,
    answers: Streaming<v1::ExecuteResponse>,
}

impl Stream {
    async fn open(caller: &mut Caller, metadata: &[(&'static str, &str)]) -> Result<Self, Status> {
        let (commands, receiver) = mpsc::unbounded_channel();
        let mut request = Request::new(UnboundedReceiverStream::new(receiver));
        for (key, value) in metadata {
            let value = value.parse().expect("a header can hold it");
            request.metadata_mut().insert(*key, value);
        }
        let answers = caller.commands.execute(request).await?.into_inner();
        Ok(Self { commands, answers })
    }

    fn send(&self, command: Command) {
        self.send_with(command, v1::ExecuteRequest::default());
    }

    /// With what `beside` says of the command.
    fn send_with(&self, command: Command, beside: v1::ExecuteRequest) {
        let request = v1::ExecuteRequest {
            command: Some(command),
            ..beside
        };
        self.commands.send(request).expect("the stream is open");
    }

    /// The next answer.
    async fn answer(&mut self) -> (String, Result<Outcome, Status>) {
        let answer = within(LIMIT, "an answer", self.answers.message()).await;
        read(answer.expect("the stream goes on").expect("an answer"))
    }

    /// Sends a command alone.
    async fn call(&mut self, command: Command) -> Result<Outcome, Status> {
        self.send(command);
        self.answer().await.1
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "one outcome is an error, each other an answer"
)]
fn read(answer: v1::ExecuteResponse) -> (String, Result<Outcome, Status>) {
    let outcome = match answer.outcome.expect("every answer has an outcome") {
        Outcome::Error(error) => Err(of_message(&error)),
        outcome => Ok(outcome),
    };
    (answer.request_id, outcome)
}

fn claim(pool: &str, customer: &str) -> Command {
    Command::ClaimTickets(claim_request(pool, customer, 1))
}

#[tokio::test]
async fn every_command_is_answered_as_a_call_of_its_own_would_be() {
    let shop = shared().await;
    let mut stream = Stream::open(&mut shop.caller().await, &[])
        .await
        .expect("a stream");
    let id = fresh_pool();
    let answer = stream
        .call(Command::CreatePool(create_request(&id, a_pool(100))))
        .await;
    assert!(
        matches!(&answer, Ok(Outcome::CreatePool(created)) if created.name == name::pool(&id)),
        "{answer:?}"
    );
    let answer = stream
        .call(Command::PurchaseTickets(purchase_request(&id, "c", 1)))
        .await;
    let Ok(Outcome::PurchaseTickets(purchased)) = answer else {
        unreachable!("{answer:?}")
    };
    let tickets = purchased.claim.expect("a claim").tickets;
    let Ok(Outcome::ClaimTickets(claimed)) = stream.call(claim(&id, "d")).await else {
        unreachable!("there are places")
    };
    let held = claimed.claim.expect("a claim").name;
    let price = a_pool(1).pricing.expect("a price");
    let mode = v1::StopMode::FinishClaims;
    macro_rules! send {
        ($($kind:ident($request:expr);)*) => {$(
            let answer = stream.call(Command::$kind($request)).await;
            assert!(
                matches!(&answer, Ok(Outcome::$kind(told)) if told.receipt.is_some()),
                "{answer:?}"
            );
        )*};
    }
    send! {
        ExtendClaim(extend_request(&held));
        BuyTickets(buy_request(&held));
        RefundTickets(refund_request(&tickets));
        GrantTickets(grant_request(&id, "c", 1));
        ChangeCapacity(capacity_request(&id, 200));
        ChangePricing(pricing_request(&id, price));
        ReschedulePool(reschedule_request(&id));
        ChangeLimits(limits_request(&id));
        StopSales(stop_request(&id, mode));
        ResumeSales(resume_request(&id));
    }
    let Ok(Outcome::ClaimTickets(claimed)) = stream.call(claim(&id, "e")).await else {
        unreachable!("there are places")
    };
    send! {
        ReleaseTickets(release_request(&claimed.claim.expect("a claim").name));
        CancelPool(cancel_request(&id));
    }
    let cancelled = stream.call(claim(&id, "f")).await;
    let cancelled = Refused::of(cancelled.expect_err("it is cancelled"));
    assert_eq!(cancelled.reason, Reason::PoolCancelled);
}

#[tokio::test]
async fn a_bad_command_does_not_end_its_stream() {
    let shop = shared().await;
    let channel = shop.command.channel().await;
    let id = fresh_pool();
    let create = Command::CreatePool(create_request(&id, a_pool(2)));
    let good = claim_request(&id, "c", 1);
    let bad = [
        v1::ExecuteRequest {
            command: Some(create),
            ..v1::ExecuteRequest::default()
        }
        .encode_to_vec(),
        // No command at all, bytes that are none, and one with three wrong fields.
        Vec::new(),
        vec![0x12, 0xff, 0xff, 0x01],
        v1::ExecuteRequest {
            timeout: Some(prost_types::Duration {
                seconds: -1,
                nanos: 0,
            }),
            correlation_id: "two words".into(),
            forwarded_for: "here".into(),
            command: Some(Command::ClaimTickets(v1::ClaimTicketsRequest {
                quantity: 0,
                ..good.clone()
            })),
            ..v1::ExecuteRequest::default()
        }
        .encode_to_vec(),
        v1::ExecuteRequest {
            command: Some(Command::ClaimTickets(good.clone())),
            ..v1::ExecuteRequest::default()
        }
        .encode_to_vec(),
    ];
    let mut sent = Sent::open(&channel, PATH).await.expect("a stream");
    let mut answers = Vec::new();
    for bytes in bad {
        sent.send(bytes);
        let answer = within(LIMIT, "an answer", sent.answers.message()).await;
        let bytes = answer.expect("the stream goes on").expect("an answer");
        answers.push(read(
            v1::ExecuteResponse::decode(bytes.as_slice()).expect("an answer"),
        ));
    }
    let mut answers = answers.into_iter();
    let mut next = || answers.next().expect("five answers");
    assert!(next().1.is_ok(), "the pool is there");
    let (unnamed, empty) = next();
    assert_eq!(unnamed, "");
    violates(empty, &["command"]);
    let (unnamed, none) = next();
    assert_eq!(unnamed, "");
    refused(none, Reason::MalformedMessage, &[]);
    let (named, wrong) = next();
    assert_eq!(named, good.request_id);
    violates(
        wrong,
        &["timeout", "correlation_id", "forwarded_for", "quantity"],
    );
    let (named, claimed) = next();
    assert_eq!(named, good.request_id);
    assert!(
        matches!(claimed, Ok(Outcome::ClaimTickets(_))),
        "{claimed:?}"
    );
}

#[tokio::test]
async fn a_command_says_what_its_stream_does_not() {
    let shop = shared().await;
    let id = fresh_pool();
    let mut caller = shop.caller().await;
    caller.create_pool(&id, 10).await.expect("a new name");
    let metadata = [(ACTOR_KEY, "checkout:1"), (CORRELATION_KEY, "stream-1")];
    let mut stream = Stream::open(&mut caller, &metadata)
        .await
        .expect("a stream");
    stream.call(claim(&id, "a")).await.expect("a place");
    let beside = v1::ExecuteRequest {
        correlation_id: "order-2".into(),
        ..v1::ExecuteRequest::default()
    };
    stream.send_with(claim(&id, "b"), beside);
    stream.answer().await.1.expect("a place");
    let events = log::events(&shop.database, &id).await;
    let told: Vec<_> = events[1..]
        .iter()
        .map(|event| {
            let of = |key: &str| event.metadata[key].as_str().unwrap_or_default().to_owned();
            (of("actor"), of("correlation_id"))
        })
        .collect();
    let told: Vec<_> = told.iter().map(|(a, c)| (a.as_str(), c.as_str())).collect();
    assert_eq!(
        told,
        [("checkout:1", "stream-1"), ("checkout:1", "order-2")]
    );
    let bad = Stream::open(&mut caller, &[(CORRELATION_KEY, "two words")]).await;
    violates(bad, &[CORRELATION_KEY]);
}

#[tokio::test]
async fn a_repeat_on_a_stream_gets_the_first_answer() {
    let shop = shared().await;
    let id = fresh_pool();
    let mut caller = shop.caller().await;
    caller.create_pool(&id, 1).await.expect("a new name");
    let request = purchase_request(&id, "c", 1);
    let first = caller
        .commands
        .purchase_tickets(request.clone())
        .await
        .expect("the last ticket");
    let mut stream = Stream::open(&mut caller, &[]).await.expect("a stream");
    let again = stream.call(Command::PurchaseTickets(request.clone())).await;
    assert_eq!(
        again.expect("it was bought"),
        Outcome::PurchaseTickets(first.into_inner())
    );
    let other = v1::PurchaseTicketsRequest {
        request_id: request_id(),
        ..request
    };
    let sold_out = stream.call(Command::PurchaseTickets(other)).await;
    assert_eq!(
        Refused::of(sold_out.expect_err("sold out")).reason,
        Reason::SoldOut
    );
}

#[tokio::test]
async fn a_command_of_a_stream_that_says_that_it_is_a_repeat_is_refused_for_good() {
    let shop = shared().await;
    let id = fresh_pool();
    let mut caller = shop.caller().await;
    caller.create_pool(&id, 1).await.expect("a new name");
    let mut stream = Stream::open(&mut caller, &[]).await.expect("a stream");
    let too_many = Command::ClaimTickets(claim_request(&id, "c", 2));
    let repeat = v1::ExecuteRequest {
        previous_attempts: 1,
        ..v1::ExecuteRequest::default()
    };
    stream.send(too_many.clone());
    stream.send_with(too_many.clone(), repeat);
    stream.send(too_many);
    let mut reasons = Vec::new();
    for _ in 0..3 {
        let (_, answer) = stream.answer().await;
        reasons.push(Refused::of(answer.expect_err("there is one")).reason);
    }
    let first = Reason::InsufficientAvailability;
    assert_eq!(reasons, [first, first, Reason::AlreadyRefused]);
    assert_eq!(log::count(&shop.database, &id, "CommandRefused").await, 1);
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_stream_with_a_reason() {
    let shop = shared().await;
    let channel = shop.command.channel().await;
    let mut sent = Sent::open(&channel, PATH).await.expect("a stream");
    sent.send(vec![0; 65 * 1_024]);
    let ended = within(LIMIT, "an end", sent.answers.message()).await;
    refused(ended, Reason::MessageTooLarge, &[]);
}
