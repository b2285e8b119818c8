//! Are recorded events what the rules make of their command, on the history before them and at their time? Ids and all:
//! a decision takes its ids from one block, one after the other. Events that were decided on another history, which only
//! had as many events, are not.

use onsale_command_service::domain::{Decision, Pool, Request, decide};
use onsale_shared::{
    event::{CommandHash, Metadata, PoolEvent},
    id::Ids,
    log::RecordedEvent,
};

use super::Command;

/// An event that could be read.
#[derive(Debug)]
pub(super) struct Decoded<'a> {
    pub(super) recorded: &'a RecordedEvent,
    pub(super) event: PoolEvent,
    pub(super) metadata: Metadata,
}

impl Decoded<'_> {
    /// Whether it says that its command was refused for good.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self.event, PoolEvent::CommandRefused(_))
    }
}

/// What is wrong with the events of a command, if anything is; `pool` is before them.
pub(super) fn check(pool: &Pool, command: &Command, events: &[Decoded<'_>]) -> Option<String> {
    let first = events.first()?.recorded;
    let request = Request {
        id: command.id,
        hash: CommandHash(0),
        is_repeat: events.first()?.is_refusal(),
        command: command.asked.clone(),
    };
    let mut ids = Ids::from(first.id.0);
    let name = command.asked.name();
    let facts = match decide(pool, &request, first.time, &mut ids) {
        Ok(Decision::Record(facts) | Decision::Refuse(facts, _)) => facts,
        Ok(Decision::Repeat(_) | Decision::SweepFirst) => {
            return Some(format!("{name} could not be decided there"));
        }
        Err(rejection) => {
            let reason = rejection.reason();
            return Some(format!("{name} would have been refused there: {reason}"));
        }
    };
    if facts.len() != events.len() {
        let (recorded, decided) = (events.len(), facts.len());
        return Some(format!(
            "{name} has {recorded} events and would have {decided}"
        ));
    }
    let mut pairs = facts.iter().zip(events);
    let other = pairs.find(|(fact, event)| {
        fact.id != event.recorded.id
            || fact.event != event.event
            || fact.cause != event.metadata.causation_id
            || first.time != event.recorded.time
    })?;
    Some(format!(
        "{name} recorded {:?} and would have recorded {:?}",
        other.1.event, other.0.event
    ))
}
