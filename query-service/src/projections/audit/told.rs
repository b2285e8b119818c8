//! What is told of a command once, on its first event, and holds for all of its events.

use std::{net::IpAddr, sync::Arc};

use onsale_shared::{
    event::Metadata,
    id::RequestId,
    log::{Origin, Position, RecordedEvent, StreamName},
    time::Timestamp,
};

/// Who sent a command, from where, in which conversation, and who decided it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) actor: Option<Arc<str>>,
    pub(crate) correlation: Option<Arc<str>>,
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) ip: Option<IpAddr>,
}

/// The last event, and what holds for its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) position: Position,
    pub(crate) stream: StreamName,
    pub(crate) time: Timestamp,
    pub(crate) request: Option<RequestId>,
    /// How many events of the command came before this one.
    pub(crate) step: i16,
    pub(crate) who: Arc<Who>,
}

impl Told {
    /// What an event says by itself.
    pub(super) fn first(
        event: &RecordedEvent,
        metadata: &Metadata,
        origin: Option<&Origin>,
    ) -> Self {
        let command = metadata.command.as_ref();
        let who = command.map_or_else(Who::default, |command| Who {
            actor: Some(command.actor.as_str().into()),
            correlation: command.correlation_id.as_deref().map(Into::into),
            instance: Some(command.source.instance.as_str().into()),
            ip: origin.and_then(|origin| origin.ip),
        });
        Self {
            position: event.position,
            stream: event.stream.clone(),
            time: event.time,
            request: metadata.request_id,
            step: 0,
            who: Arc::new(who),
        }
    }

    /// Whether nothing stands between this event and that position.
    pub(super) fn is_before(&self, position: Position) -> bool {
        self.position.next() == position
    }

    /// Whether an event that says nothing of a command is the next of the same command: an append keeps the events of a
    /// command together, and all of them were decided at one time.
    pub(super) fn is_of_command_of(&self, next: &Self) -> bool {
        self.is_before(next.position)
            && self.stream == next.stream
            && self.time == next.time
            && self.request == next.request
    }

    /// This event, with what its predecessor says of their command.
    pub(super) fn after(self, last: Self) -> Self {
        Self {
            step: last.step.saturating_add(1),
            who: last.who,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(position: i64, request: u128) -> Told {
        Told {
            position: Position::new(position).unwrap(),
            stream: "pools/abc".into(),
            time: Timestamp::from_micros(7),
            request: Some(RequestId(sqlx::types::Uuid::from_u128(request))),
            step: 0,
            who: Arc::default(),
        }
    }

    #[test]
    fn what_one_event_says_holds_for_the_next_of_the_same_command_alone() {
        let last = Told {
            step: 3,
            who: Arc::new(Who {
                actor: Some("promoter".into()),
                ..Who::default()
            }),
            ..told(4, 1)
        };
        let next = told(5, 1);
        assert!(last.is_of_command_of(&next));
        let next = next.after(last.clone());
        assert_eq!((next.step, next.who), (4, Arc::clone(&last.who)));

        let elsewhere = Told {
            stream: "pools/abd".into(),
            ..told(5, 1)
        };
        let later = Told {
            time: Timestamp::from_micros(8),
            ..told(5, 1)
        };
        let by_itself = Told {
            request: None,
            ..told(5, 1)
        };
        for other in [
            told(6, 1),
            told(4, 1),
            told(5, 2),
            elsewhere,
            later,
            by_itself,
        ] {
            assert!(!last.is_of_command_of(&other), "{other:?}");
        }
    }
}
