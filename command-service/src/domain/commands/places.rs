//! Finding places for an order: what is available, and what dead claims still hold. Nobody is told that tickets are
//! sold out because of claims that are dead and not yet swept.

use onsale_shared::{
    event::{PoolEvent, TicketReleased},
    id::EventId,
    time::Timestamp,
};

use crate::domain::{
    Facts, Rejection,
    partials::{Claims, Counts, DeadTicket, Stock},
};

/// Places for an order.
pub(super) struct Places {
    requested: u32,
    /// After the dead tickets have gone back.
    counts: Counts,
    /// Go back first; no more than the order needs.
    dead: Vec<DeadTicket>,
}

impl Places {
    /// `dead` go back in any case, and as many more as the order needs.
    pub(super) fn find(
        (stock, claims): (&Stock, &Claims),
        mut dead: Vec<DeadTicket>,
        requested: u32,
        at: Timestamp,
    ) -> Self {
        let counts = stock.counts().after_release(number(dead.len()));
        let missing = requested.saturating_sub(counts.available());
        if missing > 0 {
            let own = dead.len();
            let wanted = own + usize::try_from(missing).unwrap_or(usize::MAX);
            for ticket in claims.dead_tickets(at) {
                if dead.len() == wanted {
                    break;
                }
                let is_own = dead.get(..own).unwrap_or_default().contains(&ticket);
                if !is_own {
                    dead.push(ticket);
                }
            }
        }
        Self {
            requested,
            counts: stock.counts().after_release(number(dead.len())),
            dead,
        }
    }

    /// The counts when the dead tickets have gone back.
    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    /// # Errors
    /// There are not as many.
    pub(super) const fn check(&self) -> Result<(), Rejection> {
        let (requested, counts) = (self.requested, self.counts);
        if counts.available() >= requested {
            return Ok(());
        }
        Err(if counts.available() > 0 {
            Rejection::InsufficientAvailability { requested, counts }
        } else if counts.held > 0 {
            Rejection::SoldOutForNow { requested, counts }
        } else {
            Rejection::SoldOut { requested, counts }
        })
    }

    /// Gives the dead tickets back; the events, one for each place. A ticket that takes such a place is caused by it.
    pub(super) fn release(&self, facts: &mut Facts<'_>) -> Vec<EventId> {
        let dead = self.dead.iter();
        dead.map(|dead| release_dead(dead, facts)).collect()
    }
}

/// A place of a dead claim goes back to the stock.
pub(super) fn release_dead(dead: &DeadTicket, facts: &mut Facts<'_>) -> EventId {
    let released = TicketReleased {
        claim: dead.claim,
        ticket: dead.ticket,
        customer: Some(dead.customer.clone()),
        cause: dead.cause,
        expire_time: dead.expire_time,
    };
    facts.record(PoolEvent::TicketReleased(released), Some(dead.caused_by))
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
