//! The price that a rule gives.

use super::{Change, DemandBasis, Explanation, Pricing, change::Place};
use crate::{
    money::{Amount, Minor},
    time::Timestamp,
};

const SECOND_MICROS: i64 = 1_000_000;

/// The tickets of a pool before the order that is priced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// How many exist: 1 to 10,000,000. With 0 everything counts as 0 percent.
    pub capacity: u32,
    /// How many are bought or granted.
    pub sold: u32,
    /// How many are held.
    pub held: u32,
}

/// A price, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What each ticket of the order costs.
    pub unit_price: Amount,
    /// Why, and until when.
    pub explanation: Explanation,
}

impl Pricing {
    /// What each ticket of an order costs that is decided `at` this moment.
    ///
    /// Never fails. Beyond the limits of a rule, what outgrows its bits costs the cap, or the most there is.
    #[must_use]
    pub fn unit_price(
        &self,
        demand: Demand,
        at: Timestamp,
        show_time: Option<Timestamp>,
    ) -> Amount {
        let left = seconds_left(at, show_time);
        self.price_at(self.counted(demand), demand.capacity, left)
    }

    /// The same with its explanation.
    #[must_use]
    pub fn quote(&self, demand: Demand, at: Timestamp, show_time: Option<Timestamp>) -> Quote {
        Quote {
            unit_price: self.unit_price(demand, at, show_time),
            explanation: self.explain(demand, at, show_time),
        }
    }

    /// The price with so many tickets counted and so many seconds [left](seconds_left).
    pub(super) fn price_at(&self, counted: u64, capacity: u32, left: Option<i64>) -> Amount {
        let changes = (
            self.demand_change(counted, capacity),
            self.time_change(left),
        );
        let highest = i128::from(self.cap_price.map_or(i64::MAX, Minor::get));
        let raw = self.raw(changes).max(self.floor_price.get().into());
        let price = i64::try_from(raw.min(highest)).ok().and_then(Minor::new);
        self.amount(price.unwrap_or_default())
    }

    /// The base price after both changes, before floor and cap.
    pub(super) fn raw(&self, (demand, time): (Change, Change)) -> i128 {
        let raw = demand
            .plus(time)
            .and_then(|change| change.of(self.base_price.get()));
        raw.unwrap_or(i128::MAX)
    }

    /// How many tickets the demand steps count.
    pub(super) fn counted(&self, demand: Demand) -> u64 {
        let held = match self.demand_basis {
            DemandBasis::Sold => 0,
            DemandBasis::Committed => demand.held,
        };
        u64::from(demand.sold) + u64::from(held)
    }

    /// What demand does to the base price.
    pub(super) fn demand_change(&self, counted: u64, capacity: u32) -> Change {
        let (counted, capacity) = match capacity {
            0 => (0, 1),
            _ => (counted, capacity),
        };
        // Both sides of `sold_percent <= 100 * counted / capacity`, times the capacity.
        Change::at(
            &self.demand_steps,
            |step| Place {
                position: i128::from(step.sold_percent) * i128::from(capacity),
                change: step.change_basis_points.into(),
            },
            self.interpolation,
            100 * i128::from(counted),
        )
    }

    /// What the nearness of the show does to the base price: nothing without a show time.
    pub(super) fn time_change(&self, left: Option<i64>) -> Change {
        let Some(left) = left else {
            return Change::NONE;
        };
        Change::at(
            &self.time_steps,
            |step| Place {
                position: -i128::from(step.before_show.as_secs()),
                change: step.change_basis_points.into(),
            },
            self.interpolation,
            -i128::from(left),
        )
    }
}

/// The whole seconds from `at` to the show, rounded up, below 0 after it; none without a show time.
pub(super) fn seconds_left(at: Timestamp, show_time: Option<Timestamp>) -> Option<i64> {
    let since = at.as_micros().saturating_sub(show_time?.as_micros());
    Some(-since.div_euclid(SECOND_MICROS))
}

/// The moment from which on so many seconds are [left](seconds_left).
pub(super) fn moment(left: i64, show_time: Timestamp) -> Option<Timestamp> {
    let before = left.checked_mul(SECOND_MICROS)?;
    let micros = show_time.as_micros().checked_sub(before)?;
    Some(Timestamp::from_micros(micros))
}

#[cfg(test)]
mod tests;
