//! How many tickets are sold and held. The one invariant that everything is about: sold + held ≤ capacity.

use onsale_shared::event::PoolEvent;

use super::{Contradiction, journaled_by};
use crate::domain::{fact::Entry, journal::Cell};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Stock {
    counts: Cell<Counts>,
}

/// The counts of a pool; always sold + held + available = capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many tickets exist.
    pub capacity: u32,
    /// How many are bought.
    pub sold: u32,
    /// How many are in claims.
    pub held: u32,
}

impl Counts {
    /// How many can be claimed.
    #[must_use]
    pub const fn available(&self) -> u32 {
        self.capacity
            .saturating_sub(self.sold)
            .saturating_sub(self.held)
    }

    /// These counts after `count` held tickets went back to the stock.
    #[must_use]
    pub const fn after_release(&self, count: u32) -> Self {
        Self {
            held: self.held.saturating_sub(count),
            ..*self
        }
    }
}

journaled_by!(Stock, counts);

impl Stock {
    /// The counts.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        self.counts.get()
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) -> Result<(), Contradiction> {
        let mut counts = *self.counts();
        match entry.event {
            PoolEvent::PoolCreated(created) => counts.capacity = created.capacity,
            PoolEvent::TicketClaimed(_) => {
                if counts.available() == 0 {
                    return Err(Contradiction);
                }
                counts.held += 1;
            }
            PoolEvent::TicketBought(_) => {
                counts.held = counts.held.checked_sub(1).ok_or(Contradiction)?;
                counts.sold += 1;
            }
            PoolEvent::TicketReleased(_) => {
                counts.held = counts.held.checked_sub(1).ok_or(Contradiction)?;
            }
            PoolEvent::SalesStopped(_) | PoolEvent::SalesResumed(_) => return Ok(()),
        }
        self.counts.set(counts);
        Ok(())
    }
}
