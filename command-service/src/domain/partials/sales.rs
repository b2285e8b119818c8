//! At which versions tickets were bought, so that a conflict can say how many were sold since.

use onsale_shared::{event::PoolEvent, log::Version};

use super::journaled_by;
use crate::domain::{
    fact::Entry,
    journal::Queue,
    snapshot::{Damaged, Reader, Writer},
};

/// The versions at which tickets were bought.
#[derive(Clone, Debug, Default)]
pub struct Sales {
    /// Of the newest sales, oldest first.
    versions: Queue<Version>,
}

/// How many tickets were sold since a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoldSince {
    /// So many.
    Exactly(usize),
    /// So many or more: older sales are not remembered.
    AtLeast(usize),
}

journaled_by!(Sales, versions);

impl Sales {
    /// So many of the newest sales are remembered.
    pub const REMEMBERED_MAX: usize = 10_000;

    /// How many tickets were sold after a version.
    #[must_use]
    pub fn since(&self, version: Version) -> SoldSince {
        let older = self.versions.partition_point(|sale| *sale <= version);
        let newer = self.versions.len() - older;
        if newer == Self::REMEMBERED_MAX {
            SoldSince::AtLeast(newer)
        } else {
            SoldSince::Exactly(newer)
        }
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) {
        match entry.event {
            PoolEvent::TicketBought(_) => {
                self.versions.push(entry.version);
                if self.versions.len() > Self::REMEMBERED_MAX {
                    self.versions.pop_if(|_| true);
                }
            }
            PoolEvent::PoolCreated(_)
            | PoolEvent::TicketClaimed(_)
            | PoolEvent::ClaimExtended(_)
            | PoolEvent::TicketReleased(_)
            | PoolEvent::TicketRefunded(_)
            | PoolEvent::SalesStopped(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::PoolCancelled(_)
            | PoolEvent::CapacityChanged(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::LimitsChanged(_)
            | PoolEvent::CommandRefused(_) => {}
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.put(&self.versions.iter().collect::<Vec<_>>());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let versions: Vec<Version> = reader.take()?;
        let mut sales = Self::default();
        for version in versions {
            sales.versions.push(version);
        }
        Ok(sales)
    }
}
