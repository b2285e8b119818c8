//! `ExtendClaim`: a live claim gets a later deadline, once.

use std::time::Duration;

use onsale_shared::{
    event::{ClaimExtended, EventType, PoolEvent},
    id::ClaimId,
    time::Timestamp,
};
use serde::Serialize;

use super::live_claim;
use crate::domain::{
    Facts, Pool, Rejection,
    partials::{Claim, Claims, Limits},
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "ExtendClaim",
    purpose: "A live claim gets a later deadline, once, for a customer who is paying.",
    context_events: &[
        EventType::PoolCreated,
        EventType::LimitsChanged,
        EventType::TicketClaimed,
        EventType::ClaimExtended,
        EventType::TicketBought,
        EventType::TicketReleased,
        EventType::SalesStopped,
        EventType::PoolCancelled,
    ],
    context_model: &[
        "the claim duration",
        "the claim: its tickets, its deadline, whether it was extended",
        "whether the claim is dead, by its deadline, by a stop or by the end of the pool",
    ],
    constraints: &[
        "The pool knows the claim.",
        "The claim is not dead, swept or not.",
        "It was not extended before.",
        "At least one ticket is held.",
    ],
    decisions: &[
        "The new deadline is the decision's time plus the claim duration, and never earlier than the old one.",
        "Sales that are stopped with FINISH_CLAIMS, or over, do not matter.",
    ],
    records: &[EventType::ClaimExtended],
    refusals: &[
        "POOL_NOT_FOUND",
        "CLAIM_NOT_FOUND",
        "CLAIM_VOIDED",
        "CLAIM_EXPIRED",
        "CLAIM_ALREADY_EXTENDED",
        "TICKET_NOT_HELD",
    ],
};

/// An extension; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExtendClaim {
    /// The claim.
    pub claim: ClaimId,
}

struct Context<'a> {
    claim: &'a Claim,
    claim_duration: Duration,
}

impl<'a> Context<'a> {
    fn of(
        limits: &Limits,
        claims: &'a Claims,
        id: ClaimId,
        at: Timestamp,
    ) -> Result<Self, Rejection> {
        let claim = live_claim::find(limits, claims, id)?;
        live_claim::check(claims, id, claim, at)?;
        let limits = limits.get().ok_or(Rejection::PoolNotFound)?;
        Ok(Self {
            claim,
            claim_duration: limits.value.claim_duration,
        })
    }
}

impl ExtendClaim {
    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Rejection> {
        let context = Context::of(&pool.limits, &pool.claims, self.claim, at)?;
        let claim = context.claim;
        if claim.extended {
            return Err(Rejection::ClaimAlreadyExtended {
                claim: self.claim,
                expire_time: claim.expire_time,
            });
        }
        let held = u32::try_from(claim.held().count()).unwrap_or(u32::MAX);
        if held == 0 {
            return Err(Rejection::TicketNotHeld {
                claim: self.claim,
                ticket: None,
            });
        }
        let extended = ClaimExtended {
            claim: self.claim,
            customer: claim.customer.clone(),
            old_expire_time: claim.expire_time,
            expire_time: claim.expire_time.max(at.plus(context.claim_duration)),
            held,
        };
        facts.record(PoolEvent::ClaimExtended(extended), Some(claim.first_event));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
