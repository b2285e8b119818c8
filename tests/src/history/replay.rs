//! The pool after each event, as the service folds it; and a naive count of its own beside it, which shares nothing with
//! the service.

use std::collections::HashMap;

use onsale_command_service::{domain::Pool, pools::history::entry};
use onsale_shared::{
    event::{Metadata, PoolEvent, ReleaseCause, TicketClaimed},
    id::{ClaimId, RequestId, TicketId},
    log::RecordedEvent,
    text::Reference,
    time::Timestamp,
};

use super::{CLOCKS_APART_MAX, Kind};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// As the service folds it.
    pub(super) pool: Pool,
    /// As anybody can count it.
    pub(super) naive: Naive,
}

/// Tickets, and counters.
#[derive(Debug, Default)]
pub(super) struct Naive {
    pub(super) capacity: u32,
    pub(super) sold: u32,
    pub(super) held: u32,
    pub(super) is_stopped: bool,
    order_max: u32,
    customer_max: u32,
    deadlines: HashMap<ClaimId, Timestamp>,
    owners: HashMap<TicketId, Reference>,
    customers: HashMap<Reference, u32>,
    /// The order that is being recorded, and how many tickets it has so far.
    order: (Option<RequestId>, u32),
}

/// What is wrong with an event, if anything is.
type Wrong = Option<(Kind, &'static str)>;

impl Replay {
    /// Folds the next event; what is wrong with it in itself.
    pub(super) fn fold(
        &mut self,
        recorded: &RecordedEvent,
        event: &PoolEvent,
        metadata: &Metadata,
    ) -> Wrong {
        self.pool.evolve(&entry(recorded, event, metadata));
        let wrong = self.naive.fold(recorded, event, metadata.request_id);
        let contradicts = self.pool.corrupted_at() == Some(recorded.version);
        wrong.or(contradicts.then_some((Kind::OtherHistory, "it contradicts the pool")))
    }
}

impl Naive {
    /// The deadline of a claim.
    pub(super) fn deadline(&self, claim: ClaimId) -> Option<Timestamp> {
        self.deadlines.get(&claim).copied()
    }

    /// How many tickets a customer holds and has bought.
    pub(super) fn tickets_of(&self, customer: &Reference) -> u32 {
        self.customers.get(customer).copied().unwrap_or(0)
    }

    fn fold(
        &mut self,
        recorded: &RecordedEvent,
        event: &PoolEvent,
        request: Option<RequestId>,
    ) -> Wrong {
        if self.order.0 != request {
            self.order = (request, 0);
        }
        match event {
            PoolEvent::PoolCreated(created) => {
                self.capacity = created.capacity;
                self.order_max = created.limits.max_tickets_per_order;
                self.customer_max = created.limits.max_tickets_per_customer;
                None
            }
            PoolEvent::TicketClaimed(claimed) => self.claim(claimed),
            PoolEvent::ClaimExtended(extended) => {
                self.deadlines.insert(extended.claim, extended.expire_time);
                None
            }
            PoolEvent::TicketBought(_) => {
                self.held = self.held.saturating_sub(1);
                self.sold += 1;
                self.oversold()
            }
            PoolEvent::TicketReleased(released) => {
                self.held = self.held.saturating_sub(1);
                self.give_back(released.ticket);
                // Written later than it was decided, so that it was decided even earlier.
                let latest = recorded.recorded_at.plus(CLOCKS_APART_MAX);
                let deadline = self.deadline(released.claim);
                let was_early = released.cause == ReleaseCause::Expired
                    && deadline.is_none_or(|deadline| latest < deadline);
                was_early.then_some((Kind::EarlyDeath, "released before its deadline"))
            }
            PoolEvent::TicketRefunded(refunded) => {
                self.sold = self.sold.saturating_sub(1);
                self.give_back(refunded.ticket);
                None
            }
            PoolEvent::CapacityChanged(changed) => {
                self.capacity = changed.capacity;
                self.oversold()
            }
            PoolEvent::LimitsChanged(changed) => {
                self.order_max = changed.limits.max_tickets_per_order;
                self.customer_max = changed.limits.max_tickets_per_customer;
                None
            }
            PoolEvent::SalesStopped(_) | PoolEvent::PoolCancelled(_) => {
                self.is_stopped = true;
                None
            }
            PoolEvent::SalesResumed(_) => {
                self.is_stopped = false;
                None
            }
            PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::CommandRefused(_) => None,
        }
    }

    fn claim(&mut self, claimed: &TicketClaimed) -> Wrong {
        self.held += 1;
        self.deadlines.insert(claimed.claim, claimed.expire_time);
        if let Some(wrong) = self.oversold() {
            return Some(wrong);
        }
        if claimed.granted {
            return None;
        }
        self.owners.insert(claimed.ticket, claimed.customer.clone());
        let has = self.customers.entry(claimed.customer.clone()).or_default();
        *has += 1;
        self.order.1 += 1;
        if *has > self.customer_max {
            return Some((Kind::OverLimit, "the customer has more than one may have"));
        }
        (self.order.1 > self.order_max)
            .then_some((Kind::OverLimit, "the order has more than one may have"))
    }

    const fn oversold(&self) -> Wrong {
        if self.sold + self.held > self.capacity {
            return Some((Kind::Oversold, "more is sold and held than there is"));
        }
        None
    }

    fn give_back(&mut self, ticket: TicketId) {
        let owner = self.owners.remove(&ticket);
        if let Some(has) = owner.and_then(|owner| self.customers.get_mut(&owner)) {
            *has = has.saturating_sub(1);
        }
    }
}
