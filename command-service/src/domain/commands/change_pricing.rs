//! `ChangePricing`: later claims have another price rule.

use onsale_shared::{
    event::{EventType, PoolEvent, PricingChanged},
    money::Currency,
    pricing,
};
use serde::Serialize;

use crate::domain::{
    Facts, Pool, Rejection,
    conflicts::{self, Precondition, Setting},
    partials::{Pricing, Schedule},
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "ChangePricing",
    purpose: "Every claim that is ordered after it has another price rule; live claims keep their price.",
    context_events: &[
        EventType::PoolCreated,
        EventType::PricingChanged,
        EventType::PoolRescheduled,
    ],
    context_model: &[
        "the price rule, since when and by whom",
        "the show time, since when and by whom",
    ],
    constraints: &[
        "The promoter knew the price rule and the times, where he says which version he saw.",
        "The currency stays that of the pool.",
        "A rule with time steps needs a show time.",
    ],
    decisions: &["The rule is replaced as a whole and gets the next number."],
    records: &[EventType::PricingChanged],
    refusals: &["POOL_NOT_FOUND", "VERSION_CONFLICT", "INVALID_FIELD"],
};

/// A new price rule; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangePricing {
    /// The rule.
    pub pricing: pricing::Pricing,
    /// What the promoter saw.
    #[serde(flatten)]
    pub precondition: Precondition,
}

struct Context {
    currency: Currency,
    has_show_time: bool,
}

impl Context {
    fn of(pricing: &Pricing, schedule: &Schedule) -> Result<Self, Rejection> {
        let (Some(rule), Some(times)) = (pricing.rule(), schedule.get()) else {
            return Err(Rejection::PoolNotFound);
        };
        Ok(Self {
            currency: rule.value.currency,
            has_show_time: times.value.show_time.is_some(),
        })
    }
}

impl ChangePricing {
    pub(super) fn decide(&self, pool: &Pool, facts: &mut Facts<'_>) -> Result<(), Rejection> {
        let context = Context::of(&pool.pricing, &pool.schedule)?;
        conflicts::check(pool, Setting::Pricing, self.precondition)?;
        if self.pricing.currency != context.currency {
            return Err(Rejection::WrongCurrency {
                field: "pricing.base_price.currency_code",
                given: self.pricing.currency,
                expected: context.currency,
            });
        }
        if !self.pricing.time_steps.is_empty() && !context.has_show_time {
            return Err(Rejection::ShowTimeRequired {
                field: "pricing.time_steps",
            });
        }
        let changed = PricingChanged {
            pricing: self.pricing.clone(),
        };
        facts.record(PoolEvent::PricingChanged(changed), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
