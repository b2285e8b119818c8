//! How many tickets a customer may still have. Nobody is told that his limit is reached because of claims that are dead
//! and not yet swept.

use onsale_shared::{text::Reference, time::Timestamp};

use crate::domain::{
    Rejection,
    partials::{Claims, Customers, DeadTicket},
};

/// What a customer has and may have.
pub(super) struct Allowance {
    requested: u32,
    /// Held and bought, without what dead claims hold.
    has: u32,
    max: u32,
    /// His own dead tickets that have to go back, so that the log never shows more than his limit.
    dead: Vec<DeadTicket>,
}

impl Allowance {
    pub(super) fn of(
        (customers, claims): (&Customers, &Claims),
        customer: &Reference,
        requested: u32,
        max: u32,
        at: Timestamp,
    ) -> Self {
        let has = customers.tickets(customer);
        let excess = has.saturating_add(requested).saturating_sub(max);
        // Most orders are within the limit, and need not look.
        let dead: Vec<_> = if excess == 0 {
            Vec::new()
        } else {
            claims.dead_tickets_for(customer, at).collect()
        };
        let has = has.saturating_sub(u32::try_from(dead.len()).unwrap_or(u32::MAX));
        let needed = usize::try_from(excess).unwrap_or(usize::MAX);
        let dead = dead.into_iter().take(needed).collect();
        Self {
            requested,
            has,
            max,
            dead,
        }
    }

    /// # Errors
    /// The customer would have too many.
    pub(super) fn check(&self) -> Result<(), Rejection> {
        let Self {
            requested,
            has,
            max,
            dead: _,
        } = *self;
        if has.saturating_add(requested) > max {
            return Err(Rejection::CustomerLimitExceeded {
                requested,
                has,
                max,
            });
        }
        Ok(())
    }

    /// The customer's own tickets that go back first.
    pub(super) fn dead(&self) -> &[DeadTicket] {
        &self.dead
    }
}
