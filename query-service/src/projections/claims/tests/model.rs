//! Claims as a list of tickets each, with what each of them is: the counts of a row are counted, not kept.

use std::collections::BTreeMap;

use onsale_shared::{
    event::{PoolEvent, ReleaseCause, StopMode, TicketClaimed},
    id::{ClaimId, PoolId, TicketId},
    log::Position,
    time::Timestamp,
};

use super::Tables;
use crate::read_models::claims::{ClaimCounts, ClaimRow, TicketRow, TicketState, VoidRow};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Model {
    tables: Tables,
}

/// What became of an event.
type What = &'static str;
const CONTRADICTED: What = "contradicted";

impl Model {
    /// The tables, with what can be counted.
    pub(super) fn tables(mut self) -> Tables {
        for (key, claim) in &mut self.tables.claims {
            let tickets = self.tables.tickets.values();
            let own = tickets.filter(|ticket| ticket.pool == key.0 && ticket.claim == key.1);
            claim.counts = ClaimCounts::default();
            for ticket in own {
                let count = match (ticket.state, ticket.release_cause) {
                    (TicketState::Held, _) => &mut claim.counts.held,
                    (TicketState::Bought, _) => &mut claim.counts.bought,
                    (TicketState::Refunded, _) => &mut claim.counts.refunded,
                    (_, Some(ReleaseCause::Expired)) if ticket.replaced_by.is_some() => {
                        &mut claim.counts.replaced
                    }
                    (_, Some(ReleaseCause::Expired)) => &mut claim.counts.expired,
                    (_, Some(ReleaseCause::Stopped | ReleaseCause::Cancelled)) => {
                        &mut claim.counts.voided
                    }
                    _ => &mut claim.counts.returned,
                };
                *count += 1;
            }
        }
        self.tables
    }

