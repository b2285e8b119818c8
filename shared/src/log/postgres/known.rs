//! What a session knows of the log from its own appends.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::log::{AppendBatch, Appended, GroupOutcome, Position, StreamName, StreamWrite, Version};

/// Where the log ended when this session appended last, and which versions streams had then.
///
/// It proves nothing until PostgreSQL finds, under the log's lock, that the log still ends there: then nobody has appended
/// since, and no stream needs a look of its own. It ends with the session, which no restored backup outlives: the same
/// position may be the end of another history there.
#[derive(Debug, Default)]
pub(super) struct Known {
    head: Option<Position>,
    versions: HashMap<StreamName, Version, RandomState>,
}

impl Known {
    /// Of so many streams at most; with one more, all begin anew.
    const STREAMS_MAX: usize = 8_192;

    /// Where the log ended.
    pub(super) const fn head(&self) -> Option<Position> {
        self.head
    }

    /// Whether the stream had the version that is expected.
    pub(super) fn has(&self, write: &StreamWrite) -> bool {
        self.versions.get(&write.stream) == Some(&write.expected)
    }

    /// What an append of this session has shown.
    pub(super) fn learn(&mut self, batch: &AppendBatch, appended: &Appended) {
        let groups = || batch.groups().iter().zip(&appended.outcomes);
        let recorded = groups()
            .filter(|(_, outcome)| is_recorded(outcome))
            .map(|(group, _)| group.event_count());
        let recorded = i64::try_from(recorded.sum::<usize>()).unwrap_or(i64::MAX);
        // Others have appended in between, to streams that are not told.
        if self.head.map(|head| head.get().saturating_add(recorded)) != Some(appended.head.get()) {
            self.versions.clear();
        }
        self.head = Some(appended.head);
        for (group, outcome) in groups() {
            for write in &group.writes {
                if is_recorded(outcome) {
                    self.set(write);
                } else {
                    self.versions.remove(&write.stream);
                }
            }
        }
    }

    fn set(&mut self, write: &StreamWrite) {
        let version = write.events.iter().fold(write.expected, |v, _| v.next());
        if let Some(known) = self.versions.get_mut(&write.stream) {
            *known = version;
            return;
        }
        if self.versions.len() == Self::STREAMS_MAX {
            self.versions.clear();
        }
        self.versions.insert(write.stream.clone(), version);
    }
}

/// Whether this append recorded it, and not an earlier one.
const fn is_recorded(outcome: &GroupOutcome) -> bool {
    let GroupOutcome::Appended { repeated, .. } = outcome else {
        return false;
    };
    !*repeated
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Group, batch::tests::write};

    enum Outcome {
        Recorded,
        Repeated,
        Stale,
    }

    /// What is learnt of writes that are a group each, in a log that ends at `head` then.
    fn learn(known: &mut Known, head: i64, writes: Vec<(StreamWrite, Outcome)>) {
        let (writes, outcomes): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
        let groups = writes.into_iter().map(|w| Group { writes: vec![w] });
        let batch = AppendBatch::new(groups.collect()).unwrap();
        let outcomes = outcomes.into_iter().map(|outcome| match outcome {
            Outcome::Recorded | Outcome::Repeated => GroupOutcome::Appended {
                first_positions: Vec::new(),
                repeated: matches!(outcome, Outcome::Repeated),
            },
            Outcome::Stale => GroupOutcome::Stale { actual: Vec::new() },
        });
        let appended = Appended {
            outcomes: outcomes.collect(),
            head: Position::new(head).unwrap(),
        };
        known.learn(&batch, &appended);
    }

    fn knows(known: &Known, stream: &str, version: i64) -> bool {
        known.has(&write(stream, version, 1))
    }

    #[test]
    fn a_session_knows_what_it_has_appended_and_nothing_else() {
        let mut known = Known::default();
        assert_eq!(known.head(), None);
        assert!(!knows(&known, "a", 0));
        let recorded = |stream, expected, events| {
            let write = write(stream, expected, events);
            (write, Outcome::Recorded)
        };
        learn(
            &mut known,
            13,
            vec![recorded("a", 7, 2), recorded("b", 0, 1)],
        );
        assert_eq!(known.head().map(Position::get), Some(13));
        assert!(knows(&known, "a", 9) && knows(&known, "b", 1));
        assert!(!knows(&known, "a", 8) && !knows(&known, "a", 10) && !knows(&known, "c", 0));
        // Nobody else in between.
        learn(&mut known, 14, vec![recorded("a", 9, 1)]);
        assert!(knows(&known, "a", 10) && knows(&known, "b", 1));
    }

    #[test]
    fn what_others_append_in_between_ends_it() {
        let mut known = Known::default();
        let of = |stream, outcome| (write(stream, 0, 1), outcome);
        learn(&mut known, 1, vec![of("a", Outcome::Recorded)]);
        learn(&mut known, 3, vec![of("b", Outcome::Recorded)]);
        assert!(!knows(&known, "a", 1) && knows(&known, "b", 1));
        // Seen by an append that recorded nothing, too.
        learn(&mut known, 4, vec![of("c", Outcome::Stale)]);
        assert!(!knows(&known, "b", 1) && !knows(&known, "c", 0));
    }

    #[test]
    fn streams_that_were_stale_or_repeated_are_not_known() {
        let mut known = Known::default();
        let of = |stream, outcome| (write(stream, 0, 1), outcome);
        let streams = ["a", "b", "c"];
        learn(
            &mut known,
            3,
            streams.map(|s| of(s, Outcome::Recorded)).into(),
        );
        learn(
            &mut known,
            4,
            vec![
                of("a", Outcome::Stale),
                of("b", Outcome::Repeated),
                of("d", Outcome::Recorded),
            ],
        );
        assert!(!knows(&known, "a", 1) && !knows(&known, "b", 1));
        assert!(knows(&known, "c", 1) && knows(&known, "d", 1));
    }

    #[test]
    fn it_is_of_so_many_streams_at_most() {
        let mut known = Known::default();
        for n in 0..=Known::STREAMS_MAX {
            let write = write(&n.to_string(), 0, 1);
            let head = i64::try_from(n).unwrap() + 1;
            learn(&mut known, head, vec![(write, Outcome::Recorded)]);
            assert!(known.versions.len() <= Known::STREAMS_MAX);
            assert!(knows(&known, &n.to_string(), 1));
        }
        assert!(!knows(&known, "0", 1));
    }
}
