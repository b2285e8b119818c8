//! `StopSales`: the promoter stops all sales at once.

use onsale_shared::{
    event::{EventType, PoolEvent, SalesStopped, StopMode},
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
    command: "StopSales",
    purpose: "The promoter stops all sales; every command ordered after the event is refused.",
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
    constraints: &[
        "The promoter knew the state of the sale, where he says which version he saw.",
        "Sales are not stopped already in the same or a stronger mode; FINISH_CLAIMS may become VOID_CLAIMS.",
    ],
    decisions: &[
        "With VOID_CLAIMS every live claim ends with this one event; its places return by the sweep.",
    ],
    records: &[EventType::SalesStopped],
    refusals: &["POOL_NOT_FOUND", "VERSION_CONFLICT", "ALREADY_STOPPED"],
};

/// A stop; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StopSales {
    /// What happens to live claims.
    pub mode: StopMode,
    /// Why.
    pub reason: Option<Sentence>,
    /// What the promoter saw.
    #[serde(flatten)]
    pub precondition: Precondition,
}

struct Context {
    status: SaleState,
}

impl Context {
    fn of(limits: &Limits, sale: &Sale) -> Result<Self, Rejection> {
        limits.get().ok_or(Rejection::PoolNotFound)?;
        Ok(Self {
            status: sale.status(),
        })
    }
}

impl StopSales {
    pub(super) fn decide(&self, pool: &Pool, facts: &mut Facts<'_>) -> Result<(), Rejection> {
        let Context { status } = Context::of(&pool.limits, &pool.sale)?;
        conflicts::check(pool, Setting::SaleStatus, self.precondition)?;
        match status {
            SaleState::Stopped(mode) if mode >= self.mode => {
                return Err(Rejection::AlreadyStopped { mode });
            }
            // A cancelled pool is refused before its commands are asked.
            SaleState::Stopped(_) | SaleState::Selling | SaleState::Cancelled => {}
        }
        let stopped = SalesStopped {
            mode: self.mode,
            reason: self.reason.clone(),
        };
        facts.record(PoolEvent::SalesStopped(stopped), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::commands::testing::{Given, created, resumed, stop, stopped};

    #[test]
    fn a_selling_pool_is_stopped() {
        for mode in [StopMode::FinishClaims, StopMode::VoidClaims] {
            Given::events([created()])
                .when(stop(mode))
                .then([stopped(mode)]);
        }
    }

    #[test]
    fn finish_may_become_void_and_nothing_else() {
        use StopMode::{FinishClaims, VoidClaims};
        Given::events([created(), stopped(FinishClaims)])
            .when(stop(VoidClaims))
            .then([stopped(VoidClaims)]);
        for (now, wanted) in [
            (FinishClaims, FinishClaims),
            (VoidClaims, FinishClaims),
            (VoidClaims, VoidClaims),
        ] {
            Given::events([created(), stopped(now)])
                .when(stop(wanted))
                .refused(&Rejection::AlreadyStopped { mode: now });
        }
    }

    #[test]
    fn a_resumed_pool_can_be_stopped_again() {
        let mode = StopMode::VoidClaims;
        Given::events([created(), stopped(mode), resumed()])
            .when(stop(mode))
            .then([stopped(mode)]);
    }

    #[test]
    fn an_unknown_pool_is_not_found() {
        Given::nothing()
            .when(stop(StopMode::VoidClaims))
            .refused(&Rejection::PoolNotFound);
    }
}
