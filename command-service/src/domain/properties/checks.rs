//! What must hold after every step of a story.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a question of the model is about few kinds"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc,
};

use onsale_shared::{
    event::{CommandHash, PoolEvent, ReleaseCause},
    id::{Ids, RequestId},
};
use uuid::Uuid;

use super::{
    model::{Lives, Model, count},
    story::{Story, fold_into},
};
use crate::domain::{
    Command, Fact, Pool, Rejection, Request,
    commands::testing::{bought, claim, event_id},
    conflicts::Precondition,
    decide,
    partials::{SaleState, TicketState},
    snapshot::Snapshot,
};

impl Story {
    /// The parts of the state against the model.
    pub(super) fn check(&self) {
        assert_eq!(
            self.pool.corrupted_at(),
            None,
            "decided events never contradict the pool"
        );
        let (model, counts) = (&self.model, self.pool.stock.counts());
        let lives = model.lives();
        assert_eq!(
            counts.sold + counts.held + counts.available(),
            counts.capacity,
            "counts always sum"
        );
        assert_eq!(
            (counts.sold, counts.held, counts.capacity),
            (
                count(&lives, "bought"),
                count(&lives, "claimed"),
                model.capacity()
            ),
            "stock, as the model"
        );
        let customers = self.pool.customers.iter();
        let customers: BTreeMap<_, _> = customers.map(|(name, has)| (name.clone(), has)).collect();
        assert_eq!(
            customers,
            Model::customers(&lives),
            "customers, as the model"
        );
        let dead = self.pool.claims.dead_tickets(self.now);
        let dead: Vec<_> = dead.map(|dead| dead.ticket).collect();
        let once: BTreeSet<_> = dead.iter().copied().collect();
        assert_eq!(once.len(), dead.len(), "a dead ticket goes back once");
        assert_eq!(once, model.dead(&lives, self.now), "claims, as the model");
        let limits = self.pool.limits.get().unwrap();
        assert_eq!(limits.value, model.limits(), "limits, as the model");
        let times = self.pool.schedule.get().unwrap();
        assert_eq!(times.value, model.schedule(), "schedule, as the model");
        let rule = self.pool.pricing.rule().unwrap();
        assert_eq!(&*rule.value, model.pricing(), "pricing, as the model");
        let status = match (model.cancelled(), model.stopped()) {
            (true, _) => SaleState::Cancelled,
            (false, Some(mode)) => SaleState::Stopped(mode),
            (false, None) => SaleState::Selling,
        };
        assert_eq!(self.pool.sale.status(), status, "sale, as the model");
        self.check_lives(&lives);
    }

    fn check_lives(&self, lives: &Lives) {
        for life in lives.values() {
            let legal = matches!(
                life.story.as_slice(),
                ["claimed"]
                    | ["claimed", "bought"]
                    | ["claimed", "released"]
                    | ["claimed", "bought", "refunded"]
            );
            assert!(legal, "{:?} is no ticket's life", life.story);
            assert!(
                life.prices.iter().all(|price| *price == life.prices[0]),
                "a ticket is sold and refunded at its locked price"
            );
        }
        let claims = self.pool.claims.iter();
        let money: i64 = claims
            .map(|(_, claim)| {
                let sold = claim.in_state(TicketState::Bought).count();
                claim.unit_price.get() * i64::try_from(sold).unwrap()
            })
            .sum();
        assert_eq!(money, Model::money(lives), "money, as the model");
    }

    /// A ticket is claimed within the limit of its customer and at the price of that moment.
    pub(super) fn check_claim(&self, event: &PoolEvent, first: bool) {
        let PoolEvent::TicketClaimed(claimed) = event else {
            return;
        };
        if claimed.granted {
            assert_eq!(claimed.unit_price.get(), 0);
            return;
        }
        let lives = self.model.lives();
        let has = Model::customers(&lives)
            .get(&claimed.customer)
            .copied()
            .unwrap_or(0);
        assert!(
            has < self.model.limits().max_tickets_per_customer,
            "a customer's limit is never exceeded"
        );
        if first && claimed.replaces.is_none() {
            assert_eq!(
                claimed.unit_price.get(),
                self.model.unit_price(&lives, self.now),
                "the price of the counts before the order"
            );
        }
        if let Some(replaced) = claimed.replaces {
            assert_eq!(lives[&replaced].now(), "released");
            assert_eq!(lives[&replaced].prices[0], claimed.unit_price.get());
        }
    }

