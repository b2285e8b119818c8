//! A claim and its tickets.

use std::sync::Arc;

use onsale_shared::{
    event::{Labels, ReleaseCause, TicketClaimed},
    id::{ClaimId, EventId, TicketId},
    money::Minor,
    text::Reference,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

use crate::domain::fact::Entry;

/// Tickets held or bought by one customer at one price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// For whom.
    pub customer: Reference,
    /// The locked price of one ticket.
    pub unit_price: Minor,
    /// Which of the pool's price rules set the price.
    pub pricing_version: u32,
    /// How many stops had voided claims when it came into being, or when it was last paid late.
    pub(super) epoch: u32,
    /// The deadline.
    pub expire_time: Timestamp,
    /// Whether its one extension is used up.
    pub extended: bool,
    /// Given away by the promoter.
    pub granted: bool,
    /// When it last came to an end without a sold ticket; it is forgotten for that, unless it was paid late since.
    pub(super) ended_at: Timestamp,
    /// What the caller said of it, and what else is seldom to be said.
    pub note: Option<Arc<Note>>,
    /// The tickets, in the order in which they were claimed.
    pub tickets: Tickets,
    /// Its first event: the cause of what becomes of it.
    pub first_event: EventId,
}

/// The tickets of a claim: most often one or two, which then need no memory of their own.
pub type Tickets = SmallVec<[Ticket; 2]>;

/// What is seldom to be said of a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The caller's reference.
    pub reference: Option<Reference>,
    /// The caller's labels.
    pub labels: Labels,
    /// The deadline at which its tickets expired, if some of them were paid late since: the others are no younger for it.
    pub(super) expired_at: Option<Timestamp>,
}

/// One ticket of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Which.
    pub id: TicketId,
    /// What became of it.
    pub state: TicketState,
}

/// What became of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketState {
    /// In the claim.
    Held,
    /// Bought.
    Bought,
    /// Back in the stock, before it was bought.
    Released(ReleaseCause),
    /// Back in the stock at its deadline; paid late, and another ticket of the claim stands in its place.
    Replaced,
    /// Back in the stock, after it was bought.
    Refunded,
}

/// How a claim ended, or would end when it is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Its deadline passed.
    Expired,
    /// A stop, or the end of the pool, voided it.
    Voided(Void),
}

/// What ended all claims that were live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Void {
    /// The event.
    pub event: EventId,
    /// When.
    pub time: Timestamp,
    /// As what the tickets are released: `Stopped` or `Cancelled`.
    pub cause: ReleaseCause,
}

/// A held ticket of a dead claim: its place is free for whoever needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadTicket {
    /// Its claim.
    pub claim: ClaimId,
    /// Which.
    pub ticket: TicketId,
    /// Whose.
    pub customer: Reference,
    /// Why it is dead.
    pub cause: ReleaseCause,
    /// The event that led to its release.
    pub caused_by: EventId,
    /// The deadline that it had.
    pub expire_time: Timestamp,
}

impl Void {
    /// Whether it came before the deadline. A claim that is past it has expired, whether it was swept by then or not.
    pub(super) fn ends(&self, claim: &Claim) -> bool {
        self.time < claim.expire_time
    }
}

impl Claim {
    pub(super) fn new(claimed: &TicketClaimed, entry: &Entry<'_>, epoch: u32) -> Self {
        let is_noted = claimed.reference.is_some() || !claimed.labels.is_empty();
        let note = is_noted.then(|| {
            Arc::new(Note {
                reference: claimed.reference.clone(),
                labels: claimed.labels.clone(),
                expired_at: None,
            })
        });
        Self {
            customer: claimed.customer.clone(),
            unit_price: claimed.unit_price,
            pricing_version: claimed.pricing_version,
            epoch,
            expire_time: claimed.expire_time,
            extended: false,
            granted: claimed.granted,
            ended_at: Timestamp::default(),
            note,
            tickets: smallvec![Ticket::held(claimed.ticket)],
            first_event: entry.id,
        }
    }

    /// The caller's reference.
    #[must_use]
    pub fn reference(&self) -> Option<&Reference> {
        self.note.as_ref()?.reference.as_ref()
    }

    /// The caller's labels.
    #[must_use]
    pub fn labels(&self) -> Labels {
        let note = self.note.as_ref();
        note.map(|note| note.labels.clone()).unwrap_or_default()
    }

    /// When the tickets expired that did, or will that are held: payments are late from then on.
    #[must_use]
    pub fn expired_at(&self) -> Timestamp {
        let expired_at = self.note.as_ref().and_then(|note| note.expired_at);
        expired_at.unwrap_or(self.expire_time)
    }

    /// Paid late: what is claimed in the place of expired tickets has a deadline of its own.
    pub(super) fn renew(&mut self, epoch: u32, expire_time: Timestamp) {
        let expired_at = self.expired_at();
        Arc::make_mut(self.note.get_or_insert_default()).expired_at = Some(expired_at);
        (self.epoch, self.expire_time) = (epoch, expire_time);
    }

    /// The tickets that are held.
    pub fn held(&self) -> impl Iterator<Item = TicketId> {
        self.in_state(TicketState::Held)
    }

    /// The tickets that are in a state.
    pub fn in_state(&self, state: TicketState) -> impl Iterator<Item = TicketId> {
        let tickets = self.tickets.iter();
        tickets
            .filter(move |ticket| ticket.state == state)
            .map(|ticket| ticket.id)
    }

    /// Whether a ticket is in a state.
    #[must_use]
    pub fn has(&self, state: TicketState) -> bool {
        self.in_state(state).next().is_some()
    }

    /// One of its tickets.
    #[must_use]
    pub fn ticket(&self, id: TicketId) -> Option<&Ticket> {
        self.tickets.iter().find(|ticket| ticket.id == id)
    }

    /// It holds nothing and has bought nothing that it still has.
    pub(super) fn is_over(&self) -> bool {
        !self.has(TicketState::Held) && !self.has(TicketState::Bought)
    }

    pub(super) fn ticket_mut(&mut self, id: TicketId) -> Option<&mut Ticket> {
        self.tickets.iter_mut().find(|ticket| ticket.id == id)
    }
}

impl Ticket {
    pub(super) const fn held(id: TicketId) -> Self {
        let state = TicketState::Held;
        Self { id, state }
    }
}
