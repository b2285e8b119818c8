//! `BuyTickets`: held tickets of a live claim become sold, at the price of the claim; a claim that was paid too late is
//! bought all the same where that is still possible.

use onsale_shared::{
    event::{EventType, PoolEvent, TicketBought},
    id::{ClaimId, TicketId},
    text::Reference,
    time::Timestamp,
};
use serde::Serialize;

use super::{held_tickets, live_claim};
use crate::domain::{
    Facts, Pool, Rejection,
    partials::{Claim, Claims, Death, Limits},
    slice::Slice,
};

mod late;

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "BuyTickets",
    purpose: "All or some of the tickets that a live claim holds become sold, at the price of the claim.",
    context_events: EventType::ALL,
    context_model: &[
        "whether the pool exists",
        "the claim: its tickets, price and deadline",
        "whether the claim is dead, by its deadline, by a stop or by the end of the pool",
        "with `reclaim`, of an expired claim: what ClaimTickets decides on, and the late purchase window",
    ],
    constraints: &[
        "The pool knows the claim.",
        "The claim is not dead: its deadline has not come, and nothing has voided it, swept or not.",
        "The named tickets, or at least one, are held.",
        "With `reclaim`, of an expired claim: the late purchase window is not over; the named tickets, or at least one, had expired and were not paid since; then as ClaimTickets, without the sales window and the price.",
    ],
    decisions: &[
        "The price is that of the claim, whatever a ticket costs by now.",
        "Sales that are stopped with FINISH_CLAIMS, or over, do not matter to a live claim.",
        "With `reclaim`, of an expired claim: new tickets take the place of those that had expired, on the same claim, and are bought at once.",
    ],
    records: &[
        EventType::TicketReleased,
        EventType::TicketClaimed,
        EventType::TicketBought,
    ],
    refusals: &[
        "POOL_NOT_FOUND",
        "CLAIM_NOT_FOUND",
        "CLAIM_VOIDED",
        "CLAIM_EXPIRED",
        "TICKET_NOT_HELD",
        "SALES_STOPPED",
        "ORDER_LIMIT_EXCEEDED",
        "CUSTOMER_LIMIT_EXCEEDED",
        "SOLD_OUT",
        "SOLD_OUT_FOR_NOW",
        "INSUFFICIENT_AVAILABILITY",
    ],
};

/// A purchase; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BuyTickets {
    /// The claim.
    pub claim: ClaimId,
    /// The tickets, each once; none means all that are held.
    pub tickets: Vec<TicketId>,
    /// The caller's reference to the payment.
    pub payment_reference: Option<Reference>,
    /// Buy an expired claim too, if there are tickets.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reclaim: bool,
}

struct Context<'a> {
    claim: &'a Claim,
    death: Option<Death>,
}

impl<'a> Context<'a> {
    fn of(
        limits: &Limits,
        claims: &'a Claims,
        id: ClaimId,
        at: Timestamp,
    ) -> Result<Self, Rejection> {
        let claim = live_claim::find(limits, claims, id)?;
        let death = claims.death(claim, at);
        Ok(Self { claim, death })
    }
}

impl BuyTickets {
    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Rejection> {
        let Context { claim, death } = Context::of(&pool.limits, &pool.claims, self.claim, at)?;
        if self.reclaim && death == Some(Death::Expired) {
            return self.buy_late(claim, pool, at, facts);
        }
        live_claim::check(&pool.claims, self.claim, claim, at)?;
        for ticket in held_tickets::meant(self.claim, claim, &self.tickets)? {
            let bought = self.bought(claim, ticket, claim.expire_time);
            facts.record(bought, Some(claim.first_event));
        }
        Ok(())
    }

    fn bought(&self, claim: &Claim, ticket: TicketId, expire_time: Timestamp) -> PoolEvent {
        PoolEvent::TicketBought(TicketBought {
            claim: self.claim,
            ticket,
            customer: claim.customer.clone(),
            unit_price: claim.unit_price,
            expire_time,
            payment_reference: self.payment_reference.clone(),
            granted: false,
            reason: None,
        })
    }
}

#[cfg(test)]
mod late_tests;
#[cfg(test)]
mod tests;
