//! A payment that came after the deadline: as many new tickets, on the same claim and at its price, if there are any.

use onsale_shared::{
    event::{PoolEvent, ReleaseCause, TicketClaimed},
    id::TicketId,
    time::Timestamp,
};

use super::BuyTickets;
use crate::domain::{
    Facts, Pool, Rejection,
    commands::{allowance::Allowance, places::Places, sale_checks},
    partials::{Claim, TicketState},
};

impl BuyTickets {
    pub(super) fn buy_late(
        &self,
        claim: &Claim,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Rejection> {
        let limits = pool.limits.get().ok_or(Rejection::PoolNotFound)?.value;
        if at >= claim.expired_at().plus(limits.late_purchase_window) {
            return Err(Rejection::ClaimExpired {
                claim: self.claim,
                expire_time: claim.expired_at(),
            });
        }
        let expired = self.expired_tickets(claim)?;
        // Behind what is final.
        sale_checks::not_stopped(pool.sale.status())?;
        let requested = u32::try_from(expired.len()).unwrap_or(u32::MAX);
        let max = limits.max_tickets_per_order;
        if requested > max {
            return Err(Rejection::OrderLimitExceeded { requested, max });
        }
        let who = (&pool.customers, &pool.claims);
        let max = limits.max_tickets_per_customer;
        let allowance = Allowance::of(who, &claim.customer, requested, max, at);
        allowance.check()?;

        // All that this claim still holds goes back first: a claim is never dead in part.
        let mut dead: Vec<_> = pool.claims.dead_tickets_of(self.claim, at).collect();
        let others = allowance.dead().iter();
        dead.extend(others.filter(|ticket| ticket.claim != self.claim).cloned());
        let places = Places::find((&pool.stock, &pool.claims), dead, requested, at);
        places.check()?;

        places.release(facts);
        let expire_time = at.plus(limits.claim_duration);
        for replaced in expired {
            let ticket = facts.new_ticket();
            let claimed = TicketClaimed {
                claim: self.claim,
                ticket,
                customer: claim.customer.clone(),
                unit_price: claim.unit_price,
                pricing_version: claim.pricing_version,
                expire_time,
                reference: claim.reference().cloned(),
                labels: claim.labels(),
                replaces: Some(replaced),
                granted: false,
            };
            let claimed = facts.record(PoolEvent::TicketClaimed(claimed), Some(claim.first_event));
            facts.record(self.bought(claim, ticket, expire_time), Some(claimed));
        }
        Ok(())
    }

    /// The tickets meant: those named, or all; each had expired, swept or not, and was not replaced since.
    fn expired_tickets(&self, claim: &Claim) -> Result<Vec<TicketId>, Rejection> {
        let has_expired = |state| {
            matches!(
                state,
                TicketState::Held | TicketState::Released(ReleaseCause::Expired)
            )
        };
        if self.tickets.is_empty() {
            let tickets = claim.tickets.iter();
            let expired = tickets.filter(|ticket| has_expired(ticket.state));
            return Ok(expired.map(|ticket| ticket.id).collect());
        }
        for (index, id) in self.tickets.iter().enumerate() {
            let expired = claim.ticket(*id).filter(|ticket| has_expired(ticket.state));
            // Named once, it is spoken for: a second time there is nothing left to take its place.
            let named_before = self.tickets.iter().take(index).any(|named| named == id);
            if expired.is_none() || named_before {
                return Err(Rejection::TicketNotHeld {
                    claim: self.claim,
                    ticket: Some(*id),
                });
            }
        }
        Ok(self.tickets.clone())
    }
}
