//! `BuyTickets`: held tickets of a live claim become sold, at the price of the claim.

use onsale_shared::{
    event::{EventType, PoolEvent, TicketBought},
    id::{ClaimId, TicketId},
    text::Reference,
    time::Timestamp,
};
use serde::Serialize;

use super::held_tickets;
use crate::domain::{
    Facts, Pool, Rejection,
    partials::{Claim, Claims, Death, Profile},
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "BuyTickets",
    purpose: "All or some of the tickets that a live claim holds become sold, at the price of the claim.",
    context_events: &[
        EventType::PoolCreated,
        EventType::TicketClaimed,
        EventType::TicketBought,
        EventType::TicketReleased,
        EventType::SalesStopped,
    ],
    context_model: &[
        "whether the pool exists",
        "the claim: its tickets, price and deadline",
        "whether the claim is dead, by its deadline or by a stop",
    ],
    constraints: &[
        "The pool knows the claim.",
        "The claim is not dead: its deadline has not come, and no stop has voided it, swept or not.",
        "The named tickets, or at least one, are held.",
    ],
    decisions: &[
        "The price is that of the claim, whatever a ticket costs by now.",
        "Sales that are stopped with FINISH_CLAIMS do not matter.",
    ],
    records: &[EventType::TicketBought],
    refusals: &[
        "POOL_NOT_FOUND",
        "CLAIM_NOT_FOUND",
        "CLAIM_VOIDED",
        "CLAIM_EXPIRED",
        "TICKET_NOT_HELD",
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
}

struct Context<'a> {
    claim: &'a Claim,
    death: Option<Death>,
}

impl<'a> Context<'a> {
    fn of(
        profile: &Profile,
        claims: &'a Claims,
        id: ClaimId,
        at: Timestamp,
    ) -> Result<Self, Rejection> {
        profile.settings().ok_or(Rejection::PoolNotFound)?;
        let claim = claims
            .get(id)
            .ok_or(Rejection::ClaimNotFound { claim: id })?;
        Ok(Self {
            claim,
            death: claims.death(claim, at),
        })
    }
}

impl BuyTickets {
    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Rejection> {
        let Context { claim, death } = Context::of(&pool.profile, &pool.claims, self.claim, at)?;
        match death {
            Some(Death::Voided { time, .. }) => {
                return Err(Rejection::ClaimVoided {
                    claim: self.claim,
                    void_time: time,
                });
            }
            Some(Death::Expired) => {
                return Err(Rejection::ClaimExpired {
                    claim: self.claim,
                    expire_time: claim.expire_time,
                });
            }
            None => {}
        }
        for ticket in held_tickets::meant(self.claim, claim, &self.tickets)? {
            let bought = TicketBought {
                claim: self.claim,
                ticket,
                customer: claim.customer.clone(),
                unit_price: claim.unit_price,
                expire_time: claim.expire_time,
                payment_reference: self.payment_reference.clone(),
            };
            facts.record(PoolEvent::TicketBought(bought), Some(claim.first_event));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
