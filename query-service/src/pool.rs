//! A pool as the read side knows it: the fold of its events, in memory and as a row. It knows no rule of sale.

use std::{sync::Arc, time::Duration};

use onsale_shared::{
    event::{Labels, Pricing, StopMode},
    id::PoolId,
    log::{Position, Version},
    money::Amount,
    text::{Reference, Sentence},
    time::Timestamp,
};

/// A pool at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) id: PoolId,
    /// None if the log has events of the pool but no creation; it is corrupted then.
    pub(crate) details: Option<Arc<Details>>,
    pub(crate) counts: Counts,
    pub(crate) stop: Option<StopMode>,
    /// The log holds an event that contradicts the pool.
    pub(crate) corrupted: bool,
    pub(crate) version: Version,
    /// Of its last event.
    pub(crate) position: Position,
    pub(crate) create_time: Timestamp,
    pub(crate) update_time: Timestamp,
}

/// What seldom changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) display_name: Option<Sentence>,
    pub(crate) promoter: Option<Reference>,
    pub(crate) show: Option<Reference>,
    pub(crate) labels: Labels,
    pub(crate) show_time: Option<Timestamp>,
    pub(crate) pricing: Pricing,
    pub(crate) max_tickets_per_order: u32,
    pub(crate) claim_duration: Duration,
}

/// What a customer can expect who comes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SaleStatus {
    Open,
    Stopped,
    SoldOutForNow,
    SoldOut,
}

impl Pool {
    /// Before its first event.
    pub(crate) const fn unknown(id: PoolId, create_time: Timestamp) -> Self {
        Self {
            id,
            details: None,
            counts: Counts::NONE,
            stop: None,
            corrupted: false,
            version: Version::START,
            position: Position::START,
            create_time,
            update_time: create_time,
        }
    }

    pub(crate) fn sale_status(&self) -> SaleStatus {
        if self.corrupted || self.stop.is_some() {
            SaleStatus::Stopped
        } else if self.counts.sold() == self.counts.capacity() {
            SaleStatus::SoldOut
        } else if self.counts.available() == 0 {
            SaleStatus::SoldOutForNow
        } else {
            SaleStatus::Open
        }
    }

    /// What one ticket costs.
    pub(crate) fn unit_price(&self) -> Option<Amount> {
        let pricing = self.details.as_ref()?.pricing;
        Some(Amount {
            currency: pricing.currency,
            minor: pricing.base_price,
        })
    }
}

/// How many tickets there are, sold and held. By construction `sold + held <= capacity`, so the rest is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    capacity: u32,
    sold: u32,
    held: u32,
}

impl Counts {
    pub(crate) const NONE: Self = Self::of_new_pool(0);

    pub(crate) const fn of_new_pool(capacity: u32) -> Self {
        Self {
            capacity,
            sold: 0,
            held: 0,
        }
    }

    /// None if that is more than there are.
    pub(crate) fn new(capacity: u32, sold: u32, held: u32) -> Option<Self> {
        (sold.checked_add(held)? <= capacity).then_some(Self {
            capacity,
            sold,
            held,
        })
    }

    pub(crate) const fn capacity(self) -> u32 {
        self.capacity
    }

    pub(crate) const fn sold(self) -> u32 {
        self.sold
    }

    pub(crate) const fn held(self) -> u32 {
        self.held
    }

    pub(crate) const fn available(self) -> u32 {
        self.capacity - self.sold - self.held
    }

    /// One more is held; none if none was available.
    pub(crate) fn claim(self) -> Option<Self> {
        Self::new(self.capacity, self.sold, self.held.checked_add(1)?)
    }

    /// A held one is sold; none if none was held.
    pub(crate) fn buy(self) -> Option<Self> {
        Self::new(
            self.capacity,
            self.sold.checked_add(1)?,
            self.held.checked_sub(1)?,
        )
    }

    /// A held one is available again; none if none was held.
    pub(crate) fn release(self) -> Option<Self> {
        Self::new(self.capacity, self.sold, self.held.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(capacity: u32, sold: u32, held: u32) -> SaleStatus {
        let id = PoolId::parse("abc").unwrap();
        let counts = Counts::new(capacity, sold, held).unwrap();
        Pool {
            counts,
            ..Pool::unknown(id, Timestamp::default())
        }
        .sale_status()
    }

    #[test]
    fn the_sale_status_follows_from_the_counts() {
        assert_eq!(status(3, 0, 0), SaleStatus::Open);
        assert_eq!(status(3, 1, 1), SaleStatus::Open);
        assert_eq!(status(3, 2, 1), SaleStatus::SoldOutForNow);
        assert_eq!(status(3, 0, 3), SaleStatus::SoldOutForNow);
        assert_eq!(status(3, 3, 0), SaleStatus::SoldOut);
    }

    #[test]
    fn who_is_stopped_or_corrupted_does_not_sell() {
        let pool = Pool {
            counts: Counts::of_new_pool(3),
            ..Pool::unknown(PoolId::parse("abc").unwrap(), Timestamp::default())
        };
        let stopped = Pool {
            stop: Some(StopMode::FinishClaims),
            ..pool.clone()
        };
        let corrupted = Pool {
            corrupted: true,
            ..pool
        };
        assert_eq!(stopped.sale_status(), SaleStatus::Stopped);
        assert_eq!(corrupted.sale_status(), SaleStatus::Stopped);
    }

    #[test]
    fn counts_beyond_the_capacity_cannot_be_made() {
        assert_eq!(Counts::new(3, 2, 2), None);
        assert_eq!(Counts::new(3, u32::MAX, 1), None);
        assert_eq!(Counts::of_new_pool(0).claim(), None);
        assert_eq!(Counts::of_new_pool(1).buy(), None);
        assert_eq!(Counts::of_new_pool(1).release(), None);
    }
}
