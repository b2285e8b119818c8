//! The rules of sale written a second time, as plainly as can be: every ticket with what became of it, the claims that
//! hold tickets, and counters.
//!
//! Looks at what is recorded only. What a command checks against what is forgotten by then (the window of a late
//! payment, the price of a claim whose last ticket has expired) is left to the state that decides.

mod tickets;
mod wrong;

use std::collections::HashMap;

use foldhash::fast::RandomState;
use onsale_shared::{
    event::{ClaimExtended, Limits, PoolEvent, Schedule, StopMode, TicketClaimed},
    id::{ClaimId, RequestId},
    pricing::{Demand, Pricing},
    text::Reference,
    time::Timestamp,
};

use self::{
    tickets::{End, Tickets},
    wrong::Wrong,
};
use crate::domain::partials::Requests;

/// One pool, by the second set of rules.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// None before the pool was created.
    settings: Option<Settings>,
    tickets: Tickets,
    /// How many tickets each has, held and sold, without what was given away. Who has none is not in it.
    customers: HashMap<Reference, u32, RandomState>,
    stopped: Option<StopMode>,
    is_cancelled: bool,
    /// When commands were refused for good.
    refused: HashMap<RequestId, Timestamp, RandomState>,
}

/// What the promoter has set.
#[derive(Debug)]
struct Settings {
    capacity: u32,
    limits: Limits,
    schedule: Schedule,
    pricing: Pricing,
}

impl Model {
    /// Folds an event of a command, or of the server, that was decided at `at`.
    ///
    /// # Errors
    /// It cannot have happened. The model is of no use from there on.
    pub(super) fn fold(
        &mut self,
        event: &PoolEvent,
        request: Option<RequestId>,
        at: Timestamp,
    ) -> Result<(), Wrong> {
        let outlives_the_pool = matches!(
            event,
            PoolEvent::TicketReleased(_)
                | PoolEvent::TicketRefunded(_)
                | PoolEvent::CommandRefused(_)
        );
        if self.is_cancelled && !outlives_the_pool {
            return Err(Wrong::Cancelled);
        }
        self.check_request(request, at)?;
        if let PoolEvent::PoolCreated(created) = event {
            let before = self.settings.replace(Settings {
                capacity: created.capacity,
                limits: created.limits,
                schedule: created.schedule,
                pricing: created.pricing.clone(),
            });
            return before.map_or(Ok(()), |_| Err(Wrong::CreatedBefore));
        }
        let settings = self.settings.as_mut().ok_or(Wrong::NotCreated)?;
        match event {
            PoolEvent::PoolCreated(_) => Ok(()),
            PoolEvent::TicketClaimed(claimed) => self.claim(claimed, at),
            PoolEvent::ClaimExtended(extended) => {
                let end = settings.limits.claim_duration;
                extend(&mut self.tickets, extended, at, at.plus(end))
            }
            PoolEvent::TicketBought(bought) => self.tickets.buy(bought, at),
            PoolEvent::TicketReleased(released) => {
                let end = self.tickets.release(released, at)?;
                self.give_back(&end)
            }
            PoolEvent::TicketRefunded(refunded) => {
                let end = self.tickets.refund(refunded)?;
                self.give_back(&end)
            }
            PoolEvent::CapacityChanged(changed) => {
                settings.capacity = changed.capacity;
                self.check_stock()
            }
            PoolEvent::LimitsChanged(changed) => {
                settings.limits = changed.limits;
                Ok(())
            }
            PoolEvent::PoolRescheduled(changed) => {
                settings.schedule = changed.schedule;
                Ok(())
            }
            PoolEvent::PricingChanged(changed) => {
                let (old, new) = (settings.pricing.currency, changed.pricing.currency);
                settings.pricing = changed.pricing.clone();
                require(old == new, || Wrong::Currency { old, new })
            }
            PoolEvent::SalesStopped(stop) => self.stop(stop.mode, at),
            PoolEvent::SalesResumed(_) => {
                let was_stopped = self.stopped.take().is_some();
                require(was_stopped, || Wrong::NotStopped)
            }
            PoolEvent::PoolCancelled(_) => {
                self.is_cancelled = true;
                self.tickets.void(End::Cancelled, at);
                Ok(())
            }
            PoolEvent::CommandRefused(_) => {
                self.refused.extend(request.map(|id| (id, at)));
                Ok(())
            }
        }
    }

