//! `ClaimTickets`: tickets are held for a customer at a locked price until a deadline, all or none.

use std::time::Duration;

use onsale_shared::{
    event::{EventType, Labels, PoolEvent, StopMode, TicketClaimed, TicketReleased},
    id::{ClaimId, EventId, TicketId},
    money::Amount,
    text::Reference,
    time::Timestamp,
};
use serde::Serialize;

use crate::domain::{
    Facts, Pool, Rejection,
    partials::{Claims, Counts, DeadTicket, Pricing, Profile, Sale, Stock},
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "ClaimTickets",
    purpose: "Tickets are held for a customer at a locked price until a deadline: all of them or none.",
    context_events: &[
        EventType::PoolCreated,
        EventType::TicketClaimed,
        EventType::TicketBought,
        EventType::TicketReleased,
        EventType::SalesStopped,
        EventType::SalesResumed,
    ],
    context_model: &[
        "whether and how sales are stopped",
        "the order limit",
        "sold, held and capacity",
        "as many held tickets of dead claims as the order needs",
        "the unit price",
        "the claim duration",
    ],
    constraints: &[
        "Sales are not stopped.",
        "The order names at most `max_tickets_per_order` tickets.",
        "As many tickets are available, counting those of dead claims, swept or not.",
        "The price limit is in the pool's currency, and a ticket costs no more.",
    ],
    decisions: &[
        "Tickets of dead claims go back to the stock first, at most as many as the order needs.",
        "The unit price is locked; the deadline is the decision's time plus the claim duration.",
    ],
    records: &[EventType::TicketReleased, EventType::TicketClaimed],
    refusals: &[
        "POOL_NOT_FOUND",
        "SALES_STOPPED",
        "ORDER_LIMIT_EXCEEDED",
        "SOLD_OUT",
        "SOLD_OUT_FOR_NOW",
        "INSUFFICIENT_AVAILABILITY",
        "INVALID_FIELD",
        "PRICE_CHANGED",
    ],
};

/// An order; validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimTickets {
    /// For whom.
    pub customer: Reference,
    /// How many tickets, at least 1.
    pub quantity: u32,
    /// The most that a ticket may cost.
    pub max_unit_price: Option<Amount>,
    /// The caller's reference.
    pub reference: Option<Reference>,
    /// The caller's labels.
    pub labels: Labels,
}

/// What an order decides on.
struct Context {
    stopped: Option<StopMode>,
    max_tickets_per_order: u32,
    claim_duration: Duration,
    counts: Counts,
    /// At most as many as the order needs beyond what is available.
    dead: Vec<DeadTicket>,
    unit_price: Amount,
}

impl Context {
    fn of(
        (profile, sale, stock, claims, pricing): (&Profile, &Sale, &Stock, &Claims, &Pricing),
        quantity: u32,
        at: Timestamp,
    ) -> Result<Self, Rejection> {
        let (Some(settings), Some(unit_price)) = (profile.settings(), pricing.unit_price()) else {
            return Err(Rejection::PoolNotFound);
        };
        let counts = *stock.counts();
        let missing = quantity
            .min(settings.max_tickets_per_order)
            .saturating_sub(counts.available());
        let missing = usize::try_from(missing).unwrap_or(usize::MAX);
        Ok(Self {
            stopped: sale.stopped(),
            max_tickets_per_order: settings.max_tickets_per_order,
            claim_duration: settings.claim_duration,
            counts,
            dead: claims.dead_tickets(at).take(missing).collect(),
            unit_price,
        })
    }

    fn check(&self, requested: u32, max_unit_price: Option<Amount>) -> Result<(), Rejection> {
        if let Some(mode) = self.stopped {
            return Err(Rejection::SalesStopped { mode });
        }
        let max = self.max_tickets_per_order;
        if requested > max {
            return Err(Rejection::OrderLimitExceeded { requested, max });
        }
        let dead = u32::try_from(self.dead.len()).unwrap_or(u32::MAX);
        let counts = self.counts.after_release(dead);
        if counts.available() < requested {
            return Err(match counts {
                _ if counts.available() > 0 => {
                    Rejection::InsufficientAvailability { requested, counts }
                }
                _ if counts.held > 0 => Rejection::SoldOutForNow { requested, counts },
                _ => Rejection::SoldOut { requested, counts },
            });
        }
        let unit_price = self.unit_price;
        match max_unit_price {
            Some(offered) if offered.currency != unit_price.currency => {
                Err(Rejection::WrongCurrency {
                    offered,
                    unit_price,
                })
            }
            Some(max) if max.minor < unit_price.minor => {
                Err(Rejection::PriceChanged { unit_price, max })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What an order claimed.
pub(super) struct Claimed {
    pub(super) claim: ClaimId,
    pub(super) first_event: EventId,
    pub(super) tickets: Vec<TicketId>,
    pub(super) unit_price: Amount,
    pub(super) expire_time: Timestamp,
}

impl ClaimTickets {
    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Rejection> {
        self.claim(pool, at, facts).map(|_| ())
    }

    /// Checks and records the order; `PurchaseTickets` goes on from here.
    pub(super) fn claim(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<Claimed, Rejection> {
        let parts = (
            &pool.profile,
            &pool.sale,
            &pool.stock,
            &pool.claims,
            &pool.pricing,
        );
        let context = Context::of(parts, self.quantity, at)?;
        context.check(self.quantity, self.max_unit_price)?;

        for dead in &context.dead {
            release_dead(dead, facts);
        }
        let claim = facts.new_claim();
        let expire_time = at.plus(context.claim_duration);
        let mut first_event = None;
        let mut tickets = Vec::new();
        for _ in 0..self.quantity {
            let ticket = facts.new_ticket();
            let claimed = TicketClaimed {
                claim,
                ticket,
                customer: self.customer.clone(),
                unit_price: context.unit_price.minor,
                expire_time,
                reference: self.reference.clone(),
                labels: self.labels.clone(),
            };
            let event = facts.record(PoolEvent::TicketClaimed(claimed), None);
            first_event.get_or_insert(event);
            tickets.push(ticket);
        }
        Ok(Claimed {
            claim,
            // The edge refuses a quantity of 0; an order of nothing would be nothing's cause.
            first_event: first_event.ok_or(Rejection::OrderLimitExceeded {
                requested: 0,
                max: context.max_tickets_per_order,
            })?,
            tickets,
            unit_price: context.unit_price,
            expire_time,
        })
    }
}

/// A place of a dead claim goes back to the stock.
pub(super) fn release_dead(dead: &DeadTicket, facts: &mut Facts<'_>) {
    let released = TicketReleased {
        claim: dead.claim,
        ticket: dead.ticket,
        cause: dead.cause,
        expire_time: dead.expire_time,
    };
    facts.record(PoolEvent::TicketReleased(released), Some(dead.caused_by));
}

#[cfg(test)]
mod tests;
