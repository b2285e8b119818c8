//! `ReleaseTickets`: a customer gives held tickets back.

use onsale_shared::{
    event::{EventType, PoolEvent, ReleaseCause, TicketReleased},
    id::{ClaimId, TicketId},
    time::Timestamp,
};
use serde::Serialize;

use super::held_tickets;
use crate::domain::{
    Facts, Pool, Rejection,
    partials::{Claim, Claims, Limits},
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "ReleaseTickets",
    purpose: "A customer gives all or some of the tickets that a live claim holds back to the stock.",
    context_events: &[
        EventType::PoolCreated,
        EventType::TicketClaimed,
        EventType::TicketBought,
        EventType::TicketReleased,
        EventType::ClaimExtended,
        EventType::SalesStopped,
        EventType::PoolCancelled,
    ],
    context_model: &[
        "whether the pool exists",
        "the claim: its tickets",
        "whether the claim is dead, by its deadline, by a stop or by the end of the pool",
    ],
    constraints: &[
        "The pool knows the claim.",
        "The claim is not dead: the places of a dead claim go back by themselves, and each only once.",
        "The named tickets, or at least one, are held.",
    ],
    decisions: &[
        "The places are available at once; the tickets never come back.",
        "They are released as CUSTOMER, or as OPERATOR where an operator does it for him.",
    ],
    records: &[EventType::TicketReleased],
    refusals: &["POOL_NOT_FOUND", "CLAIM_NOT_FOUND", "TICKET_NOT_HELD"],
};

/// A release; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleaseTickets {
    /// The claim.
    pub claim: ClaimId,
    /// The tickets, each once; none means all that are held.
    pub tickets: Vec<TicketId>,
    /// An operator gives them back for the customer. Who sends a command is no part of what it is.
    #[serde(skip)]
    pub by_operator: bool,
}

struct Context<'a> {
    claim: &'a Claim,
    dead: bool,
}

impl<'a> Context<'a> {
    fn of(
        limits: &Limits,
        claims: &'a Claims,
        id: ClaimId,
        at: Timestamp,
    ) -> Result<Self, Rejection> {
        limits.get().ok_or(Rejection::PoolNotFound)?;
        let claim = claims
            .get(id)
            .ok_or(Rejection::ClaimNotFound { claim: id })?;
        Ok(Self {
            claim,
            dead: claims.death(claim, at).is_some(),
        })
    }
}

impl ReleaseTickets {
    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Rejection> {
        let Context { claim, dead } = Context::of(&pool.limits, &pool.claims, self.claim, at)?;
        if dead {
            return Err(Rejection::TicketNotHeld {
                claim: self.claim,
                ticket: self.tickets.first().copied(),
            });
        }
        let cause = if self.by_operator {
            ReleaseCause::Operator
        } else {
            ReleaseCause::Customer
        };
        for ticket in held_tickets::meant(self.claim, claim, &self.tickets)? {
            let released = TicketReleased {
                claim: self.claim,
                ticket,
                customer: Some(claim.customer.clone()),
                cause,
                expire_time: claim.expire_time,
            };
            facts.record(PoolEvent::TicketReleased(released), Some(claim.first_event));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
