//! Whether the pool exists, and what one order and one customer may have.

use onsale_shared::event::{self, PoolEvent};

use super::{Contradiction, Edited, journaled_by};
use crate::domain::{
    fact::Entry,
    journal::Cell,
    snapshot::{Damaged, Reader, Writer},
};

/// What one order and one customer may have; none before the pool exists.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    limits: Cell<Option<Edited<event::Limits>>>,
}

journaled_by!(Limits, limits);

impl Limits {
    /// The limits that hold now; none if the pool does not exist.
    #[must_use]
    pub const fn get(&self) -> Option<&Edited<event::Limits>> {
        self.limits.get().as_ref()
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) -> Result<(), Contradiction> {
        match (entry.event, self.get()) {
            (PoolEvent::PoolCreated(created), None) => {
                self.limits.set(Some(Edited::new(created.limits)));
                Ok(())
            }
            (PoolEvent::LimitsChanged(changed), Some(known)) => {
                let limits = known.clone().edit(changed.limits, entry);
                self.limits.set(Some(limits));
                Ok(())
            }
            // A second creation, or anything before the first.
            (PoolEvent::PoolCreated(_), Some(_)) | (_, None) => Err(Contradiction),
            (
                PoolEvent::TicketClaimed(_)
                | PoolEvent::ClaimExtended(_)
                | PoolEvent::TicketBought(_)
                | PoolEvent::TicketReleased(_)
                | PoolEvent::TicketRefunded(_)
                | PoolEvent::SalesStopped(_)
                | PoolEvent::SalesResumed(_)
                | PoolEvent::PoolCancelled(_)
                | PoolEvent::CapacityChanged(_)
                | PoolEvent::PricingChanged(_)
                | PoolEvent::PoolRescheduled(_)
                | PoolEvent::CommandRefused(_),
                Some(_),
            ) => Ok(()),
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.put_json(self.limits.get());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let limits = Cell::new(reader.take_json()?);
        Ok(Self { limits })
    }
}
