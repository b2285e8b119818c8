//! `ReschedulePool`: the show or the sale has other times.

use onsale_shared::{
    event::{self, EventType, PoolEvent, PoolRescheduled},
    time::Timestamp,
};
use serde::Serialize;

use super::sale_checks;
use crate::domain::{
    Facts, Pool, Rejection,
    conflicts::{self, Precondition, Setting},
    partials::Pricing,
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "ReschedulePool",
    purpose: "The show or the sale has other times; what was sold and claimed stays.",
    context_events: &[
        EventType::PoolCreated,
        EventType::PricingChanged,
        EventType::PoolRescheduled,
    ],
    context_model: &[
        "whether the price rule has time steps, since when and by whom",
        "the times, since when and by whom",
    ],
    constraints: &[
        "The promoter knew the times and the price rule, where he says which version he saw.",
        "The show and the end of sales lie ahead.",
        "A price rule with time steps keeps a show time.",
    ],
    decisions: &["All times are replaced; the price follows the new show time from then on."],
    records: &[EventType::PoolRescheduled],
    refusals: &["POOL_NOT_FOUND", "VERSION_CONFLICT", "INVALID_FIELD"],
};

/// New times; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReschedulePool {
    /// All times.
    pub schedule: event::Schedule,
    /// What the promoter saw.
    #[serde(flatten)]
    pub precondition: Precondition,
}

struct Context {
    price_follows_time: bool,
}

impl Context {
    fn of(pricing: &Pricing) -> Result<Self, Rejection> {
        let rule = pricing.rule().ok_or(Rejection::PoolNotFound)?;
        Ok(Self {
            price_follows_time: !rule.value.time_steps.is_empty(),
        })
    }
}

impl ReschedulePool {
    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Rejection> {
        let Context { price_follows_time } = Context::of(&pool.pricing)?;
        conflicts::check(pool, Setting::Schedule, self.precondition)?;
        sale_checks::lies_ahead(&self.schedule, ["show_time", "sales_end_time"], at)?;
        if price_follows_time && self.schedule.show_time.is_none() {
            return Err(Rejection::ShowTimeRequired { field: "show_time" });
        }
        let rescheduled = PoolRescheduled {
            schedule: self.schedule,
        };
        facts.record(PoolEvent::PoolRescheduled(rescheduled), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
