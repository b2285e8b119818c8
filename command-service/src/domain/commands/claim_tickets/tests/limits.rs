//! The limit per customer.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test asks for the few kinds that it is about"
)]

use super::*;
use crate::domain::Decision;

/// A pool whose customers may have three tickets each.
fn three_each() -> PoolEvent {
    created_with(|pool| pool.limits.max_tickets_per_customer = 3)
}

#[test]
fn a_customer_may_have_so_many_tickets_held_and_bought_together() {
    let events = [three_each(), claimed(1, 1), claimed(2, 2), bought(2, 2)];
    assert_eq!(
        Given::events(events.clone()).when(claim(1)).events().len(),
        1
    );
    Given::events(events)
        .when(claim(2))
        .refused(&Rejection::CustomerLimitExceeded {
            requested: 2,
            has: 2,
            max: 3,
        });
}

#[test]
fn the_limit_is_each_customers_own() {
    let events = [three_each(), claimed(1, 1), claimed(1, 2), claimed(1, 3)];
    let others = events.map(|event| match event {
        PoolEvent::TicketClaimed(_) => of_customer("customer-2", event),
        event => event,
    });
    assert_eq!(Given::events(others).when(claim(3)).events().len(), 3);
}

#[test]
fn releases_and_refunds_give_the_allowance_back() {
    let events = [
        three_each(),
        claimed(1, 1),
        claimed(2, 2),
        claimed(3, 3),
        bought(3, 3),
        released(1, 1, ReleaseCause::Customer),
        released(2, 2, ReleaseCause::Expired),
        refunded(3, 3),
    ];
    assert_eq!(Given::events(events).when(claim(3)).events().len(), 3);
}

#[test]
fn dead_claims_do_not_count_to_the_limit_and_go_back_first() {
    let events = [
        three_each(),
        claimed(1, 1),
        claimed(1, 2),
        claimed(2, 3),
        bought(2, 3),
    ];
    let given = || Given::events(events.clone()).after_minutes(CLAIM_MINUTES);
    let events = given().when(claim(1)).events();
    assert_eq!(events[0], released(1, 1, ReleaseCause::Expired));
    assert_eq!(events.len(), 2, "no more than the limit asks for");
    given()
        .when(claim(3))
        .refused(&Rejection::CustomerLimitExceeded {
            requested: 3,
            has: 1,
            max: 3,
        });
}

#[test]
fn a_place_goes_back_once_although_the_limit_and_the_stock_ask_for_it() {
    let pool = created_with(|pool| {
        pool.capacity = 3;
        pool.limits.max_tickets_per_customer = 3;
    });
    let own = [claimed(1, 1), claimed(1, 2)];
    let other = of_customer("customer-2", claimed(2, 3));
    let events = [pool].into_iter().chain(own).chain([other]);
    let events = Given::events(events)
        .after_minutes(CLAIM_MINUTES)
        .when(claim(3))
        .events();
    assert_eq!(
        events[..2],
        [
            released(1, 1, ReleaseCause::Expired),
            released(1, 2, ReleaseCause::Expired)
        ]
    );
    assert_eq!(
        events[2],
        of_customer("customer-2", released(2, 3, ReleaseCause::Expired))
    );
    assert_eq!(events.len(), 6);
}

#[test]
fn the_order_limit_wins_over_the_customers_limit() {
    Given::events([three_each()])
        .when(claim(5))
        .refused(&Rejection::OrderLimitExceeded {
            requested: 5,
            max: 4,
        });
}

#[test]
fn the_customers_limit_wins_over_sold_out() {
    let all_sold = sold(CAPACITY);
    Given::events([three_each()].into_iter().chain(all_sold))
        .when(claim(1))
        .refused(&Rejection::CustomerLimitExceeded {
            requested: 1,
            has: CAPACITY,
            max: 3,
        });
}

#[test]
fn a_lowered_limit_makes_no_decision_too_large() {
    // 520 tickets of one customer are dead, and only four are allowed since.
    let many = (1..=520).map(|n| claimed(n, n));
    let lowered = limits_changed(onsale_shared::event::Limits {
        max_tickets_per_customer: 4,
        ..limits()
    });
    let pool = created_with(|pool| pool.capacity = 1_000);
    let given = |dead| {
        let events = [pool.clone()].into_iter().chain(many.clone().take(dead));
        Given::events(events.chain([lowered.clone()])).after_minutes(CLAIM_MINUTES)
    };
    let facts = given(496).when(claim(4)).facts();
    assert_eq!(facts.len(), 500, "496 releases and 4 claims");
    assert_eq!(given(497).decide(claim(4)), Ok(Decision::SweepFirst));
}
