//! What the pool is: whether it exists, and what was set when it was created.

use std::time::Duration;

use onsale_shared::event::PoolEvent;

use super::{Contradiction, journaled_by};
use crate::domain::{fact::Entry, journal::Cell};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    settings: Cell<Option<Settings>>,
}

/// What was set when the pool was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many tickets one order may name.
    pub max_tickets_per_order: u32,
    /// How long a claim holds its tickets.
    pub claim_duration: Duration,
}

journaled_by!(Profile, settings);

impl Profile {
    /// What was set; none if the pool does not exist.
    #[must_use]
    pub const fn settings(&self) -> Option<&Settings> {
        self.settings.get().as_ref()
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) -> Result<(), Contradiction> {
        match entry.event {
            PoolEvent::PoolCreated(created) if self.settings().is_none() => {
                self.settings.set(Some(Settings {
                    max_tickets_per_order: created.max_tickets_per_order,
                    claim_duration: created.claim_duration,
                }));
                Ok(())
            }
            // A second creation, or anything before the first.
            PoolEvent::PoolCreated(_) => Err(Contradiction),
            PoolEvent::TicketClaimed(_)
            | PoolEvent::TicketBought(_)
            | PoolEvent::TicketReleased(_)
            | PoolEvent::SalesStopped(_)
            | PoolEvent::SalesResumed(_) => self.settings().map(|_| ()).ok_or(Contradiction),
        }
    }
}
