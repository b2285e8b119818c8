//! `RefundTickets`: sold tickets go back to the stock, and their customers get their allowance back.

use onsale_shared::{
    event::{EventType, PoolEvent, TicketRefunded},
    id::{ClaimId, TicketId},
    text::Sentence,
};
use serde::Serialize;

use crate::domain::{
    Facts, Pool, Rejection,
    partials::{Claim, Claims, Limits, TicketState},
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "RefundTickets",
    purpose: "Sold tickets go back to the stock: all that are named or none.",
    context_events: &[
        EventType::PoolCreated,
        EventType::TicketClaimed,
        EventType::TicketBought,
        EventType::TicketRefunded,
    ],
    context_model: &[
        "whether the pool exists",
        "of each named ticket: its claim, and whether it is sold",
    ],
    constraints: &[
        "The pool knows a sale of each ticket.",
        "Each ticket is sold, and not refunded yet.",
    ],
    decisions: &[
        "Each ticket is refunded at the price that it was sold for; its place is available at once.",
        "A pool that is stopped, over or cancelled refunds all the same.",
    ],
    records: &[EventType::TicketRefunded],
    refusals: &["POOL_NOT_FOUND", "TICKET_NOT_FOUND", "TICKET_NOT_SOLD"],
};

/// A refund; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefundTickets {
    /// The tickets, each once; at least one.
    pub tickets: Vec<TicketId>,
    /// Why.
    pub reason: Option<Sentence>,
}

struct Context<'a> {
    /// Of each ticket.
    claims: Vec<(TicketId, ClaimId, &'a Claim)>,
}

impl<'a> Context<'a> {
    fn of(limits: &Limits, claims: &'a Claims, tickets: &[TicketId]) -> Result<Self, Rejection> {
        limits.get().ok_or(Rejection::PoolNotFound)?;
        let claims = tickets.iter().map(|ticket| {
            let known = claims.of_ticket(*ticket);
            let (id, claim) = known.ok_or(Rejection::TicketNotFound { ticket: *ticket })?;
            Ok((*ticket, id, claim))
        });
        let claims = claims.collect::<Result<_, _>>()?;
        Ok(Self { claims })
    }
}

impl RefundTickets {
    pub(super) fn decide(&self, pool: &Pool, facts: &mut Facts<'_>) -> Result<(), Rejection> {
        let Context { claims } = Context::of(&pool.limits, &pool.claims, &self.tickets)?;
        for (ticket, id, claim) in claims {
            let state = claim.ticket(ticket).map(|ticket| ticket.state);
            if state != Some(TicketState::Bought) {
                return Err(Rejection::TicketNotSold { ticket });
            }
            let refunded = TicketRefunded {
                claim: id,
                ticket,
                customer: claim.customer.clone(),
                unit_price: claim.unit_price,
                granted: claim.granted,
                reason: self.reason.clone(),
            };
            facts.record(PoolEvent::TicketRefunded(refunded), Some(claim.first_event));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
