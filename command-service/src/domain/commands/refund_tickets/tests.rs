use onsale_shared::event::{ReleaseCause, StopMode};

use super::*;
use crate::domain::commands::testing::*;

fn two_sold() -> Vec<PoolEvent> {
    [created()].into_iter().chain(sold(2)).collect()
}

fn after(event: PoolEvent) -> Given {
    Given::events(two_sold().into_iter().chain([event]))
}

#[test]
fn tickets_of_several_claims_are_refunded_at_once() {
    let facts = Given::events(two_sold())
        .when(refund(&[1_001, 1_000]))
        .facts();
    let events: Vec<_> = facts.iter().map(|fact| fact.event.clone()).collect();
    assert_eq!(events, [refunded(1_001, 1_001), refunded(1_000, 1_000)]);
    assert_eq!(facts[1].cause, Some(event_id(2)), "caused by its claim");
}

#[test]
fn a_refunded_place_can_be_sold_again() {
    let events = [created()].into_iter().chain(sold(CAPACITY));
    let events = events.chain([refunded(1_000, 1_000)]);
    assert_eq!(Given::events(events).when(purchase(1)).events().len(), 2);
}

#[test]
fn a_ticket_is_refunded_once() {
    after(refunded(1_000, 1_000))
        .when(refund(&[1_001, 1_000]))
        .refused(&Rejection::TicketNotSold {
            ticket: ticket_id(1_000),
        });
}

#[test]
fn a_ticket_that_was_never_sold_is_not_found() {
    after(claimed(1, 1))
        .when(refund(&[1]))
        .refused(&Rejection::TicketNotFound {
            ticket: ticket_id(1),
        });
}

#[test]
fn refunds_go_on_when_sales_are_stopped_over_or_cancelled() {
    let over = rescheduled(Schedule {
        sales_end_time: Some(minute(0)),
        ..Schedule::default()
    });
    for event in [stopped(StopMode::VoidClaims), over, cancelled()] {
        after(event)
            .when(refund(&[1_000]))
            .then([refunded(1_000, 1_000)]);
    }
}

#[test]
fn a_claim_whose_tickets_are_all_refunded_is_forgotten_after_a_day() {
    use onsale_shared::time::Timestamp;

    let mut pool = fold(&[created(), claimed(1, 1), bought(1, 1), refunded(1, 1)]);
    let day = 24 * 60;
    let mut later = |version: i64, minutes: i64| {
        let time: Timestamp = minute(minutes);
        let event = claimed(u128::try_from(version).unwrap(), 50);
        fold_one(&mut pool, &event, version, time);
        pool.claims.get(claim_id(1)).is_some()
    };
    assert!(later(5, day));
    assert!(!later(6, day + 1));
}

#[test]
fn a_claim_of_which_a_ticket_is_sold_is_never_forgotten() {
    let events = [
        created(),
        claimed(1, 1),
        claimed(1, 2),
        bought(1, 1),
        released(1, 2, ReleaseCause::Customer),
    ];
    let mut pool = fold(&events);
    fold_one(&mut pool, &claimed(2, 3), 6, minute(100 * 24 * 60));
    assert!(pool.claims.get(claim_id(1)).is_some());
}

#[test]
fn a_claim_that_was_paid_late_is_forgotten_a_day_after_its_last_end() {
    const HOUR: i64 = 60;
    let [again, paid] = reclaimed(1, 2, 1, 0);
    let events = [
        created(),
        claimed(1, 1),
        released(1, 1, ReleaseCause::Expired),
        again,
        paid,
    ];
    let mut pool = fold(&events);
    fold_one(&mut pool, &refunded(1, 2), 6, minute(20 * HOUR));
    let mut is_known = |version: i64, minutes: i64| {
        let event = claimed(u128::try_from(version).unwrap(), 50);
        fold_one(&mut pool, &event, version, minute(minutes));
        pool.claims.get(claim_id(1)).is_some()
    };
    assert!(
        is_known(7, 24 * HOUR + 1),
        "it lived on after its first end"
    );
    assert!(is_known(8, 44 * HOUR));
    assert!(!is_known(9, 44 * HOUR + 1));
}

#[test]
fn an_unknown_pool_is_not_found() {
    Given::nothing()
        .when(refund(&[1]))
        .refused(&Rejection::PoolNotFound);
}
