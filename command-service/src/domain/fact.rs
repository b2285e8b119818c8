//! What a decision records, and what a fold reads.

use onsale_shared::{
    event::{CommandHash, PoolEvent},
    id::{ClaimId, EventId, Ids, RequestId, TicketId},
    log::{Position, Version},
    time::Timestamp,
};

/// An event that was decided and is not in the log yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub event: PoolEvent,
    /// The event that led to it.
    pub cause: Option<EventId>,
}

/// The facts of one decision, in the making.
#[derive(Debug)]
pub struct Facts<'a> {
    ids: &'a mut Ids,
    facts: Vec<Fact>,
}

impl<'a> Facts<'a> {
    /// None yet.
    pub const fn new(ids: &'a mut Ids) -> Self {
        Self {
            ids,
            facts: Vec::new(),
        }
    }

    /// Adds a fact and returns its id.
    pub fn record(&mut self, event: PoolEvent, cause: Option<EventId>) -> EventId {
        let id = self.ids.event();
        self.facts.push(Fact { id, event, cause });
        id
    }

    /// A new claim's id.
    pub const fn new_claim(&mut self) -> ClaimId {
        self.ids.claim()
    }

    /// A new ticket's id.
    pub const fn new_ticket(&mut self) -> TicketId {
        self.ids.ticket()
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.facts.len()
    }

    /// The facts.
    pub fn into_vec(self) -> Vec<Fact> {
        self.facts
    }
}

/// An event with its place, as `evolve` reads it; from the log, or just decided.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What happened.
    pub event: &'a PoolEvent,
    /// The event's id.
    pub id: EventId,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the log; not known before it is there.
    pub position: Option<Position>,
    /// When it was decided.
    pub time: Timestamp,
    /// The command that it belongs to; none for what the server did by itself.
    pub request: Option<RequestId>,
    /// Of that command; on its first event.
    pub command_hash: Option<CommandHash>,
    /// Who sent that command; on its first event.
    pub actor: Option<&'a str>,
}
