//! When the price is another one.

use super::{
    Demand, Pricing,
    quote::{moment, seconds_left},
};
use crate::{money::Amount, time::Timestamp};

/// How many more tickets make another price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextDemandChange {
    /// The fewest more tickets sold (or committed) that do it, at least 1.
    pub more_tickets: u32,
    /// What a ticket costs then.
    pub unit_price: Amount,
}

impl Pricing {
    /// The fewest more tickets with which a ticket costs something else at the same moment. `None`: it costs the same
    /// with all tickets of the capacity.
    #[must_use]
    pub fn next_demand_change(
        &self,
        demand: Demand,
        at: Timestamp,
        show_time: Option<Timestamp>,
    ) -> Option<NextDemandChange> {
        let counted = self.counted(demand);
        let left = seconds_left(at, show_time);
        let price = |more| self.price_at(counted + more, demand.capacity, left);
        let now = price(0);
        // Demand only ever raises a price: once it is another one it stays so.
        let all = u64::from(demand.capacity).saturating_sub(counted);
        let more = first(all, |more| price(more) != now)?;
        Some(NextDemandChange {
            more_tickets: u32::try_from(more).ok()?,
            unit_price: price(more),
        })
    }

    /// The first moment after `at` from which on a ticket costs something else although nothing is sold. `None`: it
    /// never does.
    #[must_use]
    pub fn next_time_change(
        &self,
        demand: Demand,
        at: Timestamp,
        show_time: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let last_step = i64::try_from(self.time_steps.last()?.before_show.as_secs()).ok()?;
        let left = seconds_left(at, show_time)?;
        let after = |seconds| left.checked_sub_unsigned(seconds);
        let counted = self.counted(demand);
        let price = |seconds| self.price_at(counted, demand.capacity, after(seconds));
        let now = price(0);
        // Time only ever lowers a price, until the last step is reached.
        let all = u64::try_from(left.saturating_sub(last_step)).ok()?;
        let seconds = first(all, |seconds| price(seconds) != now)?;
        moment(after(seconds)?, show_time?)
    }
}

/// The least number of 1 to `last` for which `holds` is true, if it stays true from there on; none if it never is.
fn first(last: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    if last == 0 || !holds(last) {
        return None;
    }
    let (mut least, mut found) = (1, last);
    while least < found {
        let middle = least.midpoint(found);
        if holds(middle) {
            found = middle;
        } else {
            least = middle + 1;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests;