    /// Applies an event, and says what became of it.
    pub(super) fn apply(
        &mut self,
        pool: &PoolId,
        position: Position,
        time: Timestamp,
        fact: &PoolEvent,
    ) -> What {
        let (claim, ticket, what) = match fact {
            PoolEvent::TicketClaimed(fact) => (
                fact.claim,
                Some(fact.ticket),
                self.claimed(pool, position, time, fact),
            ),
            PoolEvent::ClaimExtended(fact) => {
                let held = self.held(pool, fact.claim);
                let row = self.tables.claims.get_mut(&(pool.clone(), fact.claim));
                let row = row.filter(|row| {
                    !row.extended
                        && row.expire_time == fact.old_expire_time
                        && fact.expire_time >= row.expire_time
                        && held > 0
                        && held == fact.held
                });
                let what = row.map_or(CONTRADICTED, |row| {
                    row.extended = true;
                    row.expire_time = fact.expire_time;
                    "extended"
                });
                (fact.claim, None, what)
            }
            PoolEvent::TicketBought(fact) => {
                let fits = |row: &ClaimRow| {
                    (&row.customer, row.unit_price) == (&fact.customer, fact.unit_price)
                };
                let row = self.ticket(pool, fact.claim, fact.ticket, TicketState::Held, fits);
                let what = row.map_or(CONTRADICTED, |row| {
                    row.state = TicketState::Bought;
                    row.buy_time = Some(time);
                    row.payment_reference = fact.payment_reference.clone();
                    "bought"
                });
                (fact.claim, Some(fact.ticket), what)
            }
            PoolEvent::TicketReleased(fact) => {
                let fits =
                    |row: &ClaimRow| fact.customer.as_ref().is_none_or(|c| row.customer == *c);
                let row = self.ticket(pool, fact.claim, fact.ticket, TicketState::Held, fits);
                let what = row.map_or(CONTRADICTED, |row| {
                    row.state = TicketState::Released;
                    row.release_time = Some(time);
                    row.release_cause = Some(fact.cause);
                    "released"
                });
                (fact.claim, Some(fact.ticket), what)
            }
            PoolEvent::TicketRefunded(fact) => {
                let fits = |row: &ClaimRow| {
                    (&row.customer, row.unit_price) == (&fact.customer, fact.unit_price)
                };
                let row = self.ticket(pool, fact.claim, fact.ticket, TicketState::Bought, fits);
                let what = row.map_or(CONTRADICTED, |row| {
                    row.state = TicketState::Refunded;
                    row.refund_time = Some(time);
                    "refunded"
                });
                (fact.claim, Some(fact.ticket), what)
            }
            PoolEvent::SalesStopped(fact) if fact.mode == StopMode::FinishClaims => {
                return "nothing";
            }
            PoolEvent::SalesStopped(_) => {
                return self.void(pool, position, time, ReleaseCause::Stopped);
            }
            PoolEvent::PoolCancelled(_) => {
                return self.void(pool, position, time, ReleaseCause::Cancelled);
            }
            PoolEvent::PoolCreated(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::CapacityChanged(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::LimitsChanged(_)
            | PoolEvent::CommandRefused(_) => return "nothing",
        };
        if let Some(row) = self.tables.claims.get_mut(&(pool.clone(), claim)) {
            row.last_position = position;
            row.update_time = time;
            row.corrupted |= what == CONTRADICTED;
        }
        let ticket = ticket.and_then(|id| self.tables.tickets.get_mut(&(pool.clone(), id)));
        if let Some(row) = ticket {
            row.last_position = position;
            row.corrupted |= what == CONTRADICTED;
        }
        what
    }

    fn void(
        &mut self,
        pool: &PoolId,
        position: Position,
        time: Timestamp,
        cause: ReleaseCause,
    ) -> What {
        let row = VoidRow {
            pool: pool.clone(),
            position,
            time,
            cause,
        };
        self.tables.voids.insert((pool.clone(), position), row);
        "voided"
    }

    fn held(&self, pool: &PoolId, claim: ClaimId) -> u32 {
        let tickets = self.tables.tickets.values();
        let held = tickets.filter(|ticket| {
            (&ticket.pool, ticket.claim, ticket.state) == (pool, claim, TicketState::Held)
        });
        u32::try_from(held.count()).unwrap()
    }

    fn ticket(
        &mut self,
        pool: &PoolId,
        claim: ClaimId,
        ticket: TicketId,
        state: TicketState,
        fits: impl Fn(&ClaimRow) -> bool,
    ) -> Option<&mut TicketRow> {
        let claims: &BTreeMap<_, _> = &self.tables.claims;
        claims.get(&(pool.clone(), claim)).filter(|row| fits(row))?;
        let row = self.tables.tickets.get_mut(&(pool.clone(), ticket))?;
        (row.claim == claim && row.state == state).then_some(row)
    }

    fn claimed(
        &mut self,
        pool: &PoolId,
        position: Position,
        time: Timestamp,
        fact: &TicketClaimed,
    ) -> What {
        let (claim, ticket) = ((pool.clone(), fact.claim), (pool.clone(), fact.ticket));
        let held = self.held(pool, fact.claim);
        let known = self.tables.claims.get(&claim);
        let replaced = fact.replaces.map(|id| (pool.clone(), id));
        let replaced_fits = replaced.as_ref().is_none_or(|key| {
            self.tables.tickets.get(key).is_some_and(|row| {
                row.claim == fact.claim
                    && row.release_cause == Some(ReleaseCause::Expired)
                    && row.replaced_by.is_none()
            })
        });
        let claim_fits = match known {
            Some(row) => row.customer == fact.customer && (held > 0 || replaced.is_some()),
            None => replaced.is_none(),
        };
        if self.tables.tickets.contains_key(&ticket) || !replaced_fits || !claim_fits {
            return CONTRADICTED;
        }
        let row = self.tables.claims.entry(claim).or_insert_with(|| ClaimRow {
            pool: pool.clone(),
            id: fact.claim,
            customer: fact.customer.clone(),
            reference: fact.reference.clone(),
            labels: fact.labels.clone(),
            unit_price: fact.unit_price,
            pricing_version: fact.pricing_version,
            expire_time: fact.expire_time,
            counts: ClaimCounts::default(),
            granted: fact.granted,
            extended: false,
            corrupted: false,
            position,
            last_position: position,
            alive_position: position,
            create_time: time,
            update_time: time,
        });
        if held == 0 {
            row.alive_position = position;
            row.expire_time = fact.expire_time;
        }
        let row = TicketRow {
            pool: pool.clone(),
            id: fact.ticket,
            claim: fact.claim,
            customer: fact.customer.clone(),
            state: TicketState::Held,
            unit_price: fact.unit_price,
            pricing_version: fact.pricing_version,
            granted: fact.granted,
            claim_time: time,
            buy_time: None,
            payment_reference: None,
            grant_reason: None,
            release_time: None,
            release_cause: None,
            refund_time: None,
            refund_reason: None,
            replaces: fact.replaces,
            replaced_by: None,
            corrupted: false,
            position,
            last_position: position,
        };
        self.tables.tickets.insert(ticket, row);
        let Some(replaced) = replaced else {
            return "claimed";
        };
        if let Some(row) = self.tables.tickets.get_mut(&replaced) {
            row.replaced_by = Some(fact.ticket);
            row.last_position = position;
        }
        "replaced"
    }
}
