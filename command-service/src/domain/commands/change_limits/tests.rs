use std::time::Duration;

use super::*;
use crate::domain::commands::testing::*;

fn two_each() -> event::Limits {
    event::Limits {
        max_tickets_per_order: 2,
        max_tickets_per_customer: 2,
        claim_duration: Duration::from_mins(1),
        late_purchase_window: Duration::ZERO,
    }
}

#[test]
fn later_orders_have_the_new_limits() {
    Given::events([created()])
        .when(change_limits(two_each()))
        .then([limits_changed(two_each())]);
    Given::events([created(), limits_changed(two_each())])
        .when(claim(3))
        .refused(&Rejection::OrderLimitExceeded {
            requested: 3,
            max: 2,
        });
}

#[test]
fn who_has_more_already_keeps_it_and_gets_no_more() {
    let events = [
        created(),
        claimed(1, 1),
        claimed(1, 2),
        claimed(1, 3),
        limits_changed(two_each()),
    ];
    assert_eq!(
        Given::events(events.clone())
            .when(buy(1, &[]))
            .events()
            .len(),
        3
    );
    Given::events(events)
        .when(claim(1))
        .refused(&Rejection::CustomerLimitExceeded {
            requested: 1,
            has: 3,
            max: 2,
        });
}

#[test]
fn a_live_claim_keeps_its_deadline() {
    Given::events([created(), claimed(1, 1), limits_changed(two_each())])
        .after_minutes(CLAIM_MINUTES - 1)
        .when(buy(1, &[]))
        .then([bought(1, 1)]);
}

#[test]
fn an_unknown_pool_is_not_found() {
    Given::nothing()
        .when(change_limits(two_each()))
        .refused(&Rejection::PoolNotFound);
}
