use onsale_shared::{
    id::{EventId, IdSource},
    log::{AppendBatch, Group, NewEvent, Version, memory::MemoryLog},
    time::Timestamp,
};

use super::*;

/// A log of so many events, and its pages.
async fn given(events: usize) -> (Arc<MemoryLog>, Pages) {
    let log = Arc::new(MemoryLog::new(Timestamp::default()));
    append(&log, 0, events).await;
    let pages = Pages::of(Arc::clone(&log) as _);
    (log, pages)
}

async fn append(log: &MemoryLog, version: i64, events: usize) {
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
async fn what_the_tail_has_read_is_not_read_again_and_pages_are_joined() {
    let (log, pages) = given(9).await;
    let mut put = Vec::new();
    for (after, count) in [(0, 4), (4, 1), (5, 4)] {
        let events = log.read(at(after), count).await.unwrap();
        let page: Page = events.into_iter().map(Entry::new).collect();
        put.extend(page.iter().map(std::ptr::from_ref));
        pages.put(page);
    }
    let batch = pages.after(at(2), 6).await.unwrap();
    assert_eq!(positions(&batch), [3, 4, 5, 6, 7, 8]);
    let entries: Vec<_> = batch
        .entries()
        .into_iter()
        .map(std::ptr::from_ref)
        .collect();
    assert_eq!(entries, put[2..8], "the very ones");
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
        let events = log.read(at(first.get() - 1_000), 1_000).await.unwrap();
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
