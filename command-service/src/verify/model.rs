//! The rules of sale written a second time, as plainly as can be: tickets with what became of them, and counters.

use std::collections::HashMap;

use onsale_shared::{
    event::{PoolEvent, TicketClaimed},
    id::TicketId,
    text::Reference,
};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// None before the pool was created.
    capacity: Option<u32>,
    customer_max: u32,
    tickets: HashMap<TicketId, Ticket>,
    customers: HashMap<Reference, u32>,
    held: u32,
    sold: u32,
    is_stopped: bool,
    is_cancelled: bool,
}

#[derive(Debug)]
struct Ticket {
    life: Life,
    customer: Reference,
    unit_price: i64,
    is_granted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Held,
    Sold,
    Over,
}

/// What is wrong.
type Wrong = &'static str;

impl Model {
    /// Folds an event; what is wrong with it, if anything is.
    pub(super) fn fold(&mut self, event: &PoolEvent) -> Option<Wrong> {
        if self.capacity.is_none() && !matches!(event, PoolEvent::PoolCreated(_)) {
            return Some("the pool was not created before");
        }
        let gives_back = matches!(
            event,
            PoolEvent::TicketReleased(_) | PoolEvent::TicketRefunded(_)
        );
        if self.is_cancelled && !gives_back {
            return Some("the pool was cancelled before");
        }
        match event {
            PoolEvent::PoolCreated(created) => {
                self.customer_max = created.limits.max_tickets_per_customer;
                let before = self.capacity.replace(created.capacity);
                before.map(|_| "the pool was created before")
            }
            PoolEvent::TicketClaimed(claimed) => self.claim(claimed),
            PoolEvent::TicketBought(bought) => {
                let price = bought.unit_price.get();
                self.change(bought.ticket, Life::Held, Life::Sold, Some(price))
            }
            PoolEvent::TicketReleased(released) => {
                self.change(released.ticket, Life::Held, Life::Over, None)
            }
            PoolEvent::TicketRefunded(refunded) => {
                let price = refunded.unit_price.get();
                self.change(refunded.ticket, Life::Sold, Life::Over, Some(price))
            }
            PoolEvent::CapacityChanged(changed) => {
                self.capacity = Some(changed.capacity);
                self.oversold()
            }
            PoolEvent::LimitsChanged(changed) => {
                self.customer_max = changed.limits.max_tickets_per_customer;
                None
            }
            PoolEvent::SalesStopped(_) => {
                self.is_stopped = true;
                None
            }
            PoolEvent::SalesResumed(_) => {
                let was_stopped = std::mem::take(&mut self.is_stopped);
                (!was_stopped).then_some("sales were not stopped")
            }
            PoolEvent::PoolCancelled(_) => {
                self.is_cancelled = true;
                None
            }
            PoolEvent::ClaimExtended(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_) => None,
        }
    }

    fn claim(&mut self, claimed: &TicketClaimed) -> Option<Wrong> {
        if self.is_stopped && !claimed.granted {
            return Some("sales were stopped before");
        }
        let ticket = Ticket {
            life: Life::Held,
            customer: claimed.customer.clone(),
            unit_price: claimed.unit_price.get(),
            is_granted: claimed.granted,
        };
        if self.tickets.insert(claimed.ticket, ticket).is_some() {
            return Some("the ticket was claimed before");
        }
        self.held += 1;
        if !claimed.granted {
            let has = self.customers.entry(claimed.customer.clone()).or_default();
            *has += 1;
            if *has > self.customer_max {
                return Some("the customer has more tickets than one may have");
            }
        }
        self.oversold()
    }

    fn oversold(&self) -> Option<Wrong> {
        let committed = u64::from(self.held) + u64::from(self.sold);
        let is_oversold = committed > u64::from(self.capacity.unwrap_or(0));
        is_oversold.then_some("more tickets are sold and held than there are")
    }

    fn change(&mut self, id: TicketId, from: Life, to: Life, price: Option<i64>) -> Option<Wrong> {
        let Some(ticket) = self.tickets.get_mut(&id) else {
            return Some("the ticket was not claimed before");
        };
        if ticket.life != from {
            return Some(match from {
                Life::Held => "the ticket was not held",
                Life::Sold | Life::Over => "the ticket was not sold",
            });
        }
        if price.is_some_and(|price| price != ticket.unit_price) {
            return Some("the ticket was claimed at another price");
        }
        ticket.life = to;
        match from {
            Life::Held => self.held -= 1,
            Life::Sold | Life::Over => self.sold -= 1,
        }
        self.sold += u32::from(to == Life::Sold);
        if to == Life::Over
            && !ticket.is_granted
            && let Some(has) = self.customers.get_mut(&ticket.customer)
        {
            *has = has.saturating_sub(1);
        }
        None
    }
}
