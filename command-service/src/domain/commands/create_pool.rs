//! `CreatePool`: a pool comes into being under a unique name.

use onsale_shared::{
    event::{EventType, Labels, Limits, PoolCreated, PoolEvent, Schedule},
    pricing::Pricing,
    text::{Reference, Sentence},
    time::Timestamp,
};
use serde::Serialize;

use super::sale_checks;
use crate::domain::{Facts, Pool, Rejection, partials, slice::Slice};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "CreatePool",
    purpose: "A pool comes into being under a unique name, and sells from then on, or from `sales_start_time` on.",
    context_events: &[EventType::PoolCreated],
    context_model: &["whether the pool exists"],
    constraints: &[
        "The name is not taken; a name stays taken for ever.",
        "The show and the end of sales lie ahead.",
    ],
    decisions: &["The pool gets its capacity, its price rule, its times and its limits as given."],
    records: &[EventType::PoolCreated],
    refusals: &["POOL_EXISTS", "INVALID_FIELD"],
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
    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Rejection> {
        if Context::of(&pool.limits).exists {
            return Err(Rejection::PoolExists);
        }
        let fields = ["pool.show_time", "pool.sales_end_time"];
        sale_checks::lies_ahead(&self.schedule, fields, at)?;
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
    use crate::domain::{
        Command,
        commands::testing::{Given, a_pool, created, minute},
    };

    #[test]
    fn a_new_name_becomes_a_pool() {
        Given::nothing().when(a_pool()).then([created()]);
    }

    #[test]
    fn the_show_and_the_end_of_sales_lie_ahead() {
        let with = |show, end| {
            let Command::CreatePool(mut create) = a_pool() else {
                unreachable!("a_pool() creates")
            };
            create.schedule.show_time = Some(minute(show));
            create.schedule.sales_end_time = Some(minute(end));
            // Tests decide in minute 1.
            Given::nothing().when(Command::CreatePool(create))
        };
        assert_eq!(with(2, 2).events().len(), 1);
        with(1, 2).refused(&Rejection::TimesPassed {
            fields: vec!["pool.show_time"],
            now: minute(1),
        });
        with(0, 1).refused(&Rejection::TimesPassed {
            fields: vec!["pool.show_time", "pool.sales_end_time"],
            now: minute(1),
        });
    }

    #[test]
    fn a_name_is_taken_once() {
        Given::events([created()])
            .when(a_pool())
            .refused(&Rejection::PoolExists);
    }
}
