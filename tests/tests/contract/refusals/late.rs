//! A payment that came too late: every refusal of it says that the money is due back.

use onsale_proto::{name, reason::Reason, v1};
use onsale_tests::caller::{Caller, a_pool, buy_request, limits_request};
use tonic::Status;
use uuid::Uuid;

use crate::{
    log,
    refused::{Refused, refused, time_text},
    shop::{Shop, fresh_pool, shared},
    times::seconds,
};

const DUE: (&str, &str) = ("refund_due", "true");

/// Buys a claim that may have expired.
async fn pay(caller: &mut Caller, claim: &str) -> Result<v1::BuyTicketsResponse, Status> {
    let paid = v1::BuyTicketsRequest {
        reclaim: true,
        ..buy_request(claim)
    };
    Ok(caller.commands.buy_tickets(paid).await?.into_inner())
}

/// A pool of 4 tickets whose claims live for a second and can be paid for a minute more, and an expired claim of 2.
async fn expired_claim(shop: &Shop, caller: &mut Caller) -> (String, v1::Claim) {
    let id = fresh_pool();
    let pool = v1::Pool {
        claim_duration: seconds(1),
        late_purchase_window: seconds(60),
        max_tickets_per_customer: 4,
        ..a_pool(4)
    };
    caller.create(&id, pool).await.expect("a new name");
    let claim = caller.claim(&id, "c", 2).await.expect("places");
    log::wait_until_expired(&shop.database, &claim).await;
    (id, claim)
}

#[track_caller]
fn due_back<T: std::fmt::Debug>(
    answer: Result<T, Status>,
    reason: Reason,
    metadata: &[(&str, &str)],
) -> Refused {
    let metadata: Vec<_> = metadata.iter().copied().chain([DUE]).collect();
    refused(answer, reason, &metadata)
}

#[tokio::test]
async fn a_claim_that_is_unknown_void_or_without_held_tickets_is_not_paid() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let (pool, unknown) = (name::pool(&id), name::claim(&id, Uuid::new_v4()));
    let answer = pay(&mut caller, &unknown).await;
    due_back(answer, Reason::PoolNotFound, &[("pool", &pool)]).about("onsale.v1.Pool", &pool);
    caller.create_pool(&id, 10).await.expect("a new name");
    let answer = pay(&mut caller, &unknown).await;
    due_back(answer, Reason::ClaimNotFound, &[("claim", &unknown)])
        .about("onsale.v1.Claim", &unknown);

    let bought = caller.claim(&id, "c", 1).await.expect("places").name;
    pay(&mut caller, &bought).await.expect("it is live");
    let answer = pay(&mut caller, &bought).await;
    due_back(answer, Reason::TicketNotHeld, &[("claim", &bought)]).unless(&bought);

    let void = caller.claim(&id, "c", 1).await.expect("places").name;
    let mode = v1::StopMode::VoidClaims;
    caller.stop_sales(&id, mode).await.expect("it sells");
    caller.resume_sales(&id).await.expect("it is stopped");
    let events = log::events(&shop.database, &id).await;
    let stop = events.iter().find(|event| event.kind == "SalesStopped");
    let void_time = &stop.expect("the stop").time;
    let expected = [("claim", void.as_str()), ("void_time", void_time)];
    let answer = pay(&mut caller, &void).await;
    due_back(answer, Reason::ClaimVoided, &expected).unless(&void);
}

#[tokio::test]
async fn after_the_window_an_expired_claim_is_not_paid() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let (id, claim) = expired_claim(&shop, &mut caller).await;
    let never = v1::ChangeLimitsRequest {
        late_purchase_window: seconds(0),
        ..limits_request(&id)
    };
    caller.commands.change_limits(never).await.expect("limits");
    let expire_time = time_text(claim.expire_time);
    let expected = [
        ("claim", claim.name.as_str()),
        ("expire_time", &expire_time),
    ];
    let answer = pay(&mut caller, &claim.name).await;
    due_back(answer, Reason::ClaimExpired, &expected).unless(&claim.name);
    // Who does not say that it is paid is owed nothing.
    let answer = caller.buy(&claim.name).await;
    refused(answer, Reason::ClaimExpired, &expected).unless(&claim.name);
}

#[tokio::test]
async fn a_late_payment_is_refused_by_every_rule_of_a_new_claim_but_window_and_price() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let (id, claim) = expired_claim(&shop, &mut caller).await;
    let (pool, claim) = (name::pool(&id), claim.name);

    let mode = v1::StopMode::FinishClaims;
    caller.stop_sales(&id, mode).await.expect("it sells");
    let expected = [("pool", pool.as_str()), ("mode", "STOP_MODE_FINISH_CLAIMS")];
    let answer = pay(&mut caller, &claim).await;
    due_back(answer, Reason::SalesStopped, &expected).unless(&pool);
    caller.resume_sales(&id).await.expect("it is stopped");

    let small_orders = v1::ChangeLimitsRequest {
        max_tickets_per_order: 1,
        max_tickets_per_customer: 4,
        ..limits_request(&id)
    };
    let changed = caller.commands.change_limits(small_orders).await;
    changed.expect("limits");
    let expected = [
        ("pool", pool.as_str()),
        ("requested", "2"),
        ("max_tickets_per_order", "1"),
    ];
    let answer = pay(&mut caller, &claim).await;
    due_back(answer, Reason::OrderLimitExceeded, &expected).unless(&pool);

    // From here on with claims that live on.
    let limits = v1::ChangeLimitsRequest {
        late_purchase_window: seconds(60),
        ..limits_request(&id)
    };
    caller.commands.change_limits(limits).await.expect("limits");
    caller.purchase(&id, "c", 3).await.expect("places");
    let expected = [
        ("pool", pool.as_str()),
        ("requested", "2"),
        ("has", "3"),
        ("max_tickets_per_customer", "4"),
    ];
    let answer = pay(&mut caller, &claim).await;
    due_back(answer, Reason::CustomerLimitExceeded, &expected).unless(&pool);
}

#[tokio::test]
async fn a_late_payment_never_sells_what_others_have() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let (id, claim) = expired_claim(&shop, &mut caller).await;
    let (pool, claim) = (name::pool(&id), claim.name);
    let counts = |available, held, sold| {
        [
            ("pool", pool.as_str()),
            ("requested", "2"),
            ("available", available),
            ("held", held),
            ("sold", sold),
            ("capacity", "4"),
        ]
    };
    let limits = v1::ChangeLimitsRequest {
        late_purchase_window: seconds(60),
        ..limits_request(&id)
    };
    caller.commands.change_limits(limits).await.expect("limits");
    caller.purchase(&id, "d", 3).await.expect("places");
    let answer = pay(&mut caller, &claim).await;
    let left = counts("1", "0", "3");
    due_back(answer, Reason::InsufficientAvailability, &left).unless(&pool);
    let last = caller.claim(&id, "e", 1).await.expect("the last place");
    let answer = pay(&mut caller, &claim).await;
    due_back(answer, Reason::SoldOutForNow, &counts("0", "1", "3")).unless(&pool);
    caller.buy(&last.name).await.expect("held");
    let answer = pay(&mut caller, &claim).await;
    due_back(answer, Reason::SoldOut, &counts("0", "0", "4")).unless(&pool);
}
