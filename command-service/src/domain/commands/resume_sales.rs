//! `ResumeSales`: a stopped sale opens again.

use onsale_shared::{
    event::{EventType, PoolEvent, SalesResumed},
    text::Sentence,
};
use serde::Serialize;

use crate::domain::{
    Facts, Pool, Rejection,
    conflicts::{self, Precondition, Setting},
    partials::{Limits, Sale, SaleState},
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "ResumeSales",
    purpose: "A stopped sale opens again.",
    context_events: &[
        EventType::PoolCreated,
        EventType::SalesStopped,
        EventType::SalesResumed,
        EventType::PoolCancelled,
    ],
    context_model: &[
        "whether the pool exists",
        "whether sales are stopped, since when and by whom",
    ],
    constraints: &[
        "The promoter knew the state of the sale, where he says which version he saw.",
        "Sales are stopped.",
    ],
    decisions: &["Claims that a stop voided stay dead."],
    records: &[EventType::SalesResumed],
    refusals: &["POOL_NOT_FOUND", "VERSION_CONFLICT", "NOT_STOPPED"],
};

/// A resumption; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResumeSales {
    /// Why.
    pub reason: Option<Sentence>,
    /// What the promoter saw.
    #[serde(flatten)]
    pub precondition: Precondition,
}

struct Context {
    is_stopped: bool,
}

impl Context {
    fn of(limits: &Limits, sale: &Sale) -> Result<Self, Rejection> {
        limits.get().ok_or(Rejection::PoolNotFound)?;
        Ok(Self {
            is_stopped: matches!(sale.status(), SaleState::Stopped(_)),
        })
    }
}

impl ResumeSales {
    pub(super) fn decide(&self, pool: &Pool, facts: &mut Facts<'_>) -> Result<(), Rejection> {
        let Context { is_stopped } = Context::of(&pool.limits, &pool.sale)?;
        conflicts::check(pool, Setting::SaleStatus, self.precondition)?;
        if !is_stopped {
            return Err(Rejection::NotStopped);
        }
        let resumed = SalesResumed {
            reason: self.reason.clone(),
        };
        facts.record(PoolEvent::SalesResumed(resumed), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use onsale_shared::event::StopMode;

    use super::*;
    use crate::domain::commands::testing::{Given, created, resume, resumed, stopped};

    #[test]
    fn a_stopped_sale_opens_again() {
        Given::events([created(), stopped(StopMode::FinishClaims)])
            .when(resume())
            .then([resumed()]);
    }

    #[test]
    fn an_open_sale_is_not_resumed() {
        Given::events([created()])
            .when(resume())
            .refused(&Rejection::NotStopped);
    }
}
