//! The sweep: places of dead claims go back to the stock, by the server itself, in bounded steps.

use onsale_shared::{event::EventType, id::Ids, time::Timestamp};

use super::places::release_dead;
use crate::domain::{Fact, Facts, Pool, slice::Slice};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "(sweep)",
    purpose: "The server gives the places of dead claims back to the stock, soon after they died, nobody asking.",
    context_events: &[
        EventType::TicketClaimed,
        EventType::TicketBought,
        EventType::TicketReleased,
        EventType::ClaimExtended,
        EventType::SalesStopped,
        EventType::PoolCancelled,
    ],
    context_model: &["the held tickets of dead claims, the longest dead first"],
    constraints: &["At most 500 tickets a step; the next step goes on."],
    decisions: &[
        "A claim that a stop voided is released as STOPPED, caused by the stop; one that the end of the pool voided as CANCELLED, caused by it; any other as EXPIRED, caused by the claim.",
    ],
    records: &[EventType::TicketReleased],
    refusals: &[],
};

/// The releases of the next step, at most `max`; none if nothing is dead.
#[must_use]
pub fn sweep(pool: &Pool, at: Timestamp, max: usize, ids: &mut Ids) -> Vec<Fact> {
    let mut facts = Facts::new(ids);
    if pool.corrupted_at().is_none() {
        for dead in pool.claims.dead_tickets(at).take(max) {
            release_dead(&dead, &mut facts);
        }
    }
    facts.into_vec()
}

#[cfg(test)]
mod tests;
