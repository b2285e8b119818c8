//! Whether the pool sells: until the promoter stops the sale, or cancels the pool for good.

use onsale_shared::{
    event::{PoolEvent, StopMode},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Contradiction, Edited, journaled_by};
use crate::domain::{
    fact::Entry,
    journal::Cell,
    snapshot::{Damaged, Reader, Writer},
};

/// Whether sales are on, stopped, or over for good, and since when.
#[derive(Clone, Debug)]
pub struct Sale {
    status: Cell<Edited<SaleState>>,
}

/// What the promoter wants of the sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaleState {
    /// The pool sells, within its sales window.
    #[default]
    Selling,
    /// Sales are stopped until they are resumed.
    Stopped(StopMode),
    /// The pool is cancelled for good.
    Cancelled,
}

impl Default for Sale {
    fn default() -> Self {
        Self {
            status: Cell::new(Edited::new(SaleState::Selling)),
        }
    }
}

journaled_by!(Sale, status);

impl Sale {
    /// What the promoter wants of the sale.
    #[must_use]
    pub const fn get(&self) -> &Edited<SaleState> {
        self.status.get()
    }

    /// What the promoter wants of the sale.
    #[must_use]
    pub const fn status(&self) -> SaleState {
        self.status.get().value
    }

    /// When the status was last changed; none if it never was.
    #[must_use]
    pub fn changed_at(&self) -> Option<Timestamp> {
        self.get().last_edit.as_ref().map(|edit| edit.time)
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) -> Result<(), Contradiction> {
        let status = match (entry.event, self.status()) {
            // What only gives places back, or says no, happens whatever the promoter wants.
            (
                PoolEvent::TicketReleased(_)
                | PoolEvent::TicketRefunded(_)
                | PoolEvent::CommandRefused(_),
                _,
            ) => return Ok(()),
            // For good: nothing else happens any more.
            (_, SaleState::Cancelled) => return Err(Contradiction),
            (PoolEvent::SalesStopped(stop), SaleState::Selling) => SaleState::Stopped(stop.mode),
            (PoolEvent::SalesStopped(stop), SaleState::Stopped(mode)) if mode < stop.mode => {
                SaleState::Stopped(stop.mode)
            }
            (PoolEvent::SalesResumed(_), SaleState::Stopped(_)) => SaleState::Selling,
            (PoolEvent::PoolCancelled(_), SaleState::Selling | SaleState::Stopped(_)) => {
                SaleState::Cancelled
            }
            // Stopped already, or resumed while it sells.
            (PoolEvent::SalesStopped(_), SaleState::Stopped(_))
            | (PoolEvent::SalesResumed(_), SaleState::Selling) => return Err(Contradiction),
            (
                PoolEvent::PoolCreated(_)
                | PoolEvent::TicketClaimed(_)
                | PoolEvent::ClaimExtended(_)
                | PoolEvent::TicketBought(_)
                | PoolEvent::CapacityChanged(_)
                | PoolEvent::PricingChanged(_)
                | PoolEvent::PoolRescheduled(_)
                | PoolEvent::LimitsChanged(_),
                SaleState::Selling | SaleState::Stopped(_),
            ) => return Ok(()),
        };
        let edited = self.status.get().clone().edit(status, entry);
        self.status.set(edited);
        Ok(())
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.put_json(self.status.get());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let status = Cell::new(reader.take_json()?);
        Ok(Self { status })
    }
}
