//! Streams of more events than a page has.

use std::time::Duration;

use onsale_shared::{
    event::{Metadata, encode},
    id::Ids,
    log::{AppendBatch, EventLog as _, Group, NewEvent, Version, memory::MemoryLog},
};
use tokio::{runtime::Handle, time::Instant};
use uuid::Uuid;

use super::instance::stream;
use crate::{
    domain::{
        Pool,
        commands::testing::{created, minute, price_changed},
    },
    pools::{
        history::{PAGE_EVENTS, appends_after, fold, follow},
        pace::Pace,
    },
};

/// No stream of a test takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// A pool whose price has changed over and over.
async fn log_of(events: usize) -> MemoryLog {
    let log = MemoryLog::new(minute(0));
    let mut ids = Ids::from(Uuid::from_u128(1 << 64));
    let changes = (1..).map(price_changed);
    let all: Vec<_> = [created()]
        .into_iter()
        .chain(changes)
        .take(events)
        .collect();
    for (page, expected) in all.chunks(PAGE_EVENTS).zip((0..).step_by(PAGE_EVENTS)) {
        let new = page.iter().map(|event| {
            let encoded = encode(event).unwrap();
            NewEvent {
                id: ids.event(),
                kind: encoded.kind,
                schema: encoded.schema,
                time: minute(0),
                data: encoded.data,
                metadata: Metadata::default().to_json().unwrap(),
                origin: None,
            }
        });
        let expected = Version::new(expected).unwrap();
        let group = Group::of_stream(stream(), expected, new.collect());
        let batch = AppendBatch::new(vec![group]).unwrap();
        log.append(&batch).await.unwrap();
    }
    log
}

async fn followed(log: &MemoryLog, until: Option<i64>, pace: &Pace) -> Pool {
    let until = until.map(|version| Version::new(version).unwrap());
    let stream = stream();
    let following = follow(log, &stream, Pool::default(), until, pace);
    let pool = tokio::time::timeout(LIMIT, following).await;
    pool.expect("a stream has an end").unwrap()
}

#[tokio::test]
async fn a_long_stream_is_folded_whole_wherever_its_pages_end() {
    for events in [1, 999, 1_000, 1_001, 2_000, 2_500] {
        let log = log_of(events).await;
        let mut expected = Pool::default();
        let all = log.read_stream(&stream(), Version::START, events).await;
        fold(&mut expected, &all.unwrap());
        let pool = followed(&log, None, &Pace::at_once()).await;
        assert_eq!(pool.version().get(), i64::try_from(events).unwrap());
        let lasting = |pool: Pool| pool.to_snapshot().unwrap().unwrap().lasting;
        assert_eq!(lasting(pool), lasting(expected), "{events} events");
    }
}

#[tokio::test]
async fn it_is_folded_as_far_as_is_asked_for_at_least_and_no_page_further() {
    let log = log_of(2_500).await;
    for (until, version) in [(1, 1_000), (1_000, 1_000), (1_001, 2_000), (9_999, 2_500)] {
        let pool = followed(&log, Some(until), &Pace::at_once()).await;
        assert_eq!(pool.version().get(), version, "until {until}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_not_in_a_hurry_rests_between_pages() {
    let log = log_of(2_500).await;
    let rest = Duration::from_millis(50);
    for rest in [Duration::ZERO, rest] {
        let pace = Pace::with_rests(Handle::current(), rest);
        let began = Instant::now();
        assert_eq!(followed(&log, None, &pace).await.version().get(), 2_500);
        // A timer ends with its millisecond.
        let rested = began.elapsed();
        assert!(
            rest * 2 <= rested
                && rested <= rest * 2 + Duration::from_millis(2) * u32::from(!rest.is_zero()),
            "{rested:?}"
        );
        assert_eq!(pace.rested(), rest * 2);
    }
}

#[tokio::test]
async fn the_appends_that_came_since_a_moment_are_counted_by_when_they_were_recorded() {
    let log = log_of(7).await;
    let mut events = log.read_stream(&stream(), Version::START, 7).await.unwrap();
    for (event, at) in events.iter_mut().zip([0, 1, 1, 2, 3, 3, 4]) {
        event.recorded_at = minute(at);
    }
    for (asked, appends) in [(-1, 5), (0, 4), (1, 3), (3, 1), (4, 0)] {
        // Wherever a page ends.
        for end in 0..events.len() {
            let (first, second) = events.split_at(end);
            let mut last = minute(asked);
            let counted = appends_after(&mut last, first) + appends_after(&mut last, second);
            assert_eq!(counted, appends, "since {asked}, cut at {end}");
        }
    }
}
