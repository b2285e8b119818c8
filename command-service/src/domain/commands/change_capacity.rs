//! `ChangeCapacity`: there are more or fewer tickets.

use onsale_shared::{
    event::{CapacityChanged, EventType, PoolEvent},
    time::Timestamp,
};
use serde::Serialize;

use crate::domain::{
    Facts, Pool, Rejection,
    conflicts::{self, Precondition, Setting},
    decide::Refusal,
    partials::{Claims, Counts, Limits, Stock},
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "ChangeCapacity",
    purpose: "There are more or fewer tickets, never fewer than are sold and held.",
    context_events: &[
        EventType::PoolCreated,
        EventType::CapacityChanged,
        EventType::TicketClaimed,
        EventType::TicketBought,
        EventType::TicketReleased,
        EventType::TicketRefunded,
        EventType::ClaimExtended,
        EventType::SalesStopped,
        EventType::PoolCancelled,
    ],
    context_model: &[
        "sold, held and capacity, since when and by whom",
        "how many held tickets belong to dead claims",
    ],
    constraints: &[
        "The promoter knew the capacity, where he says which version he saw.",
        "The new capacity is at least what is sold and held, not counting the tickets of dead claims, swept or not.",
    ],
    decisions: &[
        "Tickets of dead claims that are in the way go back to the stock before.",
        "The price follows: the same number of sold tickets is another percentage.",
    ],
    records: &[EventType::CapacityChanged],
    refusals: &[
        "POOL_NOT_FOUND",
        "VERSION_CONFLICT",
        "CAPACITY_BELOW_COMMITTED",
    ],
};

/// A new capacity; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangeCapacity {
    /// How many tickets there are to be: 1 to 10,000,000.
    pub capacity: u32,
    /// What the promoter saw.
    #[serde(flatten)]
    pub precondition: Precondition,
}

struct Context {
    counts: Counts,
    /// Held tickets of dead claims, no more than are in the way.
    dead: u32,
}

impl Context {
    fn of(
        limits: &Limits,
        (stock, claims): (&Stock, &Claims),
        capacity: u32,
        at: Timestamp,
    ) -> Result<Self, Rejection> {
        limits.get().ok_or(Rejection::PoolNotFound)?;
        let counts = *stock.counts();
        let excess = (counts.sold + counts.held).saturating_sub(capacity);
        let excess = usize::try_from(excess).unwrap_or(usize::MAX);
        let dead = claims.dead_tickets(at).take(excess).count();
        Ok(Self {
            counts,
            dead: u32::try_from(dead).unwrap_or(u32::MAX),
        })
    }
}

impl ChangeCapacity {
    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Refusal> {
        let parts = (&pool.stock, &pool.claims);
        let Context { counts, dead } = Context::of(&pool.limits, parts, self.capacity, at)?;
        conflicts::check(pool, Setting::Capacity, self.precondition)?;
        let live = counts.after_release(dead);
        if self.capacity < live.sold + live.held {
            return Err(Refusal::Rejected(Rejection::CapacityBelowCommitted {
                requested: self.capacity,
                counts: live,
            }));
        }
        if dead > 0 {
            return Err(Refusal::SweepFirst);
        }
        let changed = CapacityChanged {
            capacity: self.capacity,
        };
        facts.record(PoolEvent::CapacityChanged(changed), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
