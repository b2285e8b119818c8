//! Events on claims and tickets: pure, synchronous and total. What contradicts a claim on the command side contradicts
//! it here: the event is left out, and the rows that it names are marked.

use onsale_shared::{
    event::{
        ClaimExtended, PoolEvent, ReleaseCause, StopMode, TicketBought, TicketClaimed,
        TicketRefunded, TicketReleased,
    },
    id::{ClaimId, PoolId, TicketId},
    log::Position,
    time::Timestamp,
};

use super::{
    keys::{ClaimKey, TicketKey, named_by},
    rows::Rows,
};
use crate::read_models::claims::{ClaimCounts, ClaimRow, TicketRow, TicketState, VoidRow};

/// The rows that a batch of events concerns, while it is folded.
#[derive(Debug)]
pub(super) struct Fold {
    claims: Rows<ClaimKey, ClaimRow>,
    tickets: Rows<TicketKey, TicketRow>,
    voids: Vec<VoidRow>,
    contradicted: bool,
}

/// Where and when something happened.
#[derive(Clone, Copy, Debug)]
struct At {
    position: Position,
    time: Timestamp,
}

/// The event cannot have happened to these rows.
#[derive(Debug)]
struct Contradiction;

impl Fold {
    /// On rows as the tables have them: all that are there of those that the batch concerns.
    pub(super) fn of(claims: Vec<ClaimRow>, tickets: Vec<TicketRow>) -> Self {
        Self {
            claims: Rows::stored(claims, |row| (row.pool.clone(), row.id)),
            tickets: Rows::stored(tickets, |row| (row.pool.clone(), row.id)),
            voids: Vec::new(),
            contradicted: false,
        }
    }

    /// The claims to insert and to update.
    pub(super) fn claims(&self) -> (Vec<&ClaimRow>, Vec<&ClaimRow>) {
        self.claims.written(|row| row.position)
    }

    /// The tickets to insert and to update.
    pub(super) fn tickets(&self) -> (Vec<&TicketRow>, Vec<&TicketRow>) {
        self.tickets.written(|row| row.position)
    }

    /// Whether an event contradicts the rows, as far as they are known.
    pub(super) const fn contradicted(&self) -> bool {
        self.contradicted
    }

    /// What voided claims.
    pub(super) fn voids(&self) -> &[VoidRow] {
        &self.voids
    }

    /// One event, the next one of the log. One that the rows include already changes nothing.
    pub(super) fn apply(
        &mut self,
        pool: &PoolId,
        position: Position,
        time: Timestamp,
        fact: &PoolEvent,
    ) {
        let at = At { position, time };
        let (claim, ticket) = named_by(fact);
        let claim = claim.map(|id| (pool.clone(), id));
        let ticket = ticket.map(|id| (pool.clone(), id));
        let claim_at = claim.as_ref().and_then(|key| self.claims.get(key));
        let ticket_at = ticket.as_ref().and_then(|key| self.tickets.get(key));
        let included = claim_at
            .map(|row| row.last_position)
            .max(ticket_at.map(|row| row.last_position));
        if included >= Some(position) {
            return;
        }
        let contradicts = self.evolve(pool, fact, at).is_err();
        self.contradicted |= contradicts;
        if let Some(claim) = claim.and_then(|key| self.claims.change(&key)) {
            claim.last_position = position;
            claim.update_time = time;
            claim.corrupted |= contradicts;
        }
        if let Some(ticket) = ticket.and_then(|key| self.tickets.change(&key)) {
            ticket.last_position = position;
            ticket.corrupted |= contradicts;
        }
    }

