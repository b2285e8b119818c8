//! `CreatePool`: a pool comes into being under a unique name.

use onsale_shared::{
    event::{EventType, Labels, Limits, PoolCreated, PoolEvent, Schedule},
    pricing::Pricing,
    text::{Reference, Sentence},
};
use serde::Serialize;

use crate::domain::{Facts, Pool, Rejection, partials, slice::Slice};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "CreatePool",
    purpose: "A pool comes into being under a unique name, and sells from then on, or from `sales_start_time` on.",
    context_events: &[EventType::PoolCreated],
    context_model: &["whether the pool exists"],
    constraints: &["The name is not taken; a name stays taken for ever."],
    decisions: &["The pool gets its capacity, its price rule, its times and its limits as given."],
    records: &[EventType::PoolCreated],
    refusals: &["POOL_EXISTS"],
};

/// The pool to be; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of PoolCreated")]
pub struct CreatePool {
    pub display_name: Option<Sentence>,
    pub promoter: Option<Reference>,
    pub show: Option<Reference>,
    pub labels: Labels,
    pub schedule: Schedule,
    pub capacity: u32,
    pub pricing: Pricing,
    pub limits: Limits,
}

struct Context {
    exists: bool,
}

impl Context {
    const fn of(limits: &partials::Limits) -> Self {
        Self {
            exists: limits.get().is_some(),
        }
    }
}

impl CreatePool {
    pub(super) fn decide(&self, pool: &Pool, facts: &mut Facts<'_>) -> Result<(), Rejection> {
        if Context::of(&pool.limits).exists {
            return Err(Rejection::PoolExists);
        }
        let created = PoolCreated {
            display_name: self.display_name.clone(),
            promoter: self.promoter.clone(),
            show: self.show.clone(),
            labels: self.labels.clone(),
            schedule: self.schedule,
            capacity: self.capacity,
            pricing: self.pricing.clone(),
            limits: self.limits,
        };
        facts.record(PoolEvent::PoolCreated(created), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::commands::testing::{Given, a_pool, created};

    #[test]
    fn a_new_name_becomes_a_pool() {
        Given::nothing().when(a_pool()).then([created()]);
    }

    #[test]
    fn a_name_is_taken_once() {
        Given::events([created()])
            .when(a_pool())
            .refused(&Rejection::PoolExists);
    }
}
