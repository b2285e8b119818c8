//! Which tickets a pool holds and has sold: what is bought, released or refunded must be one of them. Counts alone would
//! take any ticket.

use onsale_shared::{event::PoolEvent, gradual_map::GradualMap, id::TicketId};

use super::evolve::Contradiction;
use crate::pool::Counts;

/// The tickets that a pool holds and has sold. Those that were there already where this process began to read are known by
/// number, not by name: as many that nobody saw before are let pass.
#[derive(Debug)]
pub(super) struct Tickets {
    held: Known,
    sold: Known,
}

/// Tickets of one kind. Half of an id is enough to tell them apart, and half the memory, if all of it goes in.
#[derive(Debug)]
struct Known {
    seen: GradualMap<u64, ()>,
    unseen: u32,
}

impl Tickets {
    /// So many are there already.
    pub(super) fn unseen(counts: Counts) -> Self {
        Self {
            held: Known::unseen(counts.held()),
            sold: Known::unseen(counts.sold()),
        }
    }

    /// Follows a fact.
    pub(super) fn apply(&mut self, fact: &PoolEvent) -> Result<(), Contradiction> {
        match fact {
            PoolEvent::TicketClaimed(claimed) => {
                let is_new = !self.sold.has(claimed.ticket) && self.held.add(claimed.ticket);
                is_new.then_some(()).ok_or(Contradiction::ClaimedAlready)
            }
            PoolEvent::TicketBought(bought) => {
                let was_held = self.held.take(bought.ticket);
                was_held
                    .map_err(|none| none.or(Contradiction::NoneHeld, Contradiction::NotHeld))?;
                self.sold.add(bought.ticket);
                Ok(())
            }
            PoolEvent::TicketReleased(released) => {
                let was_held = self.held.take(released.ticket);
                was_held.map_err(|none| none.or(Contradiction::NoneHeld, Contradiction::NotHeld))
            }
            PoolEvent::TicketRefunded(refunded) => {
                let was_sold = self.sold.take(refunded.ticket);
                was_sold.map_err(|none| none.or(Contradiction::NoneSold, Contradiction::NotSold))
            }
            PoolEvent::PoolCreated(_)
            | PoolEvent::ClaimExtended(_)
            | PoolEvent::SalesStopped(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::PoolCancelled(_)
            | PoolEvent::CapacityChanged(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::LimitsChanged(_)
            | PoolEvent::CommandRefused(_) => Ok(()),
        }
    }
}

/// A ticket is not among those known.
#[derive(Debug)]
struct Unknown {
    /// There is none at all.
    none: bool,
}

impl Unknown {
    const fn or(self, if_none: Contradiction, else_other: Contradiction) -> Contradiction {
        if self.none { if_none } else { else_other }
    }
}

impl Known {
    fn unseen(unseen: u32) -> Self {
        Self {
            seen: GradualMap::default(),
            unseen,
        }
    }

    fn has(&self, ticket: TicketId) -> bool {
        self.seen.get(&half(ticket)).is_some()
    }

    /// Whether it was not there before.
    fn add(&mut self, ticket: TicketId) -> bool {
        self.seen.insert(half(ticket), ()).is_none()
    }

    fn take(&mut self, ticket: TicketId) -> Result<(), Unknown> {
        if self.seen.remove(&half(ticket)).is_some() {
            return Ok(());
        }
        let none = self.seen.is_empty();
        self.unseen = self.unseen.checked_sub(1).ok_or(Unknown { none })?;
        Ok(())
    }
}

/// 64 bits of an id of version 7. Its lower half alone is random in 46 bits only, beside a counter that is nearly the same
/// in every order: of a million tickets two would be taken for one another in one sale of 140. So the time and the random
/// bits of its upper half go in, too, spread over all bits.
fn half(ticket: TicketId) -> u64 {
    let (upper, lower) = ticket.0.as_u64_pair();
    lower ^ upper.wrapping_mul(SPREADS)
}

/// 2^64 divided by the golden ratio; odd, so that no two products are equal (Knuth, The Art of Computer Programming, 6.4).
const SPREADS: u64 = 0x9E37_79B9_7F4A_7C15;
