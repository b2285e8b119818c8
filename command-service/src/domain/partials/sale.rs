//! Whether the pool sells.

use onsale_shared::event::{PoolEvent, StopMode};

use super::{Contradiction, journaled_by};
use crate::domain::{fact::Entry, journal::Cell};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Sale {
    stopped: Cell<Option<StopMode>>,
}

journaled_by!(Sale, stopped);

impl Sale {
    /// How sales are stopped; none while the pool sells.
    #[must_use]
    pub const fn stopped(&self) -> Option<StopMode> {
        *self.stopped.get()
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) -> Result<(), Contradiction> {
        match entry.event {
            PoolEvent::SalesStopped(stop) if self.stopped() < Some(stop.mode) => {
                self.stopped.set(Some(stop.mode));
            }
            PoolEvent::SalesResumed(_) if self.stopped().is_some() => self.stopped.set(None),
            // Stopped already, or resumed while it sells.
            PoolEvent::SalesStopped(_) | PoolEvent::SalesResumed(_) => return Err(Contradiction),
            PoolEvent::PoolCreated(_)
            | PoolEvent::TicketClaimed(_)
            | PoolEvent::TicketBought(_)
            | PoolEvent::TicketReleased(_) => {}
        }
        Ok(())
    }
}
