//! `ClaimTickets`: tickets are held for a customer at a locked price until a deadline, all or none.

use std::{sync::Arc, time::Duration};

use onsale_shared::{
    event::{EventType, Labels, PoolEvent, Schedule as Times, TicketClaimed},
    id::{ClaimId, EventId, TicketId},
    money::Amount,
    pricing::{self, Demand},
    text::Reference,
    time::Timestamp,
};
use serde::Serialize;

use super::{allowance::Allowance, places::Places, sale_checks};
use crate::domain::{
    Facts, Pool, Rejection,
    partials::{Claims, Customers, Limits, Pricing, Sale, SaleState, Schedule, Stock},
    slice::Slice,
};

/// What this file says of itself.
pub const SLICE: Slice = Slice {
    command: "ClaimTickets",
    purpose: "Tickets are held for a customer at a locked price until a deadline: all of them or none.",
    context_events: EventType::ALL,
    context_model: &[
        "whether and how sales are stopped",
        "the sales window",
        "the limits per order and per customer",
        "how many tickets the customer holds and has bought, without those of dead claims",
        "sold, held and capacity",
        "as many held tickets of dead claims as the order needs",
        "the price rule and the show time",
        "the claim duration",
    ],
    constraints: &[
        "Sales are not stopped.",
        "Sales have begun, and are not over.",
        "The order names at most `max_tickets_per_order` tickets.",
        "The customer then has at most `max_tickets_per_customer` tickets, not counting those of dead claims, swept or not.",
        "As many tickets are available, counting those of dead claims, swept or not.",
        "The price limit is in the pool's currency, and a ticket costs no more.",
    ],
    decisions: &[
        "Tickets of dead claims go back to the stock first, at most as many as the order needs; each ticket that takes such a place is caused by its release.",
        "The unit price is that of the counts before the order, and the same for every ticket; it is locked.",
        "The deadline is the decision's time plus the claim duration.",
    ],
    records: &[EventType::TicketReleased, EventType::TicketClaimed],
    refusals: &[
        "POOL_NOT_FOUND",
        "SALES_STOPPED",
        "SALES_NOT_OPEN",
        "SALES_ENDED",
        "ORDER_LIMIT_EXCEEDED",
        "CUSTOMER_LIMIT_EXCEEDED",
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
    status: SaleState,
    times: Times,
    max_tickets_per_order: u32,
    claim_duration: Duration,
    allowance: Allowance,
    places: Places,
    rule: Arc<pricing::Pricing>,
    pricing_version: u32,
}

impl Context {
    fn of(
        (limits, sale, schedule): (&Limits, &Sale, &Schedule),
        (customers, claims, stock, pricing): (&Customers, &Claims, &Stock, &Pricing),
        order: &ClaimTickets,
        at: Timestamp,
    ) -> Result<Self, Rejection> {
        let (Some(limits), Some(times), Some(rule)) =
            (limits.get(), schedule.get(), pricing.rule())
        else {
            return Err(Rejection::PoolNotFound);
        };
        let limits = limits.value;
        let max = limits.max_tickets_per_customer;
        // An order beyond its limit is refused before anybody asks for its places.
        let quantity = order.quantity.min(limits.max_tickets_per_order);
        let allowance = Allowance::of((customers, claims), &order.customer, quantity, max, at);
        let places = Places::find((stock, claims), allowance.dead().to_vec(), quantity, at);
        Ok(Self {
            status: sale.status(),
            times: times.value,
            max_tickets_per_order: limits.max_tickets_per_order,
            claim_duration: limits.claim_duration,
            allowance,
            places,
            rule: Arc::clone(&rule.value),
            pricing_version: pricing.number(),
        })
    }

    fn check(&self, requested: u32, at: Timestamp) -> Result<(), Rejection> {
        sale_checks::not_stopped(self.status)?;
        sale_checks::in_sales_window(&self.times, at)?;
        let max = self.max_tickets_per_order;
        if requested > max {
            return Err(Rejection::OrderLimitExceeded { requested, max });
        }
        self.allowance.check()?;
        self.places.check()
    }

    fn unit_price(&self, at: Timestamp) -> Amount {
        let counts = self.places.counts();
        let demand = Demand {
            capacity: counts.capacity,
            sold: counts.sold,
            held: counts.held,
        };
        self.rule.unit_price(demand, at, self.times.show_time)
    }
}

fn check_price(unit_price: Amount, max_unit_price: Option<Amount>) -> Result<(), Rejection> {
    match max_unit_price {
        Some(offered) if offered.currency != unit_price.currency => Err(Rejection::WrongCurrency {
            field: "max_unit_price.currency_code",
            given: offered.currency,
            expected: unit_price.currency,
        }),
        Some(max) if max.minor < unit_price.minor => {
            Err(Rejection::PriceChanged { unit_price, max })
        }
        Some(_) | None => Ok(()),
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
        let when = (&pool.limits, &pool.sale, &pool.schedule);
        let what = (&pool.customers, &pool.claims, &pool.stock, &pool.pricing);
        let context = Context::of(when, what, self, at)?;
        context.check(self.quantity, at)?;
        let unit_price = context.unit_price(at);
        check_price(unit_price, self.max_unit_price)?;

        let mut freed = context.places.release(facts).into_iter();
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
                unit_price: unit_price.minor,
                pricing_version: context.pricing_version,
                expire_time,
                reference: self.reference.clone(),
                labels: self.labels.clone(),
                replaces: None,
                granted: false,
            };
            let event = facts.record(PoolEvent::TicketClaimed(claimed), freed.next());
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
            unit_price,
            expire_time,
        })
    }
}

#[cfg(test)]
mod tests;
