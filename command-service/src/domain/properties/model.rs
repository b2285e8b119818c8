//! A naive model of a pool: every question is answered by walking over all events. It shares nothing with the parts of
//! the state.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a question of the model is about few kinds"
)]

use std::collections::{BTreeMap, BTreeSet};

use onsale_shared::{
    event::{Limits, PoolCreated, PoolEvent, Schedule, StopMode},
    id::{ClaimId, TicketId},
    pricing::{Demand, Pricing},
    text::Reference,
    time::Timestamp,
};

/// The naive model.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) events: Vec<PoolEvent>,
}

/// A ticket, as its events tell.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) claim: ClaimId,
    pub(super) customer: Reference,
    pub(super) granted: bool,
    pub(super) prices: Vec<i64>,
    pub(super) story: Vec<&'static str>,
}

/// All tickets.
pub(super) type Lives = BTreeMap<TicketId, Life>;

/// How many tickets are in a state.
pub(super) fn count(lives: &Lives, what: &str) -> u32 {
    u32::try_from(lives.values().filter(|life| life.now() == what).count()).unwrap()
}

impl Life {
    pub(super) fn now(&self) -> &'static str {
        self.story.last().unwrap()
    }
}

impl Model {
    pub(super) fn lives(&self) -> Lives {
        let mut lives = Lives::new();
        for event in &self.events {
            let (ticket, what, price) = match event {
                PoolEvent::TicketClaimed(data) => {
                    let life = Life {
                        claim: data.claim,
                        customer: data.customer.clone(),
                        granted: data.granted,
                        prices: Vec::new(),
                        story: Vec::new(),
                    };
                    let before = lives.insert(data.ticket, life);
                    assert!(before.is_none(), "a ticket comes into being once");
                    (data.ticket, "claimed", Some(data.unit_price))
                }
                PoolEvent::TicketBought(data) => (data.ticket, "bought", Some(data.unit_price)),
                PoolEvent::TicketRefunded(data) => (data.ticket, "refunded", Some(data.unit_price)),
                PoolEvent::TicketReleased(data) => (data.ticket, "released", None),
                _no_ticket => continue,
            };
            let life = lives.get_mut(&ticket).unwrap();
            life.story.push(what);
            life.prices.extend(price.map(|price| price.get()));
        }
        lives
    }

    fn created(&self) -> &PoolCreated {
        let Some(PoolEvent::PoolCreated(created)) = self.events.first() else {
            panic!("the pool is created first")
        };
        created
    }

    fn last<'a, T>(&'a self, first: T, find: impl Fn(&'a PoolEvent) -> Option<T>) -> T {
        let mut newest_first = self.events.iter().rev().filter_map(find);
        newest_first.next().unwrap_or(first)
    }

    pub(super) fn capacity(&self) -> u32 {
        self.last(self.created().capacity, |event| match event {
            PoolEvent::CapacityChanged(data) => Some(data.capacity),
            _other => None,
        })
    }

    pub(super) fn limits(&self) -> Limits {
        self.last(self.created().limits, |event| match event {
            PoolEvent::LimitsChanged(data) => Some(data.limits),
            _other => None,
        })
    }

    pub(super) fn schedule(&self) -> Schedule {
        self.last(self.created().schedule, |event| match event {
            PoolEvent::PoolRescheduled(data) => Some(data.schedule),
            _other => None,
        })
    }

    pub(super) fn pricing(&self) -> &Pricing {
        self.last(&self.created().pricing, |event| match event {
            PoolEvent::PricingChanged(data) => Some(&data.pricing),
            _other => None,
        })
    }

    pub(super) fn stopped(&self) -> Option<StopMode> {
        self.last(None, |event| match event {
            PoolEvent::SalesStopped(data) => Some(Some(data.mode)),
            PoolEvent::SalesResumed(_) => Some(None),
            _other => None,
        })
    }

    pub(super) fn cancelled(&self) -> bool {
        let is_end = |event: &PoolEvent| matches!(event, PoolEvent::PoolCancelled(_));
        self.events.iter().any(is_end)
    }

    /// Held and bought, without what was given away.
    pub(super) fn customers(lives: &Lives) -> BTreeMap<Reference, u32> {
        let mut customers = BTreeMap::new();
        for life in lives.values() {
            if !life.granted && matches!(life.now(), "claimed" | "bought") {
                *customers.entry(life.customer.clone()).or_default() += 1;
            }
        }
        customers
    }

    /// The held tickets whose claim is over at `now`.
    pub(super) fn dead(&self, lives: &Lives, now: Timestamp) -> BTreeSet<TicketId> {
        let held = lives.iter().filter(|(_, life)| life.now() == "claimed");
        let is_dead = |life: &Life| {
            let mut dead = false;
            for event in &self.events {
                match event {
                    PoolEvent::TicketClaimed(data) if data.claim == life.claim => {
                        dead = data.expire_time <= now;
                    }
                    PoolEvent::ClaimExtended(data) if data.claim == life.claim => {
                        dead = data.expire_time <= now;
                    }
                    PoolEvent::PoolCancelled(_) => return true,
                    PoolEvent::SalesStopped(data) => {
                        let before = self.claimed_before(life.claim, event);
                        if data.mode == StopMode::VoidClaims && before {
                            return true;
                        }
                    }
                    _other => {}
                }
            }
            dead
        };
        let dead = held.filter(|(_, life)| is_dead(life));
        dead.map(|(ticket, _)| *ticket).collect()
    }

    /// Whether a claim was there when an event happened.
    fn claimed_before(&self, claim: ClaimId, event: &PoolEvent) -> bool {
        let before = self
            .events
            .iter()
            .take_while(|happened| !std::ptr::eq(*happened, event));
        before.into_iter().any(
            |happened| matches!(happened, PoolEvent::TicketClaimed(data) if data.claim == claim),
        )
    }

    /// What a ticket costs that is claimed now.
    pub(super) fn unit_price(&self, lives: &Lives, now: Timestamp) -> i64 {
        let demand = Demand {
            capacity: self.capacity(),
            sold: count(lives, "bought"),
            held: count(lives, "claimed"),
        };
        let price = self
            .pricing()
            .unit_price(demand, now, self.schedule().show_time);
        price.minor.get()
    }

    /// The sum of what the sold tickets were sold for.
    pub(super) fn money(lives: &Lives) -> i64 {
        let sold = lives.values().filter(|life| life.now() == "bought");
        sold.map(|life| life.prices[0]).sum()
    }

    /// The kinds of events after a version.
    pub(super) fn kinds_after(&self, version: i64) -> BTreeSet<&'static str> {
        let from = usize::try_from(version).unwrap();
        let later = self.events.iter().skip(from);
        later.map(|event| event.kind().as_str()).collect()
    }
}
