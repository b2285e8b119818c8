use onsale_shared::event::{ReleaseCause, StopMode};

use super::*;
use crate::domain::{commands::testing::*, partials::Void};

#[test]
fn the_deadline_is_a_claim_duration_from_now() {
    Given::events([created(), claimed(1, 1), claimed(1, 2)])
        .after_minutes(7)
        .when(extend(1))
        .then([extended(1, 2, 7 + CLAIM_MINUTES)]);
}

#[test]
fn the_deadline_is_never_earlier_than_before() {
    let shorter = limits_changed(onsale_shared::event::Limits {
        claim_duration: Duration::from_mins(1),
        ..limits()
    });
    Given::events([created(), claimed(1, 1), shorter])
        .when(extend(1))
        .then([extended(1, 1, CLAIM_MINUTES)]);
}

#[test]
fn an_extended_claim_can_be_bought_until_its_new_deadline() {
    let given = |minutes| {
        let events = [created(), claimed(1, 1), extended(1, 1, 17)];
        Given::events(events).after_minutes(minutes)
    };
    assert_eq!(given(16).when(buy(1, &[])).events().len(), 1);
    given(17)
        .when(buy(1, &[]))
        .refused(&Rejection::ClaimExpired {
            claim: claim_id(1),
            expire_time: minute(17),
        });
}

#[test]
fn a_claim_is_extended_once() {
    Given::events([created(), claimed(1, 1), extended(1, 1, 17)])
        .when(extend(1))
        .refused(&Rejection::ClaimAlreadyExtended {
            claim: claim_id(1),
            expire_time: minute(17),
        });
}

#[test]
fn a_dead_claim_is_not_extended() {
    Given::events([created(), claimed(1, 1)])
        .after_minutes(CLAIM_MINUTES)
        .when(extend(1))
        .refused(&Rejection::ClaimExpired {
            claim: claim_id(1),
            expire_time: minute(CLAIM_MINUTES),
        });
    Given::events([created(), claimed(1, 1), stopped(StopMode::VoidClaims)])
        .when(extend(1))
        .refused(&Rejection::ClaimVoided {
            claim: claim_id(1),
            void: Void {
                event: event_id(3),
                time: minute(0),
                cause: ReleaseCause::Stopped,
            },
        });
}

#[test]
fn a_claim_is_extended_after_a_stop_that_lets_claims_finish_and_after_the_end_of_sales() {
    let over = rescheduled(Schedule {
        sales_end_time: Some(minute(1)),
        ..Schedule::default()
    });
    for event in [stopped(StopMode::FinishClaims), over] {
        let given = Given::events([created(), claimed(1, 1), event]);
        assert_eq!(given.when(extend(1)).events().len(), 1);
    }
}

#[test]
fn a_claim_that_holds_nothing_is_not_extended() {
    Given::events([created(), claimed(1, 1), bought(1, 1)])
        .when(extend(1))
        .refused(&Rejection::TicketNotHeld {
            claim: claim_id(1),
            ticket: None,
        });
}

#[test]
fn unknown_claims_and_pools_are_not_found() {
    Given::events([created()])
        .when(extend(1))
        .refused(&Rejection::ClaimNotFound { claim: claim_id(1) });
    Given::nothing()
        .when(extend(1))
        .refused(&Rejection::PoolNotFound);
}
