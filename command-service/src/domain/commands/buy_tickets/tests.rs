use onsale_shared::event::{ReleaseCause, StopMode};

use super::*;
use crate::domain::{commands::testing::*, partials::Void};

fn a_claim_of_three() -> Vec<PoolEvent> {
    vec![created(), claimed(1, 1), claimed(1, 2), claimed(1, 3)]
}

fn and(mut events: Vec<PoolEvent>, more: impl IntoIterator<Item = PoolEvent>) -> Given {
    events.extend(more);
    Given::events(events)
}

#[test]
fn naming_no_ticket_buys_all_that_are_held() {
    and(a_claim_of_three(), [bought(1, 2)])
        .when(buy(1, &[]))
        .then([bought(1, 1), bought(1, 3)]);
}

#[test]
fn a_part_can_be_bought_and_is_caused_by_the_claim() {
    let facts = Given::events(a_claim_of_three()).when(buy(1, &[3])).facts();
    assert_eq!(facts[0].event, bought(1, 3));
    assert_eq!(facts[0].cause, Some(event_id(2)));
    assert_eq!(facts.len(), 1);
}

#[test]
fn a_ticket_is_bought_once() {
    and(a_claim_of_three(), [bought(1, 1)])
        .when(buy(1, &[2, 1]))
        .refused(&Rejection::TicketNotHeld {
            claim: claim_id(1),
            ticket: Some(ticket_id(1)),
        });
}

#[test]
fn a_ticket_of_another_claim_is_not_held_by_this_one() {
    and(a_claim_of_three(), [claimed(2, 9)])
        .when(buy(1, &[9]))
        .refused(&Rejection::TicketNotHeld {
            claim: claim_id(1),
            ticket: Some(ticket_id(9)),
        });
}

#[test]
fn a_finished_claim_has_nothing_to_buy() {
    let nothing = Rejection::TicketNotHeld {
        claim: claim_id(1),
        ticket: None,
    };
    let all_bought = (1..=3).map(|n| bought(1, n));
    and(a_claim_of_three(), all_bought)
        .when(buy(1, &[]))
        .refused(&nothing);
    let all_back = (1..=3).map(|n| released(1, n, ReleaseCause::Customer));
    and(a_claim_of_three(), all_back)
        .when(buy(1, &[]))
        .refused(&nothing);
}

#[test]
fn a_claim_is_dead_at_its_deadline_and_not_before() {
    let expired = Rejection::ClaimExpired {
        claim: claim_id(1),
        expire_time: minute(CLAIM_MINUTES),
    };
    Given::events(a_claim_of_three())
        .after_minutes(CLAIM_MINUTES)
        .when(buy(1, &[]))
        .refused(&expired);
    let in_time = Given::events(a_claim_of_three()).after_minutes(CLAIM_MINUTES - 1);
    assert_eq!(in_time.when(buy(1, &[])).events().len(), 3);
}

#[test]
fn a_swept_claim_says_that_it_expired() {
    let swept = (1..=3).map(|n| released(1, n, ReleaseCause::Expired));
    and(a_claim_of_three(), swept)
        .when(buy(1, &[]))
        .refused(&Rejection::ClaimExpired {
            claim: claim_id(1),
            expire_time: minute(CLAIM_MINUTES),
        });
}

#[test]
fn live_claims_may_be_finished_after_a_stop_that_says_so() {
    let given = and(a_claim_of_three(), [stopped(StopMode::FinishClaims)]);
    assert_eq!(given.when(buy(1, &[])).events().len(), 3);
}

#[test]
fn a_voided_claim_is_dead_even_after_sales_resumed_and_before_it_is_swept() {
    let given = and(
        a_claim_of_three(),
        [stopped(StopMode::VoidClaims), resumed()],
    );
    given.when(buy(1, &[])).refused(&Rejection::ClaimVoided {
        claim: claim_id(1),
        void: Void {
            event: event_id(5),
            time: minute(0),
            cause: ReleaseCause::Stopped,
        },
    });
}

#[test]
fn a_voided_claim_says_so_after_it_is_swept() {
    let swept = (1..=3).map(|n| released(1, n, ReleaseCause::Stopped));
    let events = [stopped(StopMode::VoidClaims)].into_iter().chain(swept);
    let given = and(a_claim_of_three(), events.chain([resumed()]));
    let when = given.when(buy(1, &[]));
    assert!(
        matches!(when.result, Err(Rejection::ClaimVoided { .. })),
        "{:?}",
        when.result
    );
}

#[test]
fn a_claim_made_after_sales_resumed_is_alive() {
    let events = [
        created(),
        stopped(StopMode::VoidClaims),
        resumed(),
        claimed(1, 1),
    ];
    Given::events(events).when(buy(1, &[])).then([bought(1, 1)]);
}

#[test]
fn unknown_claims_and_pools_are_not_found() {
    Given::events([created()])
        .when(buy(1, &[]))
        .refused(&Rejection::ClaimNotFound { claim: claim_id(1) });
    Given::nothing()
        .when(buy(1, &[]))
        .refused(&Rejection::PoolNotFound);
}
