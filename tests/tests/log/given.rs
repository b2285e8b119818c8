//! Batches and what is said of them, in few words.

use std::{sync::Arc, time::Duration};

use onsale_shared::{
    id::EventId,
    log::{
        AppendBatch, AppendError, Appended, EventLog, Group, GroupOutcome, NewEvent, Position,
        RecordedEvent, StreamName, StreamWrite, Version,
        tail::{Tail, TailConfig},
    },
    time::Timestamp,
};
use onsale_tests::wait::within;
use uuid::Uuid;

/// Longer than anything takes that works; a test that waits so long has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn event() -> NewEvent {
    event_with("{}", "{}")
}

pub(crate) fn event_with(data: &str, metadata: &str) -> NewEvent {
    NewEvent {
        id: EventId(Uuid::new_v4()),
        kind: "SalesResumed",
        schema: 1,
        time: Timestamp::from_micros(1_800_000_000_000_000),
        data: data.to_owned(),
        metadata: metadata.to_owned(),
        origin: None,
    }
}

pub(crate) fn write(stream: &str, expected: i64, count: usize) -> StreamWrite {
    StreamWrite {
        stream: stream.into(),
        expected: version(expected),
        events: std::iter::repeat_with(event).take(count).collect(),
    }
}

/// A group of `count` new events of one stream.
pub(crate) fn group(stream: &str, expected: i64, count: usize) -> Group {
    Group {
        writes: vec![write(stream, expected, count)],
    }
}

pub(crate) fn batch(groups: impl IntoIterator<Item = Group>) -> AppendBatch {
    AppendBatch::new(groups.into_iter().collect()).expect("a test makes well-formed batches")
}

/// A batch of one group of `count` new events of one stream.
pub(crate) fn one(stream: &str, expected: i64, count: usize) -> AppendBatch {
    batch([group(stream, expected, count)])
}

pub(crate) fn version(number: i64) -> Version {
    Version::new(number).expect("not below 0")
}

pub(crate) fn position(number: i64) -> Position {
    Position::new(number).expect("not below 0")
}

pub(crate) fn number(count: usize) -> i64 {
    i64::try_from(count).expect("a small number")
}

/// In the log now, each write's events beginning at these positions.
pub(crate) fn appended(first_positions: impl IntoIterator<Item = i64>) -> GroupOutcome {
    GroupOutcome::Appended {
        first_positions: first_positions.into_iter().map(position).collect(),
        repeated: false,
    }
}

/// In the log before, likewise.
pub(crate) fn repeated(first_positions: impl IntoIterator<Item = i64>) -> GroupOutcome {
    GroupOutcome::Appended {
        first_positions: first_positions.into_iter().map(position).collect(),
        repeated: true,
    }
}

/// Not in the log, since the streams have these versions.
pub(crate) fn stale(actual: impl IntoIterator<Item = i64>) -> GroupOutcome {
    GroupOutcome::Stale {
        actual: actual.into_iter().map(version).collect(),
    }
}

pub(crate) async fn append(log: &dyn EventLog, batch: &AppendBatch) -> Vec<GroupOutcome> {
    let appended = within(LIMIT, "an append", log.append(batch)).await;
    appended.expect("a log that works").outcomes
}

/// Appends new events to a stream, whose version must be `expected`.
pub(crate) async fn fill(log: &dyn EventLog, stream: &str, expected: i64, count: usize) {
    let outcomes = append(log, &one(stream, expected, count)).await;
    assert!(
        matches!(
            outcomes[..],
            [GroupOutcome::Appended {
                repeated: false,
                ..
            }]
        ),
        "{outcomes:?}"
    );
}

/// Sends the same batch until the answer is definite: what every writer does.
pub(crate) async fn settle(log: &dyn EventLog, batch: &AppendBatch) -> Appended {
    let settling = async {
        loop {
            match log.append(batch).await {
                Ok(appended) => return appended,
                Err(AppendError::NotAppended(_) | AppendError::OutcomeUnknown(_)) => {
                    tokio::task::yield_now().await;
                }
            }
        }
    };
    within(LIMIT, "a definite answer", settling).await
}

pub(crate) async fn read_all(log: &dyn EventLog) -> Vec<RecordedEvent> {
    let page = within(
        LIMIT,
        "a read",
        log.read(Position::START, usize::from(u16::MAX)),
    );
    page.await.expect("a log that works")
}

pub(crate) async fn read_stream(log: &dyn EventLog, stream: &str) -> Vec<RecordedEvent> {
    let stream = StreamName::from(stream);
    let page = log.read_stream(&stream, Version::START, usize::from(u16::MAX));
    within(LIMIT, "a read", page)
        .await
        .expect("a log that works")
}

/// The ids of a batch's events, in order.
pub(crate) fn ids(batch: &AppendBatch) -> Vec<EventId> {
    let writes = batch.groups().iter().flat_map(|group| &group.writes);
    writes
        .flat_map(|write| &write.events)
        .map(|event| event.id)
        .collect()
}

pub(crate) fn ids_of(events: &[RecordedEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

/// The next events of a tail, at least one.
pub(crate) async fn next_events(tail: &mut Tail) -> Vec<RecordedEvent> {
    let reading = async {
        loop {
            let page = tail.next_page().await.expect("a log that can be followed");
            if !page.events.is_empty() {
                return page.events;
            }
        }
    };
    within(LIMIT, "the next events of a tail", reading).await
}

/// A tail at the end of a log where nothing happens, registered for hints, which alone will wake it.
pub(crate) async fn hinted_tail(log: Arc<dyn EventLog>) -> Tail {
    let end = log.head().await.expect("a log that works").position;
    let mut tail = Tail::new(log, end, HINTS_ONLY);
    // It looks once at first, and once when it is registered.
    for _ in 0..2 {
        let page = within(LIMIT, "an empty page", tail.next_page()).await;
        let page = page.expect("a log that can be followed");
        assert!(page.events.is_empty() && page.last);
    }
    tail
}

/// A tail that has nothing but hints to wake it within the time that a test takes.
pub(crate) const HINTS_ONLY: TailConfig = TailConfig {
    poll_interval: Duration::from_secs(3_600),
    page_events: 2_000,
    hints: true,
};

/// A tail that has nothing but its poll.
pub(crate) const POLL_ONLY: TailConfig = TailConfig {
    poll_interval: Duration::from_millis(20),
    page_events: 2_000,
    hints: false,
};
