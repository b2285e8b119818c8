//! Who holds and who bought which tickets, until when, and which claims are dead.

mod claim;
mod evolve;
mod snapshot;

use std::{hash::BuildHasher as _, time::Duration};

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use onsale_shared::{
    event::ReleaseCause,
    id::{ClaimId, TicketId},
    text::Reference,
    time::Timestamp,
};

pub use claim::{Claim, DeadTicket, Death, Note, Ticket, TicketState, Tickets, Void};

use super::journaled_by;
use crate::domain::journal::{Cell, Map, Queue, Set};

/// The claims of a pool and their tickets.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    by_id: Map<ClaimId, Box<Claim>>,
    /// The claim of each ticket that was bought, also of those that were refunded since.
    by_ticket: Map<TicketId, ClaimId>,
    /// Claims that hold tickets, the next to end first.
    deadlines: Set<Deadline>,
    /// Claims that hold tickets, by whose they are; in the order of their ids.
    holders: Map<Fingerprint, SmallVec<[ClaimId; 1]>>,
    /// What voided claims, oldest first. A claim of an earlier epoch than their number is dead: an epoch compared, not
    /// a walk over the claims.
    voids: Queue<Void>,
    /// Claims that ended without a sold ticket, to be forgotten. One that was paid late since has a later end, or none.
    ended: Queue<(Timestamp, ClaimId)>,
    /// What ended before is forgotten, whether it has been cleared away or not: a matter of the events alone.
    forgotten_before: Cell<Timestamp>,
    /// How long a claim can be paid late: as long it is not forgotten.
    late_purchase_window: Cell<Duration>,
}

/// Ordered so that voided claims come first, then those whose deadline is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Deadline {
    epoch: u32,
    time: Timestamp,
    claim: ClaimId,
}

/// 64 bits of a customer's reference: compared without a look at the text. Two customers may share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Fingerprint(u64);

impl Fingerprint {
    fn of(customer: &Reference) -> Self {
        Self(FixedState::with_seed(0).hash_one(customer))
    }
}

journaled_by!(
    Claims,
    by_id,
    by_ticket,
    deadlines,
    holders,
    voids,
    ended,
    forgotten_before,
    late_purchase_window
);

impl Claims {
    /// How long a claim without sold tickets is remembered after its end at least, in event time.
    pub const KEPT_FOR: Duration = Duration::from_hours(24);

    /// The claim, while it is known.
    #[must_use]
    pub fn get(&self, id: ClaimId) -> Option<&Claim> {
        let claim = self.by_id.get(&id)?;
        (!self.is_forgotten(claim)).then_some(&**claim)
    }

    fn is_forgotten(&self, claim: &Claim) -> bool {
        claim.is_over() && claim.ended_at < *self.forgotten_before.get()
    }

    /// The claim that bought a ticket, while it is known.
    #[must_use]
    pub fn of_ticket(&self, ticket: TicketId) -> Option<(ClaimId, &Claim)> {
        let id = *self.by_ticket.get(&ticket)?;
        Some((id, self.get(id)?))
    }

    /// Why the claim is dead at `at`, swept or not; none while it is live or was finished by its customer.
    #[must_use]
    pub fn death(&self, claim: &Claim, at: Timestamp) -> Option<Death> {
        let released = |cause| claim.has(TicketState::Released(cause));
        let holds = claim.has(TicketState::Held);
        let is_void_by = |void: &&Void| {
            let was_released = released(ReleaseCause::Stopped) || released(ReleaseCause::Cancelled);
            (holds && void.ends(claim)) || was_released
        };
        if let Some(void) = self.next_void(claim.epoch).filter(is_void_by) {
            return Some(Death::Voided(*void));
        }
        let expired = (holds && claim.expire_time <= at) || released(ReleaseCause::Expired);
        expired.then_some(Death::Expired)
    }

    /// What came after the claims of an epoch: at the latest it ended them.
    fn next_void(&self, epoch: u32) -> Option<&Void> {
        self.voids.get(usize::try_from(epoch).ok()?)
    }

    /// The held tickets of dead claims, the longest dead first. Costs as much as is taken of it.
    pub fn dead_tickets(&self, at: Timestamp) -> impl Iterator<Item = DeadTicket> {
        self.deadlines
            .iter()
            .map_while(move |deadline| {
                let is_dead = deadline.time <= at || self.next_void(deadline.epoch).is_some();
                is_dead.then(|| self.dead_tickets_of(deadline.claim, at))
            })
            .flatten()
    }

    /// The held tickets of one claim, if it is dead.
    pub fn dead_tickets_of(
        &self,
        id: ClaimId,
        at: Timestamp,
    ) -> impl Iterator<Item = DeadTicket> + use<'_> {
        let claim = self.get(id);
        claim.into_iter().flat_map(move |claim| {
            let void = self.next_void(claim.epoch);
            let is_dead = void.is_some() || claim.expire_time <= at;
            let (cause, caused_by) = match void.filter(|void| void.ends(claim)) {
                Some(void) => (void.cause, void.event),
                None => (ReleaseCause::Expired, claim.first_event),
            };
            let held = is_dead.then(|| claim.held()).into_iter().flatten();
            held.map(move |ticket| DeadTicket {
                claim: id,
                ticket,
                customer: claim.customer.clone(),
                cause,
                caused_by,
                expire_time: claim.expire_time,
            })
        })
    }

    /// The held tickets of a customer's dead claims. Costs as much as the customer has claims that hold tickets.
    pub fn dead_tickets_for(
        &self,
        customer: &Reference,
        at: Timestamp,
    ) -> impl Iterator<Item = DeadTicket> + use<'_> {
        let own = self.holders.get(&Fingerprint::of(customer));
        let own = own.into_iter().flatten();
        let tickets = own.flat_map(move |claim| self.dead_tickets_of(*claim, at));
        let customer = customer.clone();
        tickets.filter(move |ticket| ticket.customer == customer)
    }

    /// When the next claim ends; a moment in the past if one waits to be swept.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let first = self.deadlines.first()?;
        let void = self.next_void(first.epoch);
        Some(void.map_or(first.time, |void| void.time.min(first.time)))
    }

    /// All claims, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&ClaimId, &Claim)> {
        self.by_id.iter().map(|(id, claim)| (id, &**claim))
    }
}