    /// A refusal is true, by the model.
    pub(super) fn check_refusal(&self, rejection: &Rejection, command: &Command) {
        let model = &self.model;
        if model.events.is_empty() {
            return;
        }
        let lives = model.lives();
        let dead = u32::try_from(model.dead(&lives, self.now).len()).unwrap();
        let sold = count(&lives, "bought");
        let free = model.capacity() - sold - count(&lives, "claimed") + dead;
        let schedule = model.schedule();
        let is_true = match rejection {
            Rejection::SoldOut { .. } => sold == model.capacity(),
            Rejection::SoldOutForNow { .. } => free == 0 && sold < model.capacity(),
            Rejection::InsufficientAvailability { requested, counts } => {
                free > 0 && free < *requested && counts.available() == free
            }
            Rejection::SalesStopped { mode } => model.stopped() == Some(*mode),
            Rejection::PoolCancelled { .. } => model.cancelled(),
            Rejection::SalesNotOpen { .. } => schedule.sales_start_time > Some(self.now),
            Rejection::SalesEnded { .. } => {
                schedule.sales_end_time.is_some_and(|end| end <= self.now)
            }
            Rejection::CapacityBelowCommitted { requested, .. } => {
                *requested < model.capacity() - free
            }
            Rejection::CustomerLimitExceeded {
                requested,
                has,
                max,
            } => has + requested > *max && *max == model.limits().max_tickets_per_customer,
            Rejection::PriceChanged { unit_price, max } => unit_price.minor > max.minor,
            Rejection::VersionConflict { conflict } => {
                self.is_conflict(command) && conflict.version == self.pool.version()
            }
            _of_claims_and_fields => true,
        };
        assert!(is_true, "{rejection:?} is untrue");
    }

    /// Whether an edit that was made on an older version must be refused, as the events since say.
    pub(super) fn is_conflict(&self, command: &Command) -> bool {
        let (precondition, touched) = edit_of(command);
        let Some(etag) = precondition.etag else {
            return false;
        };
        if etag == self.pool.version() {
            return false;
        }
        !precondition.merge || etag > self.pool.version() || {
            let since = self.model.kinds_after(etag.get());
            touched.iter().any(|kind| since.contains(kind))
        }
    }

    pub(super) fn happen(&mut self, event: &PoolEvent) {
        self.model.events.push(event.clone());
    }

    /// Notes what became of tickets.
    pub(super) fn reach_states(&mut self) {
        for (_, claim) in self.pool.claims.iter() {
            for ticket in &claim.tickets {
                self.reached.insert(match ticket.state {
                    TicketState::Held => "held",
                    TicketState::Bought => "bought",
                    TicketState::Released(ReleaseCause::Customer) => "released by the customer",
                    TicketState::Released(ReleaseCause::Operator) => "released by an operator",
                    TicketState::Released(ReleaseCause::Expired) => "expired",
                    TicketState::Released(ReleaseCause::Stopped) => "voided by a stop",
                    TicketState::Released(ReleaseCause::Cancelled) => "voided by the end",
                    TicketState::Replaced => "replaced",
                    TicketState::Refunded => "refunded",
                });
            }
        }
    }

    /// What is read back from a snapshot tells the same, and the story goes on with it.
    pub(super) fn restore(&mut self) {
        let restored = restored(&self.pool);
        assert_eq!(snapshot(&restored), snapshot(&self.pool), "restored");
        self.pool = restored;
        self.check();
        self.reached.insert("RESTORED");
    }

    /// An event that cannot have happened, and everything is refused; on a copy, so that the story stays whole.
    pub(super) fn corrupt(&mut self) {
        let mut pool = self.pool.clone();
        let fact = Fact {
            id: event_id(0),
            event: bought(0xdead, 0xdead),
            cause: None,
        };
        fold_into(&mut pool, &[fact], self.now, None);
        let version = pool.version();
        let request = Request {
            id: RequestId(Uuid::from_u128(u128::MAX)),
            hash: CommandHash(u128::MAX),
            is_repeat: false,
            command: claim(1),
        };
        let refused = decide(
            &pool,
            &request,
            self.now,
            &mut Ids::from(Uuid::from_u128(1 << 100)),
        );
        assert_eq!(refused, Err(Rejection::PoolCorrupted { version }));
        self.reached.insert("POOL_CORRUPTED");
    }
}

pub(super) fn snapshot(pool: &Pool) -> Snapshot {
    pool.to_snapshot().unwrap().expect("a pool that is sound")
}

/// The pool without what it has forgotten.
pub(super) fn restored(pool: &Pool) -> Pool {
    let snapshot = snapshot(pool);
    let mut pool = Pool::from_snapshot(&snapshot.lasting).unwrap();
    let (pieces, coming) = mpsc::channel();
    pieces.send(snapshot.claims).unwrap();
    drop(pieces);
    pool.recall_claims(&coming).unwrap();
    pool.recall_requests(snapshot.requests.into()).unwrap();
    pool
}

/// Whether an edit was made on an older state, and what the events are called that it must not overlook.
fn edit_of(command: &Command) -> (Precondition, &'static [&'static str]) {
    const SALE: &[&str] = &["SalesStopped", "SalesResumed"];
    const PRICE_AND_TIMES: &[&str] = &["PricingChanged", "PoolRescheduled"];
    match command {
        Command::StopSales(edit) => (edit.precondition, SALE),
        Command::ResumeSales(edit) => (edit.precondition, SALE),
        Command::CancelPool(edit) => (edit.precondition, SALE),
        Command::ChangeCapacity(edit) => (edit.precondition, &["CapacityChanged"]),
        Command::ChangePricing(edit) => (edit.precondition, PRICE_AND_TIMES),
        Command::ReschedulePool(edit) => (edit.precondition, PRICE_AND_TIMES),
        Command::ChangeLimits(edit) => (edit.precondition, &["LimitsChanged"]),
        _no_edit => (Precondition::NONE, &[]),
    }
}