    /// What was refused for good is not recorded afterwards, as long as that is remembered.
    fn check_request(&self, request: Option<RequestId>, at: Timestamp) -> Result<(), Wrong> {
        let refused = request.and_then(|id| self.refused.get(&id));
        match refused {
            Some(time) if at <= time.plus(Requests::KEPT_FOR) => Err(Wrong::Refused(*time)),
            Some(_) | None => Ok(()),
        }
    }

    fn stop(&mut self, mode: StopMode, at: Timestamp) -> Result<(), Wrong> {
        let before = self.stopped.replace(mode);
        if mode == StopMode::VoidClaims {
            self.tickets.void(End::Stopped, at);
        }
        let is_stronger = before.is_none_or(|before| before < mode);
        require(is_stronger, || Wrong::StoppedBefore)
    }

    fn claim(&mut self, claimed: &TicketClaimed, at: Timestamp) -> Result<(), Wrong> {
        let settings = self.settings.as_ref().ok_or(Wrong::NotCreated)?;
        let limits = settings.limits;
        let expire_time = at.plus(limits.claim_duration);
        require(claimed.expire_time == expire_time, || Wrong::Deadline {
            found: claimed.expire_time,
            expected: expire_time,
        })?;
        if !claimed.granted {
            require(self.stopped.is_none(), || Wrong::Stopped)?;
            if claimed.replaces.is_none() {
                in_window(&settings.schedule, at)?;
            }
        }
        let counts = self.tickets.counts();
        let price = || match claimed.granted {
            true => 0,
            false => {
                let demand = Demand {
                    capacity: settings.capacity,
                    sold: counts.sold,
                    held: counts.held,
                };
                let show_time = settings.schedule.show_time;
                settings
                    .pricing
                    .unit_price(demand, at, show_time)
                    .minor
                    .get()
            }
        };
        let tickets = self.tickets.claim(claimed, price)?;
        if !claimed.granted {
            let max = limits.max_tickets_per_order;
            require(tickets <= max, || Wrong::OrderLimit { tickets, max })?;
            let has = self.customers.entry(claimed.customer.clone()).or_default();
            *has += 1;
            let (has, max) = (*has, limits.max_tickets_per_customer);
            require(has <= max, || Wrong::CustomerLimit { has, max })?;
        }
        self.check_stock()
    }

    /// A place went back to the stock, and the allowance to its customer.
    fn give_back(&mut self, ended: &tickets::Ended) -> Result<(), Wrong> {
        if ended.granted {
            return Ok(());
        }
        match self.customers.get_mut(&ended.customer) {
            Some(1) => drop(self.customers.remove(&ended.customer)),
            Some(has) => *has -= 1,
            None => return Err(Wrong::OtherCustomer),
        }
        Ok(())
    }

    /// Never more than there is: what everything is about.
    fn check_stock(&self) -> Result<(), Wrong> {
        let capacity = self.settings.as_ref().map_or(0, |set| set.capacity);
        let counts = self.tickets.counts();
        let (sold, held) = (counts.sold, counts.held);
        let committed = u64::from(sold) + u64::from(held);
        require(committed <= u64::from(capacity), || Wrong::Oversold {
            sold,
            held,
            capacity,
        })
    }
}

fn in_window(schedule: &Schedule, at: Timestamp) -> Result<(), Wrong> {
    if let Some(start) = schedule.sales_start_time {
        require(start <= at, || Wrong::NotOpen(start))?;
    }
    if let Some(end) = schedule.sales_end_time {
        require(at < end, || Wrong::Ended(end))?;
    }
    Ok(())
}

fn extend(
    tickets: &mut Tickets,
    extended: &ClaimExtended,
    at: Timestamp,
    end: Timestamp,
) -> Result<(), Wrong> {
    let claim: ClaimId = extended.claim;
    let holding = tickets.live(claim, at)?;
    require(!holding.is_extended, || Wrong::ExtendedBefore)?;
    require(holding.customer == extended.customer, || {
        Wrong::OtherCustomer
    })?;
    let (found, expected) = (extended.held, holding.held);
    require(found == expected, || Wrong::Holds { found, expected })?;
    let (found, expected) = (extended.old_expire_time, holding.expire_time);
    require(found == expected, || Wrong::Deadline { found, expected })?;
    let (found, expected) = (extended.expire_time, holding.expire_time.max(end));
    require(found == expected, || Wrong::Deadline { found, expected })?;
    holding.is_extended = true;
    holding.expire_time = extended.expire_time;
    Ok(())
}

fn require(holds: bool, wrong: impl FnOnce() -> Wrong) -> Result<(), Wrong> {
    if holds { Ok(()) } else { Err(wrong()) }
}
