//! How a stream ends, and what becomes of its commands when it does, or when they take too long.

use std::time::Duration;

use onsale_proto::{reason::Reason, v1};
use onsale_tests::{caller::claim_request, wait::within};

use super::{Stream, claim, read};
use crate::{
    log::{self, LIMIT, LogLock},
    refused::{Refused, refused},
    shop::{Shop, fresh_pool},
};

async fn shop_with_a_pool(options: &[(&str, &str)]) -> (Shop, String) {
    let (shop, id) = (Shop::start(options).await, fresh_pool());
    let mut caller = shop.caller().await;
    caller.create_pool(&id, 100).await.expect("a new name");
    (shop, id)
}

#[tokio::test]
async fn a_stream_reads_no_more_commands_than_may_wait() {
    let (shop, id) = shop_with_a_pool(&[("ONSALE_STREAM_COMMANDS_MAX", "2")]).await;
    let mut stream = Stream::open(&mut shop.caller().await, &[])
        .await
        .expect("a stream");
    let mut lock = LogLock::take(&shop.database).await;
    stream.send(claim(&id, "a"));
    stream.send(claim(&id, "b"));
    lock.awaited().await;
    // It would be answered at once if it were read.
    let malformed = v1::execute_request::Command::ClaimTickets(v1::ClaimTicketsRequest::default());
    stream.send(malformed);
    // Another stream is read meanwhile, so this one was too, as far as it is.
    let mut other = Stream::open(&mut shop.caller().await, &[])
        .await
        .expect("a stream");
    let malformed = v1::execute_request::Command::ClaimTickets(v1::ClaimTicketsRequest::default());
    other.call(malformed).await.expect_err("no request id");
    lock.release().await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(stream.answer().await.1.is_ok());
    }
    assert!(
        answers[0],
        "what waited is answered before the third is read"
    );
    assert_eq!(answers.iter().filter(|ok| **ok).count(), 2);
}

#[tokio::test]
async fn a_command_has_a_deadline_of_its_own_and_its_stream_goes_on() {
    let (shop, id) = shop_with_a_pool(&[]).await;
    let mut stream = Stream::open(&mut shop.caller().await, &[])
        .await
        .expect("a stream");
    let lock = LogLock::take(&shop.database).await;
    let request = claim_request(&id, "a", 1);
    let beside = v1::ExecuteRequest {
        timeout: Some(Duration::from_millis(50).try_into().expect("a span")),
        ..v1::ExecuteRequest::default()
    };
    let command = v1::execute_request::Command::ClaimTickets(request.clone());
    stream.send_with(command.clone(), beside);
    let (named, unknown) = stream.answer().await;
    assert_eq!(named, request.request_id);
    let unknown = Refused::of(unknown.expect_err("the log is locked"));
    assert_eq!(unknown.reason, Reason::OutcomeUnknown);
    lock.release().await;
    let again = stream.call(command).await;
    again.expect("a repeat is answered");
    assert_eq!(log::recorded(&shop.database, &request.request_id).await, 1);
}

#[tokio::test]
async fn after_the_last_command_the_stream_ends_with_the_last_answer() {
    let (shop, id) = shop_with_a_pool(&[]).await;
    let Stream {
        commands,
        mut answers,
    } = Stream::open(&mut shop.caller().await, &[])
        .await
        .expect("a stream");
    let lock = LogLock::take(&shop.database).await;
    for customer in ["a", "b"] {
        let command = Some(claim(&id, customer));
        let request = v1::ExecuteRequest {
            command,
            ..v1::ExecuteRequest::default()
        };
        commands.send(request).expect("the stream is open");
    }
    drop(commands);
    lock.release().await;
    for _ in 0..2 {
        let answer = within(LIMIT, "an answer", answers.message()).await;
        let answer = answer.expect("the stream goes on").expect("an answer");
        read(answer).1.expect("a place");
    }
    let end = within(LIMIT, "the end", answers.message()).await;
    assert_eq!(end.expect("no error"), None);
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_answers_what_it_took_and_ends_the_stream() {
    let (mut shop, id) = shop_with_a_pool(&[]).await;
    let mut stream = Stream::open(&mut shop.caller().await, &[])
        .await
        .expect("a stream");
    let mut lock = LogLock::take(&shop.database).await;
    stream.send(claim(&id, "a"));
    lock.awaited().await;
    shop.command.signal("TERM").await;
    lock.release().await;
    stream.answer().await.1.expect("it was taken");
    let end = within(LIMIT, "the end", stream.answers.message()).await;
    refused(end, Reason::Draining, &[]);
    assert_eq!(shop.command.ended().await, Some(0));
}

#[tokio::test]
async fn what_waits_when_its_stream_breaks_is_never_recorded() {
    let (shop, id) = shop_with_a_pool(&[("ONSALE_BATCH_EVENTS", "1")]).await;
    let mut caller = shop.caller().await;
    let stream = Stream::open(&mut caller, &[]).await.expect("a stream");
    let mut lock = LogLock::take(&shop.database).await;
    for n in 0..10 {
        stream.send(claim(&id, &format!("c-{n}")));
    }
    lock.awaited().await;
    drop(stream);
    // Behind the end of the stream, on the same connection; twice, so that the server has dropped it.
    for _ in 0..2 {
        let malformed = v1::ClaimTicketsRequest::default();
        let refused = caller.commands.claim_tickets(malformed).await;
        refused.expect_err("no request id");
    }
    lock.release().await;
    // Decided after all that was sent on its way before.
    caller.claim(&id, "last", 1).await.expect("a place");
    let claimed = log::count(&shop.database, &id, "TicketClaimed").await;
    assert_eq!(claimed, 2, "the one on its way, and the last");
}
