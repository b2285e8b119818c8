//! What an actor decided together, on its way to the log.

use onsale_shared::{
    event::{CommandHash, CommandMetadata, Metadata, PoolEvent, Source, encode},
    id::RequestId,
    log::{Group, NewEvent, StreamName, Version},
    time::Timestamp,
};

use super::call::{Answer, Call, Caller};
use crate::domain::{Entry, Fact, Pool, Rejection, journal::Mark};

/// Commands that were decided one after the other, and their events.
#[derive(Debug)]
pub struct Batch {
    /// Its name in the pool's journal.
    pub mark: Mark,
    /// The version that it was decided on.
    pub base: Version,
    /// What its callers will get when it is known to be true.
    pub decided: Vec<Decided>,
    /// What is to be appended; empty if it holds only answers, and when it is on its way.
    pub events: Vec<NewEvent>,
    /// The same events, before they were written down.
    facts: Vec<PoolEvent>,
    /// How many places of dead claims it gives back, nobody asking.
    pub swept: usize,
    /// The version after its events.
    last: Version,
    /// Whether the actor was asked to look at the log.
    pub touched: bool,
}

/// A call with its answer, which rests on the batch.
#[derive(Debug)]
pub struct Decided {
    /// Who waits.
    pub call: Call,
    /// What he gets.
    pub answer: Result<Answer, Rejection>,
    /// Whether the batch has events of it.
    pub records: bool,
}

/// Whose events are added.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The command; none for what the server does by itself.
    pub request: Option<(RequestId, CommandHash)>,
    /// Who sent it.
    pub caller: &'a Caller,
    /// Who decided.
    pub source: &'a Source,
}

impl Batch {
    /// Nothing yet, on top of `base`.
    #[must_use]
    pub const fn new(mark: Mark, base: Version) -> Self {
        Self {
            mark,
            base,
            decided: Vec::new(),
            events: Vec::new(),
            facts: Vec::new(),
            swept: 0,
            last: base,
            touched: false,
        }
    }

    /// Whether there is nothing to append, to answer or to look at.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty() && self.decided.is_empty() && !self.touched
    }

    /// The version after its events.
    #[must_use]
    pub const fn last_version(&self) -> Version {
        self.last
    }

    /// What it records is about to be sent; `false` if a caller gave up before, and it is to be decided without him.
    #[must_use]
    pub fn take_calls(&self) -> bool {
        let mut recorded = self.decided.iter().filter(|decided| decided.records);
        recorded.all(|decided| decided.call.stage.take())
    }

    /// What is appended: taken out of the batch, which goes on to say who waits for it.
    #[must_use]
    pub fn take_group(&mut self, stream: &StreamName) -> Group {
        Group::of_stream(stream.clone(), self.base, std::mem::take(&mut self.events))
    }

    /// What is appended, before it was written down; once.
    #[must_use]
    pub fn take_facts(&mut self) -> Vec<PoolEvent> {
        std::mem::take(&mut self.facts)
    }

    /// Adds the facts of one decision, and folds them into the pool.
    ///
    /// # Errors
    /// A fact cannot be written down, which is a defect; nothing was added.
    pub fn add(
        &mut self,
        pool: &mut Pool,
        facts: Vec<Fact>,
        time: Timestamp,
        author: Author<'_>,
    ) -> Result<(), serde_json::Error> {
        let written = write(&facts, time, author)?;
        self.events.extend(written);
        fold(pool, &facts, time, author);
        self.facts.extend(facts.into_iter().map(|fact| fact.event));
        self.last = pool.version();
        Ok(())
    }
}

/// Folds facts that are on their way into the log.
pub fn fold(pool: &mut Pool, facts: &[Fact], time: Timestamp, author: Author<'_>) {
    let (id, hash) = author.request.unzip();
    let mut first = Some(author.caller.actor.as_str());
    for fact in facts {
        pool.evolve(&Entry {
            event: &fact.event,
            id: fact.id,
            version: pool.version().next(),
            position: None,
            time,
            request: id,
            command_hash: hash,
            actor: first.take(),
        });
    }
}

fn write(
    facts: &[Fact],
    time: Timestamp,
    author: Author<'_>,
) -> Result<Vec<NewEvent>, serde_json::Error> {
    let mut first = Some(CommandMetadata {
        command_hash: author.request.map(|(_, hash)| hash),
        correlation_id: author.caller.correlation_id.clone(),
        traceparent: author.caller.traceparent.clone(),
        actor: author.caller.actor.clone(),
        source: author.source.clone(),
    });
    let mut origin = author.caller.origin.clone();
    facts
        .iter()
        .map(|fact| {
            let encoded = encode(&fact.event)?;
            let metadata = Metadata {
                request_id: author.request.map(|(id, _)| id),
                causation_id: fact.cause,
                command: first.take(),
            };
            Ok(NewEvent {
                id: fact.id,
                kind: encoded.kind,
                schema: encoded.schema,
                time,
                data: encoded.data,
                metadata: metadata.to_json()?,
                origin: origin.take(),
            })
        })
        .collect()
}
