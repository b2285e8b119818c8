//! The first refusal that matches wins: in the order of the design, each step one reason less.

use onsale_proto::{Money, name, reason::Reason, v1};
use onsale_tests::caller::{
    Caller, a_pool, buy_request, cancel_request, capacity_request, claim_request, euros,
    purchase_request, reschedule_request, stop_request,
};
use tonic::Status;
use uuid::Uuid;

use crate::{
    log,
    refused::{Refused, violates},
    shop::{fresh_pool, shared},
};

#[track_caller]
fn reason<T: std::fmt::Debug>(answer: Result<T, Status>) -> Reason {
    Refused::of(answer.expect_err("a refusal")).reason
}

/// Asks for 5 tickets where 4 are allowed, at a price that is not enough, as a claim and as a purchase; both are refused
/// for the same reason.
async fn greedy(caller: &mut Caller, pool: &str, quantity: u32) -> Reason {
    let claim = v1::ClaimTicketsRequest {
        max_unit_price: Some(euros(1, 0)),
        ..claim_request(pool, "c", quantity)
    };
    let purchase = v1::PurchaseTicketsRequest {
        max_unit_price: claim.max_unit_price.clone(),
        ..purchase_request(pool, "c", quantity)
    };
    let claimed = reason(caller.commands.claim_tickets(claim).await);
    let purchased = reason(caller.commands.purchase_tickets(purchase).await);
    assert_eq!(claimed, purchased);
    claimed
}

#[tokio::test]
async fn an_order_is_refused_for_the_first_reason_that_matches() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    assert_eq!(greedy(&mut caller, &id, 5).await, Reason::PoolNotFound);

    caller.create_pool(&id, 4).await.expect("a new name");
    let first = claim_request(&id, "a", 2);
    let claimed = caller
        .commands
        .claim_tickets(first.clone())
        .await
        .expect("places");
    caller.purchase(&id, "b", 2).await.expect("places");
    caller
        .stop_sales(&id, v1::StopMode::FinishClaims)
        .await
        .expect("it sells");
    assert_eq!(greedy(&mut caller, &id, 5).await, Reason::SalesStopped);
    caller.resume_sales(&id).await.expect("it is stopped");
    assert_eq!(
        greedy(&mut caller, &id, 5).await,
        Reason::OrderLimitExceeded
    );
    assert_eq!(greedy(&mut caller, &id, 4).await, Reason::SoldOutForNow);

    let claim = claimed.get_ref().claim.clone().expect("the claim");
    let some = v1::ReleaseTicketsRequest {
        tickets: vec![claim.tickets[0].name.clone()],
        ..onsale_tests::caller::release_request(&claim.name)
    };
    caller.commands.release_tickets(some).await.expect("held");
    assert_eq!(
        greedy(&mut caller, &id, 2).await,
        Reason::InsufficientAvailability
    );
    assert_eq!(greedy(&mut caller, &id, 1).await, Reason::PriceChanged);

    caller.buy(&claim.name).await.expect("held");
    caller.purchase(&id, "d", 1).await.expect("the last place");
    assert_eq!(
        greedy(&mut caller, &id, 5).await,
        Reason::OrderLimitExceeded
    );
    assert_eq!(greedy(&mut caller, &id, 4).await, Reason::SoldOut);

    // A repeat's answer comes before all of them, and what is no request at all before that.
    caller
        .stop_sales(&id, v1::StopMode::VoidClaims)
        .await
        .expect("it sells");
    let repeat = caller
        .commands
        .claim_tickets(first.clone())
        .await
        .expect("a repeat");
    assert_eq!(repeat.get_ref().receipt, claimed.get_ref().receipt);
    let wrong = v1::ClaimTicketsRequest {
        customer: "a b".into(),
        ..first
    };
    violates(caller.commands.claim_tickets(wrong).await, &["customer"]);
    let wrong = v1::ClaimTicketsRequest {
        quantity: 0,
        ..claim_request(&fresh_pool(), "c", 0)
    };
    violates(caller.commands.claim_tickets(wrong).await, &["quantity"]);
}

