//! `CreatePool`: a pool comes into being under a unique name.

use std::time::Duration;

use onsale_shared::{
    event::{EventType, Labels, PoolCreated, PoolEvent, Pricing},
    text::{Reference, Sentence},
    time::Timestamp,
};
use serde::Serialize;

use crate::domain::{Facts, Pool, Rejection, partials::Profile, slice::Slice};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "CreatePool",
    purpose: "A pool comes into being under a unique name, and sells from then on.",
    context_events: &[EventType::PoolCreated],
    context_model: &["whether the pool exists"],
    constraints: &["The name is not taken; a name stays taken for ever."],
    decisions: &[
        "The pool gets its capacity, its price, its order limit and its claim duration as given.",
    ],
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
    pub show_time: Option<Timestamp>,
    pub capacity: u32,
    pub pricing: Pricing,
    pub max_tickets_per_order: u32,
    pub claim_duration: Duration,
}

struct Context {
    exists: bool,
}

impl Context {
    const fn of(profile: &Profile) -> Self {
        Self {
            exists: profile.settings().is_some(),
        }
    }
}

impl CreatePool {
    pub(super) fn decide(&self, pool: &Pool, facts: &mut Facts<'_>) -> Result<(), Rejection> {
        if Context::of(&pool.profile).exists {
            return Err(Rejection::PoolExists);
        }
        let created = PoolCreated {
            display_name: self.display_name.clone(),
            promoter: self.promoter.clone(),
            show: self.show.clone(),
            labels: self.labels.clone(),
            show_time: self.show_time,
            capacity: self.capacity,
            pricing: self.pricing,
            max_tickets_per_order: self.max_tickets_per_order,
            claim_duration: self.claim_duration,
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
