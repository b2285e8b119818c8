//! `GrantTickets`: the promoter gives tickets away.

use std::time::Duration;

use onsale_shared::{
    event::{EventType, Labels, PoolEvent, TicketBought, TicketClaimed},
    log::AppendBatch,
    money::Minor,
    text::{Reference, Sentence},
    time::Timestamp,
};
use serde::Serialize;

use super::places::Places;
use crate::domain::{
    Facts, Pool, Rejection,
    partials::{Claims, Limits, Pricing, Stock},
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "GrantTickets",
    purpose: "The promoter gives tickets away, free of charge: all of them or none.",
    context_events: &[
        EventType::PoolCreated,
        EventType::TicketClaimed,
        EventType::TicketBought,
        EventType::TicketReleased,
        EventType::TicketRefunded,
        EventType::CapacityChanged,
        EventType::PricingChanged,
        EventType::SalesStopped,
        EventType::PoolCancelled,
    ],
    context_model: &[
        "sold, held and capacity",
        "as many held tickets of dead claims as the grant needs",
    ],
    constraints: &[
        "As many tickets are available, counting those of dead claims, swept or not. No limit, window or stop matters.",
    ],
    decisions: &[
        "Tickets of dead claims go back to the stock first, at most as many as the grant needs; each ticket that takes such a place is caused by its release.",
        "The tickets are sold at once, at 0, marked as granted; they do not count to the customer's limit.",
    ],
    records: &[
        EventType::TicketReleased,
        EventType::TicketClaimed,
        EventType::TicketBought,
    ],
    refusals: &[
        "POOL_NOT_FOUND",
        "SOLD_OUT",
        "SOLD_OUT_FOR_NOW",
        "INSUFFICIENT_AVAILABILITY",
    ],
};

/// A gift; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantTickets {
    /// To whom.
    pub customer: Reference,
    /// How many tickets, 1 to 500.
    pub quantity: u32,
    /// Why.
    pub reason: Option<Sentence>,
}

struct Context {
    places: Places,
    pricing_version: u32,
    claim_duration: Duration,
}

impl Context {
    fn of(
        limits: &Limits,
        (stock, claims, pricing): (&Stock, &Claims, &Pricing),
        requested: u32,
        at: Timestamp,
    ) -> Result<Self, Rejection> {
        let limits = limits.get().ok_or(Rejection::PoolNotFound)?;
        Ok(Self {
            places: Places::find((stock, claims), Vec::new(), requested, at),
            pricing_version: pricing.number(),
            claim_duration: limits.value.claim_duration,
        })
    }
}

impl GrantTickets {
    /// How many events it records at most: a release, a claim and a purchase for each ticket, as far as they are one
    /// group.
    pub(super) fn events_max(&self) -> usize {
        let quantity = usize::try_from(self.quantity).unwrap_or(usize::MAX);
        quantity
            .saturating_mul(3)
            .min(AppendBatch::GROUP_EVENTS_MAX)
    }

    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Rejection> {
        let what = (&pool.stock, &pool.claims, &pool.pricing);
        let context = Context::of(&pool.limits, what, self.quantity, at)?;
        context.places.check()?;
        let mut freed = context.places.release(facts).into_iter();
        let claim = facts.new_claim();
        let expire_time = at.plus(context.claim_duration);
        let claimed: Vec<_> = (0..self.quantity)
            .map(|_| {
                let ticket = facts.new_ticket();
                let claimed = TicketClaimed {
                    claim,
                    ticket,
                    customer: self.customer.clone(),
                    unit_price: Minor::default(),
                    pricing_version: context.pricing_version,
                    expire_time,
                    reference: None,
                    labels: Labels::new(),
                    replaces: None,
                    granted: true,
                };
                let event = facts.record(PoolEvent::TicketClaimed(claimed), freed.next());
                (ticket, event)
            })
            .collect();
        let cause = claimed.first().map(|(_, event)| *event);
        for (ticket, _) in claimed {
            let bought = TicketBought {
                claim,
                ticket,
                customer: self.customer.clone(),
                unit_price: Minor::default(),
                expire_time,
                payment_reference: None,
                granted: true,
                reason: self.reason.clone(),
            };
            facts.record(PoolEvent::TicketBought(bought), cause);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
