//! `PurchaseTickets`: claim and buy in one decision.

use onsale_shared::{
    event::{EventType, PoolEvent, TicketBought},
    text::Reference,
    time::Timestamp,
};
use serde::Serialize;

use super::claim_tickets::{self, ClaimTickets};
use crate::domain::{Facts, Pool, Rejection, slice::Slice};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "PurchaseTickets",
    purpose: "Tickets are claimed and bought in one decision: all of them or none.",
    context_events: claim_tickets::SLICE.context_events,
    context_model: claim_tickets::SLICE.context_model,
    constraints: claim_tickets::SLICE.constraints,
    decisions: &[
        "As ClaimTickets; then every ticket is bought at the locked price.",
        "Nobody ever sees the tickets held.",
    ],
    records: &[
        EventType::TicketReleased,
        EventType::TicketClaimed,
        EventType::TicketBought,
    ],
    refusals: claim_tickets::SLICE.refusals,
};

/// An order that is paid; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PurchaseTickets {
    /// The order.
    pub order: ClaimTickets,
    /// The caller's reference to the payment.
    pub payment_reference: Option<Reference>,
}

impl PurchaseTickets {
    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Rejection> {
        let claimed = self.order.claim(pool, at, facts)?;
        for ticket in claimed.tickets {
            let bought = TicketBought {
                claim: claimed.claim,
                ticket,
                customer: self.order.customer.clone(),
                unit_price: claimed.unit_price.minor,
                expire_time: claimed.expire_time,
                payment_reference: self.payment_reference.clone(),
                granted: false,
                reason: None,
            };
            facts.record(PoolEvent::TicketBought(bought), Some(claimed.first_event));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
