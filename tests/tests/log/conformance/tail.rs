//! Following the log: every event once, in order, with hints or without.

use std::{collections::HashMap, sync::Arc, time::Duration};

use onsale_shared::log::{
    EventLog, GroupOutcome, Position, RecordedEvent,
    tail::{Tail, TailConfig},
};
use onsale_tests::wait::within;

use crate::{
    conformance::for_each_engine,
    given::{
        HINTS_ONLY, LIMIT, POLL_ONLY, append, batch, fill, group, hinted_tail, ids_of, next_events,
        one, position, read_all, version,
    },
};

for_each_engine! {
    a_tail_with_hints_is_complete_under_concurrent_writers,
    a_tail_without_hints_is_complete_under_concurrent_writers,
    a_tail_starts_where_it_is_told_to,
    a_hint_wakes_a_tail,
    a_poll_wakes_a_tail,
    a_look_that_is_given_up_loses_nothing,
    every_registration_gets_every_hint,
}

async fn a_tail_with_hints_is_complete_under_concurrent_writers(log: Arc<dyn EventLog>) {
    complete_under_concurrent_writers(log, HINTS_ONLY).await;
}

async fn a_tail_without_hints_is_complete_under_concurrent_writers(log: Arc<dyn EventLog>) {
    complete_under_concurrent_writers(log, POLL_ONLY).await;
}

/// Writers with streams of their own and streams that each two of them fight for, so that groups go stale, too.
async fn complete_under_concurrent_writers(log: Arc<dyn EventLog>, config: TailConfig) {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 25;
    let config = TailConfig {
        page_events: 7,
        ..config
    };
    let mut tail = Tail::new(Arc::clone(&log), Position::START, config);
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write(Arc::clone(&log), writer, ROUNDS)))
        .collect();

    let mut seen: Vec<RecordedEvent> = Vec::new();
    while seen.len() < WRITERS * ROUNDS * 2 {
        seen.extend(next_events(&mut tail).await);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(seen, read_all(&*log).await);
    let mut versions: HashMap<_, i64> = HashMap::new();
    for (event, position) in seen.iter().zip(1..) {
        assert_eq!(event.position.get(), position);
        let last = versions.entry(event.stream.clone()).or_default();
        *last += 1;
        assert_eq!(event.version.get(), *last);
    }
}

/// Appends `rounds` groups: one event of the stream shared with another writer, one of the writer's own.
async fn write(log: Arc<dyn EventLog>, writer: usize, rounds: usize) {
    let shared = format!("pools/shared-{}", writer / 2);
    let own = format!("pools/own-{writer}");
    let mut expected = 0;
    for round in 0.. {
        if round == rounds {
            return;
        }
        append(&*log, &one(&own, crate::given::number(round), 1)).await;
        while let [GroupOutcome::Stale { actual }] =
            &append(&*log, &one(&shared, expected, 1)).await[..]
        {
            expected = actual[0].get();
        }
        expected += 1;
    }
}

async fn a_tail_starts_where_it_is_told_to(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/a", 0, 5).await;
    let all = read_all(&*log).await;
    for config in [HINTS_ONLY, POLL_ONLY] {
        let mut tail = Tail::new(Arc::clone(&log), position(3), config);
        assert_eq!(next_events(&mut tail).await, all[3..]);
        assert_eq!(tail.position(), position(5));
    }
    let mut tail = Tail::new(
        Arc::clone(&log),
        Position::START,
        TailConfig {
            page_events: 2,
            ..HINTS_ONLY
        },
    );
    for (length, last) in [(2, false), (2, false), (1, true)] {
        let page = within(LIMIT, "a page", tail.next_page()).await.unwrap();
        assert_eq!((page.events.len(), page.last), (length, last));
    }
}

async fn a_hint_wakes_a_tail(log: Arc<dyn EventLog>) {
    let mut tail = hinted_tail(Arc::clone(&log)).await;
    for round in 0..20 {
        let sent = one("pools/a", round, 1);
        let (outcomes, events) = tokio::join!(append(&*log, &sent), next_events(&mut tail));
        assert_eq!(outcomes.len(), 1);
        assert_eq!(ids_of(&events), crate::given::ids(&sent));
    }
}

async fn a_poll_wakes_a_tail(log: Arc<dyn EventLog>) {
    let mut tail = Tail::new(Arc::clone(&log), Position::START, POLL_ONLY);
    for round in 0..10 {
        let (_, events) = tokio::join!(fill(&*log, "pools/a", round, 1), next_events(&mut tail));
        assert_eq!(events[0].version, version(round + 1));
    }
}

/// Whoever follows a log also waits for other things, and drops `next_page` when one of them happens.
async fn a_look_that_is_given_up_loses_nothing(log: Arc<dyn EventLog>) {
    for config in [HINTS_ONLY, POLL_ONLY] {
        let start = log.head().await.unwrap().position;
        let stream = format!("pools/{start}");
        let mut tail = Tail::new(Arc::clone(&log), start, config);
        let writer = {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for round in 0..60 {
                    fill(&*log, &stream, round, 1).await;
                }
            })
        };
        let mut seen = Vec::new();
        let following = async {
            let mut patience = 0;
            while seen.len() < 60 {
                // Shorter than it takes to connect.
                patience = (patience + 1) % 2;
                let look = tail.next_page();
                if let Ok(page) = tokio::time::timeout(Duration::from_millis(patience), look).await
                {
                    seen.extend(page.unwrap().events);
                }
            }
        };
        within(LIMIT, "60 events", following).await;
        writer.await.unwrap();
        let all = read_all(&*log).await;
        assert_eq!(seen, all[usize::try_from(start.get()).unwrap()..]);
    }
}

async fn every_registration_gets_every_hint(log: Arc<dyn EventLog>) {
    let mut hints = Vec::new();
    for _ in 0..3 {
        hints.push(log.hints().await.unwrap());
    }
    append(&*log, &batch([group("pools/a", 0, 2)])).await;
    for hints in &mut hints {
        let until = async {
            // Hints may be doubled or of an older head, never of a newer one.
            while hints.next().await.unwrap() < position(2) {}
        };
        within(LIMIT, "a hint of position 2", until).await;
    }
}
