//! A preview of a price rule.

use std::collections::BTreeSet;

use super::{Demand, Pricing, STEPS_MAX, quote::moment};
use crate::{money::Amount, time::Timestamp};

/// A point of a price curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PricePoint {
    /// How many tickets are sold; none are held.
    pub sold: u32,
    /// When.
    pub time: Timestamp,
    /// What a ticket costs then.
    pub unit_price: Amount,
}

impl Pricing {
    /// What a ticket costs with each of these numbers sold, at each of these times: all times of the first number, then
    /// of the second.
    #[must_use]
    pub fn curve(
        &self,
        capacity: u32,
        sold: &[u32],
        times: &[Timestamp],
        show_time: Option<Timestamp>,
    ) -> Vec<PricePoint> {
        let grid = sold
            .iter()
            .flat_map(|&sold| times.iter().map(move |&time| (sold, time)));
        let point = |(sold, time)| {
            let demand = Demand {
                capacity,
                sold,
                held: 0,
            };
            PricePoint {
                sold,
                time,
                unit_price: self.unit_price(demand, time, show_time),
            }
        };
        grid.map(point).collect()
    }

    /// Where a preview looks, rising: at most 64 numbers of sold tickets, all of which leave one to sell, and at most 52
    /// times, from `now` on.
    ///
    /// Numbers: none, every tenth of the capacity, the first at which each demand step counts, all but one. Times: now,
    /// the moment of each time step to come, the show time if it is to come.
    #[must_use]
    pub fn preview_points(
        &self,
        capacity: u32,
        now: Timestamp,
        show_time: Option<Timestamp>,
    ) -> (Vec<u32>, Vec<Timestamp>) {
        let capacity = u64::from(capacity);
        let tenths = (0..10).map(|tenth| tenth * capacity / 10);
        let steps = self.demand_steps.iter().take(STEPS_MAX);
        let starts = steps.map(|step| (u64::from(step.sold_percent) * capacity).div_ceil(100));
        let last = capacity.saturating_sub(1);
        let sold: BTreeSet<u32> = tenths
            .chain(starts)
            .chain([last])
            .filter_map(|sold| u32::try_from(sold.min(last)).ok())
            .collect();

        let steps = self.time_steps.iter().take(STEPS_MAX);
        let spans = steps.map(|step| step.before_show.as_secs()).chain([0]);
        let moments = spans.filter_map(|span| moment(i64::try_from(span).ok()?, show_time?));
        let times: BTreeSet<Timestamp> = moments.filter(|&time| time > now).chain([now]).collect();
        (sold.into_iter().collect(), times.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
