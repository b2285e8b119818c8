//! Which rows a batch of events concerns: what has to be known before it is folded.

use std::collections::HashSet;

use onsale_shared::{
    event::PoolEvent,
    id::{ClaimId, PoolId, TicketId},
};

pub(super) type ClaimKey = (PoolId, ClaimId);
pub(super) type TicketKey = (PoolId, TicketId);

/// The rows that a batch of events concerns, and that may be there.
#[derive(Debug, Default)]
pub(super) struct Keys {
    claims: HashSet<ClaimKey>,
    tickets: HashSet<TicketKey>,
    /// Made by an event of the batch, where the log is right: not there before.
    made: HashSet<ClaimKey>,
    claimed: HashSet<TicketKey>,
}

impl Keys {
    /// The keys that an event names; those that it makes only if they are `looked_for`.
    pub(super) fn add(&mut self, pool: &PoolId, fact: &PoolEvent, looked_for: bool) {
        let (claim, ticket) = named_by(fact);
        let claim = claim.map(|id| (pool.clone(), id));
        let ticket = ticket.map(|id| (pool.clone(), id));
        if let PoolEvent::TicketClaimed(claimed) = fact {
            let replaced = claimed.replaces.map(|id| (pool.clone(), id));
            let replaces = replaced.is_some();
            self.tickets
                .extend(replaced.filter(|key| !self.claimed.contains(key)));
            if !looked_for {
                self.claimed.extend(ticket.clone());
                if !replaces && claim.as_ref().is_some_and(|key| !self.claims.contains(key)) {
                    self.made.extend(claim.clone());
                }
            }
        }
        self.claims
            .extend(claim.filter(|key| !self.made.contains(key)));
        self.tickets
            .extend(ticket.filter(|key| !self.claimed.contains(key)));
    }

    pub(super) fn claims(&self) -> impl Iterator<Item = &ClaimKey> {
        self.claims.iter()
    }

    pub(super) fn tickets(&self) -> impl Iterator<Item = &TicketKey> {
        self.tickets.iter()
    }
}

/// The claim and the ticket that an event is about.
pub(super) const fn named_by(fact: &PoolEvent) -> (Option<ClaimId>, Option<TicketId>) {
    match fact {
        PoolEvent::TicketClaimed(fact) => (Some(fact.claim), Some(fact.ticket)),
        PoolEvent::ClaimExtended(fact) => (Some(fact.claim), None),
        PoolEvent::TicketBought(fact) => (Some(fact.claim), Some(fact.ticket)),
        PoolEvent::TicketReleased(fact) => (Some(fact.claim), Some(fact.ticket)),
        PoolEvent::TicketRefunded(fact) => (Some(fact.claim), Some(fact.ticket)),
        PoolEvent::PoolCreated(_)
        | PoolEvent::SalesStopped(_)
        | PoolEvent::SalesResumed(_)
        | PoolEvent::PoolCancelled(_)
        | PoolEvent::CapacityChanged(_)
        | PoolEvent::PricingChanged(_)
        | PoolEvent::PoolRescheduled(_)
        | PoolEvent::LimitsChanged(_)
        | PoolEvent::CommandRefused(_) => (None, None),
    }
}
