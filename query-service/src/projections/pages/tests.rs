use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use onsale_shared::{
    id::{EventId, IdSource},
    log::{
        AppendBatch, AppendError, Appended, Group, Head, Hints, LockedLog, LogClock, NewEvent,
        Origin, RecordedEvent, StreamName, Version, memory::MemoryLog,
    },
    time::Timestamp,
};

use super::*;

/// A log that counts how often it is read, and takes a moment for it.
#[derive(Debug)]
struct Counted {
    log: MemoryLog,
    reads: AtomicUsize,
}

#[async_trait]
impl EventLog for Counted {
    async fn append(&self, batch: &AppendBatch) -> Result<Appended, AppendError> {
        self.log.append(batch).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.log.read_stream(stream, after, limit).await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.log.read(after, limit).await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        self.log.read_at(positions).await
    }

    async fn origins(&self, events: &[EventId]) -> Result<Vec<(EventId, Origin)>, ReadError> {
        self.log.origins(events).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.log.head().await
    }

    async fn lock(&self) -> Result<Box<dyn LockedLog>, ReadError> {
        self.log.lock().await
    }

    async fn hints(&self) -> Result<Box<dyn Hints>, ReadError> {
        self.log.hints().await
    }

    fn clock(&self) -> &LogClock {
        self.log.clock()
    }
}

/// A log of so many events, and its pages.
async fn given(events: usize) -> (Arc<Counted>, Pages) {
    let log = Arc::new(Counted {
        log: MemoryLog::new(Timestamp::default()),
        reads: AtomicUsize::new(0),
    });
    append(&log, 0, events).await;
    let pages = Pages::of(Arc::clone(&log) as _);
    (log, pages)
}

async fn append(log: &Counted, version: i64, events: usize) {
    let event = || NewEvent {
        id: EventId(IdSource.ids(Timestamp::default()).event().0),
        kind: "SalesResumed",
        schema: 1,
        time: Timestamp::default(),
        data: "{}".to_owned(),
        metadata: "{}".to_owned(),
        origin: None,
    };
    let events = std::iter::repeat_with(event).take(events).collect();
    let version = Version::new(version).unwrap();
    let group = Group::of_stream("pools/abc".into(), version, events);
    log.append(&AppendBatch::new(vec![group]).unwrap())
        .await
        .unwrap();
}

fn at(position: i64) -> Position {
    Position::new(position).unwrap()
}

fn positions(batch: &Batch) -> Vec<i64> {
    let entries = batch.entries();
    entries
        .iter()
        .map(|entry| entry.event.position.get())
        .collect()
}

#[tokio::test]
async fn all_who_are_at_the_same_place_read_once() {
    let (log, pages) = given(30).await;
    let readers = (0..6).map(|_| pages.after(at(10), 100));
    for batch in futures::future::join_all(readers).await {
        assert_eq!(positions(&batch.unwrap()), (11..=30).collect::<Vec<_>>());
    }
    assert_eq!(log.reads.load(Ordering::SeqCst), 1);
    // And who comes there later, or is a little further.
    let later = pages.after(at(20), 4).await.unwrap();
    assert_eq!(positions(&later), [21, 22, 23, 24]);
    assert_eq!(log.reads.load(Ordering::SeqCst), 1);
    let facts: Vec<_> = later
        .entries()
        .iter()
        .map(|entry| entry.fact().unwrap() as *const _)
        .collect();
    let again = pages.after(at(20), 4).await.unwrap();
    let same: Vec<_> = again
        .entries()
        .iter()
        .map(|entry| entry.fact().unwrap() as *const _)
        .collect();
    assert_eq!(facts, same, "decoded once");
}

#[tokio::test]
async fn what_the_tail_has_read_is_not_read_again_and_pages_are_joined() {
    let (log, pages) = given(9).await;
    for (after, count) in [(0, 4), (4, 1), (5, 4)] {
        let events = log.log.read(at(after), count).await.unwrap();
        pages.put(events.into_iter().map(Entry::new).collect());
    }
    let batch = pages.after(at(2), 6).await.unwrap();
    assert_eq!(positions(&batch), [3, 4, 5, 6, 7, 8]);
    assert_eq!(log.reads.load(Ordering::SeqCst), 0);
    // What is not there yet is looked for each time.
    assert_eq!(positions(&pages.after(at(9), 6).await.unwrap()), [0; 0]);
    append(&log, 9, 2).await;
    assert_eq!(positions(&pages.after(at(9), 6).await.unwrap()), [10, 11]);
}

#[tokio::test]
async fn a_bounded_number_of_events_is_kept() {
    let (log, pages) = given(1_000).await;
    for _ in 0..KEPT_EVENTS / 1_000 + 3 {
        let (first, version) = {
            let head = log.head().await.unwrap().position;
            (head, head.get())
        };
        let events = log.log.read(at(first.get() - 1_000), 1_000).await.unwrap();
        pages.put(events.into_iter().map(Entry::new).collect());
        append(&log, version, 1_000).await;
    }
    let kept = pages.kept();
    assert!(kept.events <= KEPT_EVENTS, "{}", kept.events);
    assert_eq!(
        kept.events,
        kept.pages.values().map(|page| page.len()).sum::<usize>()
    );
    assert!(
        kept.after(at(10), 5).parts.is_empty(),
        "the oldest are gone"
    );
}
