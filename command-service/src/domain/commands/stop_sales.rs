//! `StopSales`: the promoter stops all sales at once.

use onsale_shared::{
    event::{EventType, PoolEvent, SalesStopped, StopMode},
    text::Sentence,
};
use serde::Serialize;

use crate::domain::{
    Facts, Pool, Rejection,
    partials::{Profile, Sale},
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
    ],
    context_model: &[
        "whether the pool exists",
        "whether and how sales are stopped",
    ],
    constraints: &[
        "Sales are not stopped already in the same or a stronger mode; FINISH_CLAIMS may become VOID_CLAIMS.",
    ],
    decisions: &[
        "With VOID_CLAIMS every live claim ends with this one event; its places return by the sweep.",
    ],
    records: &[EventType::SalesStopped],
    refusals: &["POOL_NOT_FOUND", "ALREADY_STOPPED"],
};

/// A stop; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StopSales {
    /// What happens to live claims.
    pub mode: StopMode,
    /// Why.
    pub reason: Option<Sentence>,
}

struct Context {
    stopped: Option<StopMode>,
}

impl Context {
    fn of(profile: &Profile, sale: &Sale) -> Result<Self, Rejection> {
        profile.settings().ok_or(Rejection::PoolNotFound)?;
        Ok(Self {
            stopped: sale.stopped(),
        })
    }
}

impl StopSales {
    pub(super) fn decide(&self, pool: &Pool, facts: &mut Facts<'_>) -> Result<(), Rejection> {
        match Context::of(&pool.profile, &pool.sale)?.stopped {
            Some(mode) if mode >= self.mode => return Err(Rejection::AlreadyStopped { mode }),
            Some(_) | None => {}
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