    fn evolve(&mut self, pool: &PoolId, fact: &PoolEvent, at: At) -> Result<(), Contradiction> {
        match fact {
            PoolEvent::TicketClaimed(fact) => self.claimed(pool, fact, at),
            PoolEvent::ClaimExtended(fact) => self.extended(pool, fact),
            PoolEvent::TicketBought(fact) => self.bought(pool, fact, at),
            PoolEvent::TicketReleased(fact) => self.released(pool, fact, at),
            PoolEvent::TicketRefunded(fact) => self.refunded(pool, fact, at),
            PoolEvent::SalesStopped(stopped) => {
                match stopped.mode {
                    StopMode::VoidClaims => self.void(pool, ReleaseCause::Stopped, at),
                    StopMode::FinishClaims => {}
                }
                Ok(())
            }
            PoolEvent::PoolCancelled(_) => {
                self.void(pool, ReleaseCause::Cancelled, at);
                Ok(())
            }
            PoolEvent::PoolCreated(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::CapacityChanged(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::LimitsChanged(_)
            | PoolEvent::CommandRefused(_) => Ok(()),
        }
    }

    /// The tickets of live claims will be released as `cause` says.
    fn void(&mut self, pool: &PoolId, cause: ReleaseCause, at: At) {
        self.voids.push(VoidRow {
            pool: pool.clone(),
            position: at.position,
            time: at.time,
            cause,
        });
    }

    fn claimed(
        &mut self,
        pool: &PoolId,
        fact: &TicketClaimed,
        at: At,
    ) -> Result<(), Contradiction> {
        let claim = (pool.clone(), fact.claim);
        let ticket = (pool.clone(), fact.ticket);
        // A ticket lives once.
        if self.tickets.get(&ticket).is_some() {
            return Err(Contradiction);
        }
        let replaced = fact.replaces.map(|id| (pool.clone(), id));
        if let Some(replaced) = &replaced {
            let replaced = self.tickets.get(replaced).ok_or(Contradiction)?;
            let may_be = replaced.claim == fact.claim
                && replaced.release_cause == Some(ReleaseCause::Expired)
                && replaced.replaced_by.is_none();
            may_be.then_some(()).ok_or(Contradiction)?;
        }
        match self.claims.get(&claim) {
            // A claim that is done gets a ticket only in the place of one that had expired.
            Some(known) => (known.customer == fact.customer
                && (known.counts.held > 0 || replaced.is_some()))
            .then_some(())
            .ok_or(Contradiction)?,
            None if replaced.is_some() => return Err(Contradiction),
            None => self.claims.add(claim.clone(), new_claim(pool, fact, at)),
        }
        let row = self.claims.change(&claim).ok_or(Contradiction)?;
        if row.counts.held == 0 {
            // It begins, or is paid late: alive once more.
            row.alive_position = at.position;
            row.expire_time = fact.expire_time;
        }
        row.counts.held = row.counts.held.saturating_add(1);
        if let Some(replaced) = replaced.and_then(|key| self.tickets.change(&key)) {
            replaced.replaced_by = Some(fact.ticket);
            replaced.last_position = at.position;
            row.counts.expired = row.counts.expired.saturating_sub(1);
            row.counts.replaced = row.counts.replaced.saturating_add(1);
        }
        self.tickets.add(ticket, new_ticket(pool, fact, at));
        Ok(())
    }

    fn extended(&mut self, pool: &PoolId, fact: &ClaimExtended) -> Result<(), Contradiction> {
        let claim = &(pool.clone(), fact.claim);
        let row = self.claims.get(claim).ok_or(Contradiction)?;
        let fits = !row.extended
            && row.expire_time == fact.old_expire_time
            && row.expire_time <= fact.expire_time
            && row.counts.held == fact.held
            && fact.held > 0;
        fits.then_some(()).ok_or(Contradiction)?;
        let row = self.claims.change(claim).ok_or(Contradiction)?;
        row.extended = true;
        row.expire_time = fact.expire_time;
        Ok(())
    }

    fn bought(&mut self, pool: &PoolId, fact: &TicketBought, at: At) -> Result<(), Contradiction> {
        let fits = |row: &ClaimRow| {
            row.customer == fact.customer
                && row.unit_price == fact.unit_price
                && row.granted == fact.granted
        };
        let (counts, ticket) =
            self.both(pool, (fact.claim, fact.ticket), TicketState::Held, fits)?;
        ticket.state = TicketState::Bought;
        ticket.buy_time = Some(at.time);
        ticket.payment_reference = fact.payment_reference.clone();
        ticket.grant_reason = fact.reason.clone();
        moved(&mut counts.held, &mut counts.bought);
        Ok(())
    }

    fn released(
        &mut self,
        pool: &PoolId,
        fact: &TicketReleased,
        at: At,
    ) -> Result<(), Contradiction> {
        let customer = fact.customer.as_ref();
        let fits = |row: &ClaimRow| customer.is_none_or(|customer| row.customer == *customer);
        let (counts, ticket) =
            self.both(pool, (fact.claim, fact.ticket), TicketState::Held, fits)?;
        ticket.state = TicketState::Released;
        ticket.release_time = Some(at.time);
        ticket.release_cause = Some(fact.cause);
        let to = match fact.cause {
            ReleaseCause::Customer | ReleaseCause::Operator => &mut counts.returned,
            ReleaseCause::Expired => &mut counts.expired,
            ReleaseCause::Stopped | ReleaseCause::Cancelled => &mut counts.voided,
        };
        moved(&mut counts.held, to);
        Ok(())
    }

    fn refunded(
        &mut self,
        pool: &PoolId,
        fact: &TicketRefunded,
        at: At,
    ) -> Result<(), Contradiction> {
        let fits = |row: &ClaimRow| {
            row.customer == fact.customer
                && row.unit_price == fact.unit_price
                && row.granted == fact.granted
        };
        let (counts, ticket) =
            self.both(pool, (fact.claim, fact.ticket), TicketState::Bought, fits)?;
        ticket.state = TicketState::Refunded;
        ticket.refund_time = Some(at.time);
        ticket.refund_reason = fact.reason.clone();
        moved(&mut counts.bought, &mut counts.refunded);
        Ok(())
    }

    /// A claim that `fits` and its ticket, which is in that state.
    fn both(
        &mut self,
        pool: &PoolId,
        (claim, ticket): (ClaimId, TicketId),
        state: TicketState,
        fits: impl Fn(&ClaimRow) -> bool,
    ) -> Result<(&mut ClaimCounts, &mut TicketRow), Contradiction> {
        let (claim, ticket) = ((pool.clone(), claim), (pool.clone(), ticket));
        let row = self.claims.get(&claim).filter(|row| fits(row));
        row.ok_or(Contradiction)?;
        let row = self.tickets.get(&ticket);
        let row = row.filter(|row| row.claim == claim.1 && row.state == state);
        row.ok_or(Contradiction)?;
        let claim = self.claims.change(&claim).ok_or(Contradiction)?;
        let ticket = self.tickets.change(&ticket).ok_or(Contradiction)?;
        Ok((&mut claim.counts, ticket))
    }
}

/// One ticket is no longer what it was.
const fn moved(from: &mut u32, to: &mut u32) {
    *from = from.saturating_sub(1);
    *to = to.saturating_add(1);
}

fn new_claim(pool: &PoolId, fact: &TicketClaimed, at: At) -> ClaimRow {
    ClaimRow {
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
        position: at.position,
        last_position: at.position,
        alive_position: at.position,
        create_time: at.time,
        update_time: at.time,
    }
}

fn new_ticket(pool: &PoolId, fact: &TicketClaimed, at: At) -> TicketRow {
    TicketRow {
        pool: pool.clone(),
        id: fact.ticket,
        claim: fact.claim,
        customer: fact.customer.clone(),
        state: TicketState::Held,
        unit_price: fact.unit_price,
        pricing_version: fact.pricing_version,
        granted: fact.granted,
        claim_time: at.time,
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
        position: at.position,
        last_position: at.position,
    }
}
