//! `CancelPool`: the promoter ends a pool for good.

use onsale_shared::{
    event::{EventType, PoolCancelled, PoolEvent},
    text::Sentence,
};
use serde::Serialize;

use crate::domain::{
    Facts, Pool, Rejection,
    conflicts::{self, Precondition, Setting},
    partials::Limits,
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "CancelPool",
    purpose: "The promoter ends a pool for good; what was sold can still be refunded.",
    context_events: &[
        EventType::PoolCreated,
        EventType::SalesStopped,
        EventType::SalesResumed,
        EventType::PoolCancelled,
    ],
    context_model: &[
        "whether the pool exists",
        "whether and how sales are stopped, since when and by whom",
    ],
    constraints: &["The promoter knew the state of the sale, where he says which version he saw."],
    decisions: &[
        "Every live claim ends with this one event; its places return by the sweep.",
        "From then on only releases and refunds happen.",
    ],
    records: &[EventType::PoolCancelled],
    refusals: &["POOL_NOT_FOUND", "VERSION_CONFLICT"],
};

/// A cancellation; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CancelPool {
    /// Why.
    pub reason: Option<Sentence>,
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

impl CancelPool {
    pub(super) fn decide(&self, pool: &Pool, facts: &mut Facts<'_>) -> Result<(), Rejection> {
        let Context = Context::of(&pool.limits)?;
        conflicts::check(pool, Setting::SaleStatus, self.precondition)?;
        let cancelled = PoolCancelled {
            reason: self.reason.clone(),
        };
        facts.record(PoolEvent::PoolCancelled(cancelled), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use onsale_shared::event::StopMode;

    use super::*;
    use crate::domain::commands::testing::*;

    #[test]
    fn a_pool_is_cancelled_whether_it_sells_or_not() {
        Given::events([created()])
            .when(cancel())
            .then([cancelled()]);
        Given::events([created(), stopped(StopMode::VoidClaims)])
            .when(cancel())
            .then([cancelled()]);
    }

    #[test]
    fn a_cancelled_pool_refuses_all_but_releases_and_refunds() {
        let refusal = Rejection::PoolCancelled {
            cancel_time: minute(0),
        };
        let commands = [
            claim(1),
            purchase(1),
            buy(1, &[]),
            extend(1),
            grant(1),
            stop(StopMode::VoidClaims),
            resume(),
            cancel(),
            change_capacity(20),
            change_pricing(1_000),
            reschedule(Schedule::default()),
            change_limits(limits()),
        ];
        for command in commands {
            Given::events([created(), claimed(1, 1), cancelled()])
                .when(command)
                .refused(&refusal);
        }
        let mut events = vec![created()];
        events.extend(sold(1));
        events.push(cancelled());
        Given::events(events)
            .when(refund(&[1_000]))
            .then([refunded(1_000, 1_000)]);
    }

    #[test]
    fn a_name_stays_taken_by_a_cancelled_pool() {
        Given::events([created(), cancelled()])
            .when(a_pool())
            .refused(&Rejection::PoolExists);
    }

    #[test]
    fn an_unknown_pool_is_not_found() {
        Given::nothing()
            .when(cancel())
            .refused(&Rejection::PoolNotFound);
    }
}
