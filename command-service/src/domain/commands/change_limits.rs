//! `ChangeLimits`: later orders have other limits.

use onsale_shared::event::{self, EventType, LimitsChanged, PoolEvent};
use serde::Serialize;

use crate::domain::{
    Facts, Pool, Rejection,
    conflicts::{self, Precondition, Setting},
    partials::Limits,
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "ChangeLimits",
    purpose: "Every order after it has other limits; who has more already keeps it.",
    context_events: &[EventType::PoolCreated, EventType::LimitsChanged],
    context_model: &["the limits, since when and by whom"],
    constraints: &["The promoter knew the limits, where he says which version he saw."],
    decisions: &["All limits are replaced; live claims keep their deadline."],
    records: &[EventType::LimitsChanged],
    refusals: &["POOL_NOT_FOUND", "VERSION_CONFLICT"],
};

/// New limits; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangeLimits {
    /// All limits.
    pub limits: event::Limits,
    /// What the promoter saw.
    #[serde(flatten)]
    pub precondition: Precondition,
}

struct Context;

impl Context {
    fn of(limits: &Limits) -> Result<Self, Rejection> {
        limits.get().ok_or(Rejection::PoolNotFound)?;
        Ok(Self)
    }
}

impl ChangeLimits {
    pub(super) fn decide(&self, pool: &Pool, facts: &mut Facts<'_>) -> Result<(), Rejection> {
        let Context = Context::of(&pool.limits)?;
        conflicts::check(pool, Setting::Limits, self.precondition)?;
        let changed = LimitsChanged {
            limits: self.limits,
        };
        facts.record(PoolEvent::LimitsChanged(changed), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
