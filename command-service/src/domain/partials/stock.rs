//! How many tickets are sold and held. The one invariant that everything is about: sold + held ≤ capacity.

use onsale_shared::event::{EventType, PoolEvent};

use super::{Contradiction, Edited, journaled_by};
use crate::domain::{
    fact::Entry,
    journal::Cell,
    snapshot::{Damaged, Reader, Writer},
};

/// How many tickets are sold and held, of how many.
#[derive(Clone, Debug, Default)]
pub struct Stock {
    counts: Cell<Counts>,
    capacity: Cell<Option<Edited<u32>>>,
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

journaled_by!(Stock, counts, capacity);

impl Stock {
    /// The counts.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        self.counts.get()
    }

    /// The capacity with its last edit; none if the pool does not exist.
    #[must_use]
    pub const fn capacity(&self) -> Option<&Edited<u32>> {
        self.capacity.get().as_ref()
    }

    /// The counts after an event.
    ///
    /// # Errors
    /// It cannot have happened with these counts.
    pub(crate) fn after(&self, event: &PoolEvent) -> Result<Counts, Contradiction> {
        let mut counts = *self.counts();
        match event {
            PoolEvent::PoolCreated(created) => counts.capacity = created.capacity,
            PoolEvent::CapacityChanged(changed) => {
                // The sum fits: both are parts of the old capacity.
                if changed.capacity < counts.sold + counts.held {
                    return Err(Contradiction);
                }
                counts.capacity = changed.capacity;
            }
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
            PoolEvent::TicketRefunded(_) => {
                counts.sold = counts.sold.checked_sub(1).ok_or(Contradiction)?;
            }
            PoolEvent::ClaimExtended(_)
            | PoolEvent::SalesStopped(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::PoolCancelled(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::LimitsChanged(_)
            | PoolEvent::CommandRefused(_) => {}
        }
        Ok(counts)
    }

    /// Takes over the counts [`after`](Self::after) an event.
    pub(crate) fn evolve(&mut self, entry: &Entry<'_>, counts: Counts) {
        if [EventType::PoolCreated, EventType::CapacityChanged].contains(&entry.event.kind()) {
            let known = self.capacity.get().clone();
            self.capacity.set(Some(match known {
                Some(known) => known.edit(counts.capacity, entry),
                None => Edited::new(counts.capacity),
            }));
        }
        self.counts.set(counts);
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        let counts = self.counts();
        writer.put(&(counts.capacity, counts.sold, counts.held));
        writer.put_json(&self.capacity());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let (capacity, sold, held) = reader.take()?;
        Ok(Self {
            counts: Cell::new(Counts {
                capacity,
                sold,
                held,
            }),
            capacity: Cell::new(reader.take_json()?),
        })
    }
}
