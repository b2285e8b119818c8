use onsale_shared::event::{PoolEvent, ReleaseCause, StopMode};
use uuid::Uuid;

use super::*;
use crate::domain::commands::testing::*;

fn swept(events: &[PoolEvent], at: i64, max: usize) -> Vec<PoolEvent> {
    let mut ids = Ids::from(Uuid::from_u128(0xffff_0000));
    sweep(&fold(events), minute(at), max, &mut ids)
        .into_iter()
        .map(|fact| fact.event)
        .collect()
}

#[test]
fn live_claims_are_left_alone() {
    assert_eq!(
        swept(&[created(), claimed(1, 1)], CLAIM_MINUTES - 1, 500),
        []
    );
}

#[test]
fn places_of_expired_claims_go_back_once() {
    let events = [created(), claimed(1, 1), claimed(1, 2), bought(1, 1)];
    let release = released(1, 2, ReleaseCause::Expired);
    assert_eq!(
        swept(&events, CLAIM_MINUTES, 500),
        std::slice::from_ref(&release)
    );
    let again: Vec<_> = events.into_iter().chain([release]).collect();
    assert_eq!(swept(&again, CLAIM_MINUTES, 500), []);
}

#[test]
fn voided_claims_go_first_and_live_ones_after_them_stay() {
    let later = minute(CLAIM_MINUTES + 5);
    let events = [
        created(),
        claimed_until(1, 1, later),
        stopped(StopMode::VoidClaims),
        resumed(),
        claimed(2, 2),
        claimed_until(3, 3, later),
    ];
    let PoolEvent::TicketReleased(first) = &swept(&events, 1, 500)[0] else {
        panic!("released")
    };
    assert_eq!(
        (first.claim, first.cause),
        (claim_id(1), ReleaseCause::Stopped)
    );
    assert_eq!(swept(&events, 1, 500).len(), 1);
    assert_eq!(
        swept(&events, CLAIM_MINUTES, 500).len(),
        2,
        "the voided and the expired, not the live one"
    );
}

#[test]
fn what_had_expired_when_all_was_voided_goes_back_as_expired() {
    for end in [stopped(StopMode::VoidClaims), cancelled()] {
        let moment_of_the_end = minute(0);
        let events = [created(), claimed_until(1, 1, moment_of_the_end), end];
        let released = swept(&events, 1, 500);
        let [PoolEvent::TicketReleased(released)] = released.as_slice() else {
            panic!("{released:?}")
        };
        assert_eq!(released.cause, ReleaseCause::Expired);
    }
}

#[test]
fn a_step_is_bounded() {
    let events: Vec<_> = [created()]
        .into_iter()
        .chain((1..=9).map(|n| claimed(n, n)))
        .collect();
    assert_eq!(swept(&events, CLAIM_MINUTES, 4).len(), 4);
}

#[test]
fn the_next_deadline_is_that_of_the_first_claim_that_holds_tickets() {
    let next = |events: &[PoolEvent]| fold(events).claims.next_deadline();
    let later = claimed_until(2, 2, minute(20));
    assert_eq!(next(&[created()]), None);
    assert_eq!(
        next(&[created(), later.clone(), claimed(1, 1)]),
        Some(minute(CLAIM_MINUTES))
    );
    assert_eq!(
        next(&[created(), later.clone(), claimed(1, 1), bought(1, 1)]),
        Some(minute(20))
    );
    assert_eq!(
        next(&[created(), later, stopped(StopMode::VoidClaims)]),
        Some(minute(0)),
        "what a stop voided is due since the stop"
    );
}
