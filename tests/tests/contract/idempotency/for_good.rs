//! A repeat that says that it is one, and is refused: no attempt of its command is ever recorded.

use onsale_proto::{PREVIOUS_ATTEMPTS_KEY, name, reason::Reason, v1};
use onsale_tests::caller::{
    a_pool, cancel_request, capacity_request, claim_request, create_request, request_id,
    stop_request,
};
use prost_types::Timestamp;
use serde_json::json;
use tonic::Request;

use crate::{
    log,
    refused::{Refused, refused, violates},
    shop::{Shop, caller_of, fresh_pool, shared},
};

/// A request whose caller says that there was one attempt before.
fn repeated<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert(PREVIOUS_ATTEMPTS_KEY, 1.into());
    request
}

#[tokio::test]
async fn a_refused_repeat_is_recorded_and_is_the_answer_everywhere_from_then_on() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 1).await.expect("a new name");
    caller.claim(&id, "a", 1).await.expect("the place");
    let order = claim_request(&id, "b", 1);
    let answer = caller.commands.claim_tickets(repeated(order.clone())).await;
    let first = Refused::of(answer.expect_err("none is available"));
    assert_eq!(first.reason, Reason::SoldOutForNow, "as any other is told");

    let events = log::events(&shop.database, &id).await;
    let recorded = events.last().expect("events");
    assert_eq!((recorded.version, &*recorded.kind), (3, "CommandRefused"));
    let expected =
        json!({"command": "ClaimTickets", "reason": "SOLD_OUT_FOR_NOW", "customer": "b"});
    assert_eq!(recorded.data, expected);
    assert_eq!(recorded.metadata["request_id"], json!(order.request_id));
    assert_eq!(recorded.metadata["actor"], json!("anonymous"));

    // There is a place now, and this command does not get it: not here, and not from an instance that has only just
    // read the log, as after a restart.
    let more = capacity_request(&id, 5);
    caller.commands.change_capacity(more).await.expect("more");
    let elsewhere = shop.another_instance().await;
    let mut other = caller_of(&elsewhere).await;
    let pool = name::pool(&id);
    let told = [
        ("pool", pool.as_str()),
        ("refused_as", "SOLD_OUT_FOR_NOW"),
        ("refuse_time", recorded.time.as_str()),
        ("version", "3"),
    ];
    for caller in [&mut caller, &mut other] {
        let again = caller.commands.claim_tickets(order.clone()).await;
        refused(again, Reason::AlreadyRefused, &told);
        let marked = caller.commands.claim_tickets(repeated(order.clone())).await;
        refused(marked, Reason::AlreadyRefused, &told);
        let reused = v1::ClaimTicketsRequest {
            quantity: 2,
            ..order.clone()
        };
        let reused = caller.commands.claim_tickets(reused).await;
        let request_id = [("request_id", order.request_id.as_str())];
        refused(reused, Reason::RequestIdReused, &request_id);
    }
    assert_eq!(log::recorded(&shop.database, &order.request_id).await, 1);
    let anew = v1::ClaimTicketsRequest {
        request_id: request_id(),
        ..order
    };
    other.commands.claim_tickets(anew).await.expect("a place");
}

#[tokio::test]
async fn what_can_never_be_recorded_is_refused_without_a_record() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let (id, unknown) = (fresh_pool(), fresh_pool());
    caller.create_pool(&id, 1).await.expect("a new name");
    let nowhere = repeated(claim_request(&unknown, "a", 1));
    let answer = caller.commands.claim_tickets(nowhere).await;
    refused(
        answer,
        Reason::PoolNotFound,
        &[("pool", &name::pool(&unknown))],
    );
    let twice = repeated(create_request(&id, a_pool(1)));
    let answer = caller.commands.create_pool(twice).await;
    refused(answer, Reason::PoolExists, &[("pool", &name::pool(&id))]);
    let only_asked = v1::ClaimTicketsRequest {
        validate_only: true,
        ..claim_request(&id, "a", 2)
    };
    let answer = caller.commands.claim_tickets(repeated(only_asked)).await;
    let refusal = Refused::of(answer.expect_err("there is one"));
    assert_eq!(refusal.reason, Reason::InsufficientAvailability);
    caller
        .commands
        .cancel_pool(cancel_request(&id))
        .await
        .expect("the end");
    let late = repeated(stop_request(&id, v1::StopMode::FinishClaims));
    let answer = caller.commands.stop_sales(late).await;
    let refusal = Refused::of(answer.expect_err("it is cancelled"));
    assert_eq!(refusal.reason, Reason::PoolCancelled);

    let events = log::events(&shop.database, &id).await;
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["PoolCreated", "PoolCancelled"]);
    assert!(log::events(&shop.database, &unknown).await.is_empty());
}

#[tokio::test]
async fn a_creation_that_comes_too_late_leaves_its_name_free() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let past = v1::Pool {
        sales_end_time: Some(Timestamp {
            seconds: 1_500_000_000,
            nanos: 0,
        }),
        ..a_pool(1)
    };
    let late = create_request(&id, past);
    for _ in 0..2 {
        let answer = caller.commands.create_pool(repeated(late.clone())).await;
        violates(answer, &["pool.sales_end_time"]);
    }
    assert!(log::events(&shop.database, &id).await.is_empty());
    caller.create_pool(&id, 1).await.expect("the name is free");
    caller.claim(&id, "a", 1).await.expect("it sells");
}
