//! What an event means to a customer: pure.

use std::collections::HashMap;

use onsale_shared::{
    event::PoolEvent,
    id::{ClaimId, PoolId},
    log::Position,
    time::Timestamp,
};

use crate::read_models::customers::{ClaimOwner, CustomerEntry, EntryKind};

type ClaimKey = (PoolId, ClaimId);

/// Whose claims are, of those that a batch asks for or makes.
#[derive(Debug, Default)]
pub(super) struct Owners {
    known: HashMap<ClaimKey, ClaimOwner>,
    /// Those that the table may not have yet.
    added: Vec<ClaimKey>,
}

impl Owners {
    /// As the table has them.
    pub(super) fn stored(owners: Vec<ClaimOwner>) -> Self {
        let keyed = |owner: ClaimOwner| ((owner.pool.clone(), owner.claim), owner);
        Self {
            known: owners.into_iter().map(keyed).collect(),
            added: Vec::new(),
        }
    }

    /// Takes over what an event says; the first one that says whose a claim is stays.
    pub(super) fn follow(&mut self, pool: &PoolId, fact: &PoolEvent) {
        let PoolEvent::TicketClaimed(claimed) = fact else {
            return;
        };
        let key = (pool.clone(), claimed.claim);
        if self.known.contains_key(&key) {
            return;
        }
        let owner = ClaimOwner {
            pool: pool.clone(),
            claim: claimed.claim,
            customer: claimed.customer.clone(),
            unit_price: claimed.unit_price,
            granted: claimed.granted,
        };
        self.known.insert(key.clone(), owner);
        self.added.push(key);
    }

    fn of(&self, pool: &PoolId, claim: ClaimId) -> Option<&ClaimOwner> {
        self.known.get(&(pool.clone(), claim))
    }

    /// Those that the table may not have yet.
    pub(super) fn added(&self) -> Vec<&ClaimOwner> {
        self.added
            .iter()
            .filter_map(|key| self.known.get(key))
            .collect()
    }
}

/// The claim of an event that does not say at what price it was made, or not even whose it is.
pub(super) const fn without_owner(fact: &PoolEvent) -> Option<ClaimId> {
    match fact {
        PoolEvent::ClaimExtended(fact) => Some(fact.claim),
        PoolEvent::TicketReleased(fact) => Some(fact.claim),
        PoolEvent::PoolCreated(_)
        | PoolEvent::TicketClaimed(_)
        | PoolEvent::TicketBought(_)
        | PoolEvent::TicketRefunded(_)
        | PoolEvent::SalesStopped(_)
        | PoolEvent::SalesResumed(_)
        | PoolEvent::PoolCancelled(_)
        | PoolEvent::CapacityChanged(_)
        | PoolEvent::PricingChanged(_)
        | PoolEvent::PoolRescheduled(_)
        | PoolEvent::LimitsChanged(_)
        | PoolEvent::CommandRefused(_) => None,
    }
}

/// The customer's entry of an event; none if it concerns no customer, or nobody knows which.
pub(super) fn entry(
    pool: &PoolId,
    (position, time): (Position, Timestamp),
    fact: &PoolEvent,
    owners: &Owners,
) -> Option<CustomerEntry> {
    let owner = |claim| owners.of(pool, claim);
    let blank = |customer, kind, claim| CustomerEntry {
        customer,
        position,
        time,
        pool: pool.clone(),
        kind,
        claim,
        ticket: None,
        unit_price: None,
        granted: false,
        release_cause: None,
        reason: None,
        reference: None,
        payment_reference: None,
        expire_time: None,
        replaces: None,
    };
    match fact {
        PoolEvent::TicketClaimed(fact) => Some(CustomerEntry {
            ticket: Some(fact.ticket),
            unit_price: Some(fact.unit_price),
            granted: fact.granted,
            reference: fact.reference.clone(),
            expire_time: Some(fact.expire_time),
            replaces: fact.replaces,
            ..blank(fact.customer.clone(), EntryKind::Claimed, fact.claim)
        }),
        PoolEvent::ClaimExtended(fact) => Some(CustomerEntry {
            unit_price: owner(fact.claim).map(|owner| owner.unit_price),
            expire_time: Some(fact.expire_time),
            ..blank(fact.customer.clone(), EntryKind::Extended, fact.claim)
        }),
        PoolEvent::TicketBought(fact) => {
            let kind = if fact.granted {
                EntryKind::Granted
            } else {
                EntryKind::Bought
            };
            Some(CustomerEntry {
                ticket: Some(fact.ticket),
                unit_price: Some(fact.unit_price),
                granted: fact.granted,
                reason: fact.reason.clone(),
                payment_reference: fact.payment_reference.clone(),
                expire_time: Some(fact.expire_time),
                ..blank(fact.customer.clone(), kind, fact.claim)
            })
        }
        PoolEvent::TicketReleased(fact) => {
            let owner = owner(fact.claim);
            let customer = fact.customer.as_ref();
            let customer = customer.or(owner.map(|owner| &owner.customer))?;
            Some(CustomerEntry {
                ticket: Some(fact.ticket),
                unit_price: owner.map(|owner| owner.unit_price),
                granted: owner.is_some_and(|owner| owner.granted),
                release_cause: Some(fact.cause),
                expire_time: Some(fact.expire_time),
                ..blank(customer.clone(), EntryKind::Released, fact.claim)
            })
        }
        PoolEvent::TicketRefunded(fact) => Some(CustomerEntry {
            ticket: Some(fact.ticket),
            unit_price: Some(fact.unit_price),
            granted: fact.granted,
            reason: fact.reason.clone(),
            ..blank(fact.customer.clone(), EntryKind::Refunded, fact.claim)
        }),
        PoolEvent::PoolCreated(_)
        | PoolEvent::SalesStopped(_)
        | PoolEvent::SalesResumed(_)
        | PoolEvent::PoolCancelled(_)
        | PoolEvent::CapacityChanged(_)
        | PoolEvent::PricingChanged(_)
        | PoolEvent::PoolRescheduled(_)
        | PoolEvent::LimitsChanged(_)
        | PoolEvent::CommandRefused(_) => None,
    }
}
