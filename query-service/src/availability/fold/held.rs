//! Which tickets a pool holds: what is bought or released must be one of them. Counts alone would take any ticket.

use std::collections::HashSet;

use onsale_shared::{event::PoolEvent, id::TicketId};

use super::evolve::Contradiction;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Held {
    seen: HashSet<TicketId>,
    /// Tickets that were held already where this process began to read: how many, not which. As many tickets that
    /// nobody saw claimed are let pass.
    unseen: u32,
}

impl Held {
    /// So many are held already.
    pub(super) fn unseen(held: u32) -> Self {
        Self {
            seen: HashSet::new(),
            unseen: held,
        }
    }

    /// Follows a fact.
    pub(super) fn apply(&mut self, fact: &PoolEvent) -> Result<(), Contradiction> {
        match fact {
            PoolEvent::TicketClaimed(claimed) => {
                let is_new = self.seen.insert(claimed.ticket);
                is_new.then_some(()).ok_or(Contradiction::HeldAlready)
            }
            PoolEvent::TicketBought(bought) => self.end(bought.ticket),
            PoolEvent::TicketReleased(released) => self.end(released.ticket),
            PoolEvent::PoolCreated(_)
            | PoolEvent::ClaimExtended(_)
            | PoolEvent::TicketRefunded(_)
            | PoolEvent::SalesStopped(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::PoolCancelled(_)
            | PoolEvent::CapacityChanged(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::LimitsChanged(_) => Ok(()),
        }
    }

    fn end(&mut self, ticket: TicketId) -> Result<(), Contradiction> {
        if self.seen.remove(&ticket) {
            return Ok(());
        }
        let nothing = self.seen.is_empty();
        let rest = self.unseen.checked_sub(1);
        self.unseen = rest.ok_or(if nothing {
            Contradiction::NoneHeld
        } else {
            Contradiction::NotHeld
        })?;
        Ok(())
    }
}
