use onsale_shared::event::StopMode;

use super::*;
use crate::domain::commands::testing::*;

#[test]
fn every_ticket_is_claimed_and_bought_in_one_decision() {
    let facts = Given::events([created()]).when(purchase(2)).facts();
    let kinds: Vec<_> = facts.iter().map(|fact| fact.event.kind()).collect();
    use EventType::{TicketBought, TicketClaimed};
    assert_eq!(
        kinds,
        [TicketClaimed, TicketClaimed, TicketBought, TicketBought]
    );
    assert_eq!(
        facts[2].cause,
        Some(facts[0].id),
        "bought because it was claimed"
    );
}

#[test]
fn it_is_refused_as_a_claim_is() {
    Given::events([created()])
        .when(purchase(5))
        .refused(&Rejection::OrderLimitExceeded {
            requested: 5,
            max: 4,
        });
    let mode = StopMode::FinishClaims;
    Given::events([created(), stopped(mode)])
        .when(purchase(1))
        .refused(&Rejection::SalesStopped { mode });
    Given::nothing()
        .when(purchase(1))
        .refused(&Rejection::PoolNotFound);
}
