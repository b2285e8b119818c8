//! When the show is, and when the pool sells.

use onsale_shared::event::{self, PoolEvent};

use super::{Contradiction, Edited, journaled_by};
use crate::domain::{
    fact::Entry,
    journal::Cell,
    snapshot::{Damaged, Reader, Writer},
};

/// The times of the show and of its sales.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    times: Cell<Option<Edited<event::Schedule>>>,
}

journaled_by!(Schedule, times);

impl Schedule {
    /// The times that hold now; none if the pool does not exist.
    #[must_use]
    pub const fn get(&self) -> Option<&Edited<event::Schedule>> {
        self.times.get().as_ref()
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) -> Result<(), Contradiction> {
        match entry.event {
            PoolEvent::PoolCreated(created) => {
                self.times.set(Some(Edited::new(created.schedule)));
            }
            PoolEvent::PoolRescheduled(changed) => {
                let times = self.times.get().clone().ok_or(Contradiction)?;
                self.times.set(Some(times.edit(changed.schedule, entry)));
            }
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
            | PoolEvent::LimitsChanged(_)
            | PoolEvent::CommandRefused(_) => {}
        }
        Ok(())
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.put_json(self.times.get());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let times = Cell::new(reader.take_json()?);
        Ok(Self { times })
    }
}