#[tokio::test]
async fn the_state_of_a_pool_comes_before_its_times_and_these_before_its_limits() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let pool = v1::Pool {
        sales_start_time: log::from_now(&shop.database, 3_600).await,
        max_tickets_per_customer: 4,
        ..a_pool(4)
    };
    let mode = v1::StopMode::FinishClaims;
    caller.create(&id, pool).await.expect("a new name");
    caller
        .stop_sales(&id, mode)
        .await
        .expect("it is not stopped");
    assert_eq!(greedy(&mut caller, &id, 5).await, Reason::SalesStopped);
    caller.resume_sales(&id).await.expect("it is stopped");
    assert_eq!(greedy(&mut caller, &id, 5).await, Reason::SalesNotOpen);

    let mut times = v1::ReschedulePoolRequest {
        sales_end_time: log::from_now(&shop.database, 1).await,
        ..reschedule_request(&id)
    };
    let ended = caller.commands.reschedule_pool(times.clone()).await;
    ended.expect("a second from now");
    log::wait_until(&shop.database, times.sales_end_time).await;
    assert_eq!(greedy(&mut caller, &id, 5).await, Reason::SalesEnded);
    times = reschedule_request(&id);
    caller.commands.reschedule_pool(times).await.expect("times");
    let limit = greedy(&mut caller, &id, 5).await;
    assert_eq!(limit, Reason::OrderLimitExceeded);

    caller.purchase(&id, "c", 3).await.expect("places");
    caller.purchase(&id, "d", 1).await.expect("the last place");
    let limit = greedy(&mut caller, &id, 2).await;
    assert_eq!(limit, Reason::CustomerLimitExceeded);
    assert_eq!(greedy(&mut caller, &id, 1).await, Reason::SoldOut);

    caller.stop_sales(&id, mode).await.expect("it sells");
    let cancelled = caller.commands.cancel_pool(cancel_request(&id)).await;
    cancelled.expect("it is not cancelled");
    assert_eq!(greedy(&mut caller, &id, 5).await, Reason::PoolCancelled);
    let impossible = serde_json::json!({ "capacity": 1 });
    log::plant(&shop.database, &id, "PoolCreated", &impossible).await;
    assert_eq!(greedy(&mut caller, &id, 5).await, Reason::PoolCorrupted);
}

#[tokio::test]
async fn a_stale_etag_comes_before_what_the_edit_says() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    caller.purchase(&id, "c", 3).await.expect("places");
    let mode = v1::StopMode::VoidClaims;
    caller.stop_sales(&id, mode).await.expect("it sells");
    for (etag, weaker, smaller) in [
        ("1", Reason::VersionConflict, Reason::VersionConflict),
        ("8", Reason::AlreadyStopped, Reason::CapacityBelowCommitted),
    ] {
        let stop = v1::StopSalesRequest {
            etag: etag.into(),
            ..stop_request(&id, mode)
        };
        assert_eq!(reason(caller.commands.stop_sales(stop).await), weaker);
        let change = v1::ChangeCapacityRequest {
            etag: etag.into(),
            ..capacity_request(&id, 2)
        };
        let answer = caller.commands.change_capacity(change).await;
        assert_eq!(reason(answer), smaller);
    }
}

#[tokio::test]
async fn places_come_before_the_currency_and_the_currency_before_the_price() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 1).await.expect("a new name");
    let dollar = Money {
        currency_code: "USD".into(),
        units: 1,
        nanos: 0,
    };
    let order = || v1::ClaimTicketsRequest {
        max_unit_price: Some(dollar.clone()),
        ..claim_request(&id, "c", 1)
    };
    violates(
        caller.commands.claim_tickets(order()).await,
        &["max_unit_price.currency_code"],
    );
    caller.claim(&id, "d", 1).await.expect("the last place");
    assert_eq!(
        reason(caller.commands.claim_tickets(order()).await),
        Reason::SoldOutForNow
    );
}

#[tokio::test]
async fn a_claim_is_unknown_before_it_is_void_before_it_is_expired_before_it_holds_nothing() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let buy_foreign = |claim: &str| v1::BuyTicketsRequest {
        tickets: vec![name::ticket(&id, Uuid::new_v4())],
        ..buy_request(claim)
    };
    let unknown = name::claim(&id, Uuid::new_v4());
    let answer = caller.commands.buy_tickets(buy_foreign(&unknown)).await;
    assert_eq!(reason(answer), Reason::PoolNotFound);

    let second = std::time::Duration::from_secs(1);
    caller
        .create_pool_with_claims(&id, 10, second)
        .await
        .expect("a new name");
    let answer = caller.commands.buy_tickets(buy_foreign(&unknown)).await;
    assert_eq!(reason(answer), Reason::ClaimNotFound);

    let voided = caller.claim(&id, "c", 1).await.expect("places");
    caller
        .stop_sales(&id, v1::StopMode::VoidClaims)
        .await
        .expect("it sells");
    caller.resume_sales(&id).await.expect("it is stopped");
    let expired = caller.claim(&id, "d", 1).await.expect("places");
    let finished = caller.claim(&id, "e", 1).await.expect("places");
    caller.release(&finished.name).await.expect("held");
    log::wait_until_expired(&shop.database, &finished).await;
    for (claim, expected) in [
        (&voided, Reason::ClaimVoided),
        (&expired, Reason::ClaimExpired),
        (&finished, Reason::TicketNotHeld),
    ] {
        let answer = caller.commands.buy_tickets(buy_foreign(&claim.name)).await;
        assert_eq!(reason(answer), expected);
    }
}
