//! How many tickets a customer may have, and how many a pool must.

use onsale_proto::{Money, name, reason::Reason, v1};
use onsale_tests::caller::{
    Caller, a_pool, capacity_request, euros, fixed_price, grant_request, pricing_request,
    refund_request,
};
use tonic::Status;

use crate::{
    refused::{refused, violates},
    shop::{fresh_pool, shared},
};

async fn orders(caller: &mut Caller, pool: &str, quantity: u32) -> [Result<(), Status>; 2] {
    [
        caller.claim(pool, "c", quantity).await.map(drop),
        caller.purchase(pool, "c", quantity).await.map(drop),
    ]
}

#[tokio::test]
async fn a_customer_has_at_most_as_many_as_the_pool_allows_held_and_bought_together() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let pool = name::pool(&id);
    let limited = v1::Pool {
        max_tickets_per_customer: 5,
        ..a_pool(100)
    };
    caller.create(&id, limited).await.expect("a new name");
    let held = caller.claim(&id, "c", 2).await.expect("places");
    let bought = caller.purchase(&id, "c", 2).await.expect("places");
    let granted = caller.commands.grant_tickets(grant_request(&id, "c", 40));
    granted.await.expect("what is given away does not count");

    let expected = |requested, has| {
        [
            ("pool", pool.as_str()),
            ("requested", requested),
            ("has", has),
            ("max_tickets_per_customer", "5"),
        ]
    };
    for answer in orders(&mut caller, &id, 2).await {
        refused(answer, Reason::CustomerLimitExceeded, &expected("2", "4")).unless(&pool);
    }
    caller.claim(&id, "d", 2).await.expect("another customer");

    // Each way in which tickets go back gives the allowance back.
    caller.release(&held.name).await.expect("held");
    caller.purchase(&id, "c", 3).await.expect("two are back");
    for answer in orders(&mut caller, &id, 1).await {
        refused(answer, Reason::CustomerLimitExceeded, &expected("1", "5")).unless(&pool);
    }
    let tickets = bought.claim.expect("a claim").tickets;
    let refund = refund_request(&tickets[..1]);
    caller.commands.refund_tickets(refund).await.expect("sold");
    for answer in orders(&mut caller, &id, 2).await {
        refused(answer, Reason::CustomerLimitExceeded, &expected("2", "4")).unless(&pool);
    }
    caller.purchase(&id, "c", 1).await.expect("one is back");
}

#[tokio::test]
async fn a_pool_never_gets_smaller_than_what_is_sold_and_held() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let pool = name::pool(&id);
    caller.create_pool(&id, 10).await.expect("a new name");
    caller.purchase(&id, "a", 4).await.expect("places");
    caller.claim(&id, "b", 2).await.expect("places");
    let expected = [
        ("pool", pool.as_str()),
        ("requested", "5"),
        ("available", "4"),
        ("held", "2"),
        ("sold", "4"),
        ("capacity", "10"),
    ];
    let answer = caller.commands.change_capacity(capacity_request(&id, 5));
    refused(answer.await, Reason::CapacityBelowCommitted, &expected).unless(&pool);
    let smaller = caller.commands.change_capacity(capacity_request(&id, 6));
    smaller.await.expect("just what is sold and held");
}

#[tokio::test]
async fn a_pool_keeps_its_currency() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a pool in euros");
    let dollars = Money {
        currency_code: "USD".into(),
        ..euros(60, 0)
    };
    let change = pricing_request(&id, fixed_price(dollars));
    let answer = caller.commands.change_pricing(change).await;
    violates(answer, &["pricing.base_price.currency_code"]);
}
