use onsale_shared::event::StopMode;

use super::*;
use crate::domain::commands::testing::*;

const CUSTOMER: ReleaseCause = ReleaseCause::Customer;

fn a_claim_of_two() -> Vec<PoolEvent> {
    vec![created(), claimed(1, 1), claimed(1, 2)]
}

fn not_held(ticket: Option<u128>) -> Rejection {
    Rejection::TicketNotHeld {
        claim: claim_id(1),
        ticket: ticket.map(ticket_id),
    }
}

#[test]
fn all_or_a_part_goes_back() {
    Given::events(a_claim_of_two())
        .when(release(1, &[]))
        .then([released(1, 1, CUSTOMER), released(1, 2, CUSTOMER)]);
    Given::events(a_claim_of_two())
        .when(release(1, &[2]))
        .then([released(1, 2, CUSTOMER)]);
}

#[test]
fn a_place_goes_back_once() {
    let given = || {
        Given::events(
            a_claim_of_two()
                .into_iter()
                .chain([released(1, 1, CUSTOMER)]),
        )
    };
    given().when(release(1, &[1])).refused(&not_held(Some(1)));
    given()
        .when(release(1, &[]))
        .then([released(1, 2, CUSTOMER)]);
}

#[test]
fn a_bought_ticket_is_not_held() {
    let given = Given::events(
        a_claim_of_two()
            .into_iter()
            .chain([bought(1, 1), bought(1, 2)]),
    );
    given.when(release(1, &[])).refused(&not_held(None));
}

#[test]
fn a_dead_claim_is_left_to_the_sweep() {
    Given::events(a_claim_of_two())
        .after_minutes(CLAIM_MINUTES)
        .when(release(1, &[]))
        .refused(&not_held(None));
    let voided = Given::events(
        a_claim_of_two()
            .into_iter()
            .chain([stopped(StopMode::VoidClaims)]),
    );
    voided.when(release(1, &[1])).refused(&not_held(Some(1)));
}

#[test]
fn a_stop_that_lets_claims_finish_lets_them_be_released() {
    let given = Given::events(
        a_claim_of_two()
            .into_iter()
            .chain([stopped(StopMode::FinishClaims)]),
    );
    assert_eq!(given.when(release(1, &[])).events().len(), 2);
}

#[test]
fn unknown_claims_and_pools_are_not_found() {
    Given::events([created()])
        .when(release(1, &[]))
        .refused(&Rejection::ClaimNotFound { claim: claim_id(1) });
    Given::nothing()
        .when(release(1, &[]))
        .refused(&Rejection::PoolNotFound);
}

#[test]
fn what_an_operator_gives_back_is_marked() {
    let crate::domain::Command::ReleaseTickets(mut command) = release(1, &[]) else {
        unreachable!("release() releases")
    };
    command.by_operator = true;
    Given::events([created(), claimed(1, 1)])
        .when(crate::domain::Command::ReleaseTickets(command))
        .then([released(1, 1, ReleaseCause::Operator)]);
}
