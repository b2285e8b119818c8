//! Why a price is what it is.

use std::fmt::{self, Display};

use chrono::SecondsFormat;

use super::{Change, Demand, DemandBasis, NextDemandChange, Pricing, quote::seconds_left};
use crate::{money::Amount, time::Timestamp};

/// Why a price is what it is, and when it is another one. Its text is one sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The price before every change.
    pub base: Amount,
    /// What demand does to it; `None` without demand steps.
    pub demand: Option<DemandPart>,
    /// What the nearness of the show does to it; `None` without time steps or without a show time.
    pub time: Option<TimePart>,
    /// No price is lower; `None` if that is nothing.
    pub floor: Option<Amount>,
    /// No price is higher.
    pub cap: Option<Amount>,
    /// The limit that the price is at, whether it was held there or came to it by itself.
    pub clamp: Option<Clamp>,
    /// How many more tickets make another price.
    pub next_demand_change: Option<NextDemandChange>,
    /// When time alone makes another price, and which.
    pub next_time_change: Option<(Timestamp, Amount)>,
}

/// What demand does to a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemandPart {
    /// The change of the base price.
    pub change: Change,
    /// Which tickets count.
    pub basis: DemandBasis,
    /// The share of the capacity that counts, in hundredths of a percent, rounded down.
    pub basis_points: u64,
}

/// What the nearness of the show does to a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimePart {
    /// The change of the base price.
    pub change: Change,
    /// Whole seconds to the show, rounded up, below 0 after it.
    pub seconds_to_show: i64,
}

/// A limit that a price is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clamp {
    /// The lowest price.
    Floor,
    /// The highest price.
    Cap,
}

impl Pricing {
    pub(super) fn explain(
        &self,
        demand: Demand,
        at: Timestamp,
        show_time: Option<Timestamp>,
    ) -> Explanation {
        let counted = self.counted(demand);
        let left = seconds_left(at, show_time);
        let changes = (
            self.demand_change(counted, demand.capacity),
            self.time_change(left),
        );
        let share = (10_000 * counted).checked_div(demand.capacity.into());
        let next_time = self.next_time_change(demand, at, show_time);
        Explanation {
            base: self.amount(self.base_price),
            demand: (!self.demand_steps.is_empty()).then_some(DemandPart {
                change: changes.0,
                basis: self.demand_basis,
                basis_points: share.unwrap_or(0),
            }),
            time: left
                .filter(|_| !self.time_steps.is_empty())
                .map(|left| TimePart {
                    change: changes.1,
                    seconds_to_show: left,
                }),
            floor: (self.floor_price.get() > 0).then_some(self.amount(self.floor_price)),
            cap: self.cap_price.map(|cap| self.amount(cap)),
            clamp: self.clamp(self.raw(changes)),
            next_demand_change: self.next_demand_change(demand, at, show_time),
            next_time_change: next_time
                .map(|time| (time, self.unit_price(demand, time, show_time))),
        }
    }

    fn clamp(&self, raw: i128) -> Option<Clamp> {
        let floor = i128::from(self.floor_price.get());
        match self.cap_price {
            Some(cap) if raw.max(floor) >= cap.get().into() => Some(Clamp::Cap),
            Some(_) | None => (floor > 0 && raw <= floor).then_some(Clamp::Floor),
        }
    }
}

impl Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "base {}", self.base)?;
        if let Some(demand) = self.demand {
            write!(f, ", {demand}")?;
        }
        if let Some(time) = self.time {
            write!(f, ", {time}")?;
        }
        self.fmt_limits(f)?;
        self.fmt_next(f)
    }
}

impl Explanation {
    fn fmt_limits(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.clamp, self.floor, self.cap) {
            (Some(Clamp::Floor), Some(floor), _) => write!(f, ", at the floor of {floor}"),
            (Some(Clamp::Cap), _, Some(cap)) => write!(f, ", at the cap of {cap}"),
            (_, Some(_), Some(_)) => f.write_str(", floor and cap not reached"),
            (_, Some(_), None) => f.write_str(", floor not reached"),
            (_, None, Some(_)) => f.write_str(", cap not reached"),
            (_, None, None) => Ok(()),
        }
    }

    fn fmt_next(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(next) = self.next_demand_change {
            let basis = self.demand.map_or(DemandBasis::Sold, |demand| demand.basis);
            let NextDemandChange {
                more_tickets,
                unit_price,
            } = next;
            write!(
                f,
                ", next change at {more_tickets} more {basis} ({unit_price})"
            )?;
        }
        if let Some((time, price)) = self.next_time_change {
            let so_far = match self.next_demand_change {
                Some(_) => " or",
                None => ", next change",
            };
            let time = time.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true);
            write!(f, "{so_far} at {time} ({price})")?;
        }
        Ok(())
    }
}

impl Display for DemandPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (change, share) = (self.change, Percent(self.basis_points));
        write!(f, "{change} at {share} {}", self.basis)
    }
}

impl Display for TimePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let change = self.change;
        match u64::try_from(self.seconds_to_show) {
            Ok(0) => write!(f, "{change} at the show"),
            Ok(left) => write!(f, "{change} {} before the show", Span(left)),
            Err(_) => write!(f, "{change} after the show"),
        }
    }
}

impl Display for DemandBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sold => "sold",
            Self::Committed => "committed",
        })
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = self.rounded();
        let sign = if rounded < 0 { '−' } else { '+' };
        write!(f, "{sign}{}", Percent(rounded.unsigned_abs()))
    }
}

/// Hundredths of a percent, written as percent without zeros at the end.
struct Percent(u64);

impl Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match (rest / 10, rest % 10) {
            (0, 0) => write!(f, "{whole} %"),
            (tenths, 0) => write!(f, "{whole}.{tenths} %"),
            _ => write!(f, "{whole}.{rest:02} %"),
        }
    }
}

/// Seconds, written in the largest unit of which there is at least one, rounded down.
struct Span(u64);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self.0 {
            86_400.. => (self.0 / 86_400, "day"),
            3_600.. => (self.0 / 3_600, "hour"),
            60.. => (self.0 / 60, "minute"),
            _ => (self.0, "second"),
        };
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{count} {unit}{plural}")
    }
}

#[cfg(test)]
mod tests;
