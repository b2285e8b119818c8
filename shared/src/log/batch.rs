//! What goes into a log, and what becomes of it.

use std::{collections::HashSet, net::IpAddr};

use super::{Position, StreamName, Version};
use crate::{id::EventId, time::Timestamp};

/// An event to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// The kind of fact.
    pub kind: &'static str,
    /// The schema version of `data`.
    pub schema: i16,
    /// When it was decided, by the log's clock.
    pub time: Timestamp,
    /// JSON.
    pub data: String,
    /// JSON.
    pub metadata: String,
    /// Where the command came from; kept beside the log, where it can be erased.
    pub origin: Option<Origin>,
}

/// Where a command came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The caller's address.
    pub ip: Option<IpAddr>,
    /// What the caller says it is.
    pub user_agent: Option<String>,
}

/// Events for one stream, and the version that the stream must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamWrite {
    /// The stream.
    pub stream: StreamName,
    /// What its version must be.
    pub expected: Version,
    /// At least one event.
    pub events: Vec<NewEvent>,
}

/// What is appended or rejected as one: events of one or more streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// At least one; each stream once.
    pub writes: Vec<StreamWrite>,
}

impl Group {
    /// The usual case: events of one stream.
    #[must_use]
    pub fn of_stream(stream: StreamName, expected: Version, events: Vec<NewEvent>) -> Self {
        Self {
            writes: vec![StreamWrite {
                stream,
                expected,
                events,
            }],
        }
    }

    /// Whether it can be part of a batch, as far as it alone decides that.
    ///
    /// # Errors
    /// It is empty in part, or too large.
    pub fn check(&self) -> Result<(), InvalidBatch> {
        let actual = self.event_count();
        if actual > AppendBatch::GROUP_EVENTS_MAX {
            return Err(InvalidBatch::GroupTooLarge { actual });
        }
        if self.writes.is_empty() || self.writes.iter().any(|write| write.events.is_empty()) {
            return Err(InvalidBatch::Empty);
        }
        Ok(())
    }

    /// How many events the group has.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.writes.iter().map(|write| write.events.len()).sum()
    }
}

/// Groups that are sent together; each has its own outcome. Well formed by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendBatch {
    groups: Vec<Group>,
}

/// Why groups are not a batch. Always a defect of the program, never of its input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBatch {
    /// Nothing to append.
    #[error("a batch, a group and a write have at least one element")]
    Empty,
    /// A group beyond the limit.
    #[error("a group has at most {max} events, not {actual}", max = AppendBatch::GROUP_EVENTS_MAX)]
    GroupTooLarge {
        /// How many it has.
        actual: usize,
    },
    /// Two writes of one batch to one stream: the second would rest on hope.
    #[error("stream {0} is written to twice in one batch")]
    StreamTwice(StreamName),
}

impl AppendBatch {
    /// The most events of one group.
    pub const GROUP_EVENTS_MAX: usize = 1_000;

    /// A batch of `groups`.
    ///
    /// # Errors
    /// See [`InvalidBatch`].
    pub fn new(groups: Vec<Group>) -> Result<Self, InvalidBatch> {
        let mut streams = HashSet::new();
        for group in &groups {
            group.check()?;
            for write in &group.writes {
                if !streams.insert(&write.stream) {
                    return Err(InvalidBatch::StreamTwice(write.stream.clone()));
                }
            }
        }
        if groups.is_empty() {
            return Err(InvalidBatch::Empty);
        }
        Ok(Self { groups })
    }

    /// The groups.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The groups, to be sent otherwise.
    #[must_use]
    pub fn into_groups(self) -> Vec<Group> {
        self.groups
    }

    /// How many events the batch has.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.groups.iter().map(Group::event_count).sum()
    }
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// One for each group, in order.
    pub outcomes: Vec<GroupOutcome>,
    /// The position of the last event of the log at that moment.
    pub head: Position,
}

/// What became of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupOutcome {
    /// It is in the log.
    Appended {
        /// The position of the first event of each write; the others of the write follow densely.
        first_positions: Vec<Position>,
        /// It was there already: this was a repeat.
        repeated: bool,
    },
    /// Nothing of it is in the log, since a stream has another version than expected.
    Stale {
        /// The version of each write's stream.
        actual: Vec<Version>,
    },
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::log) fn write(stream: &str, expected: i64, events: usize) -> StreamWrite {
        let event = NewEvent {
            id: EventId(uuid::Uuid::nil()),
            kind: "SalesResumed",
            schema: 1,
            time: Timestamp::default(),
            data: "{}".into(),
            metadata: "{}".into(),
            origin: None,
        };
        StreamWrite {
            stream: stream.into(),
            expected: Version::new(expected).unwrap(),
            events: vec![event; events],
        }
    }

    fn group(stream: &str, events: usize) -> Group {
        Group {
            writes: vec![write(stream, 0, events)],
        }
    }

    #[test]
    fn malformed_batches_cannot_be_made() {
        assert_eq!(AppendBatch::new(vec![]), Err(InvalidBatch::Empty));
        assert_eq!(
            AppendBatch::new(vec![Group { writes: vec![] }]),
            Err(InvalidBatch::Empty)
        );
        assert_eq!(
            AppendBatch::new(vec![group("a", 0)]),
            Err(InvalidBatch::Empty)
        );
        assert_eq!(
            AppendBatch::new(vec![group("a", 1), group("a", 1)]),
            Err(InvalidBatch::StreamTwice("a".into()))
        );
        assert_eq!(
            AppendBatch::new(vec![group("a", 1_001)]),
            Err(InvalidBatch::GroupTooLarge { actual: 1_001 })
        );
        assert_eq!(
            AppendBatch::new(vec![group("a", 1_000), group("b", 1)])
                .unwrap()
                .event_count(),
            1_001
        );
    }
}
