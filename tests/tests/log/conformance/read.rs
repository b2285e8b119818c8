//! Reading: pages after a place, up to a limit.

use std::sync::Arc;

use onsale_shared::log::{EventLog, Group};

use crate::{
    conformance::for_each_engine,
    given::{
        append, batch, event_with, fill, ids_of, number, position, read_all, read_stream, version,
    },
};

for_each_engine! {
    pages_of_the_log_follow_each_other,
    a_large_page_says_the_same_as_small_ones,
    pages_of_a_stream_follow_each_other,
    after_the_end_there_is_nothing,
    events_are_read_by_their_positions,
    the_head_carries_the_clock,
}

/// A page that is read as `verify` reads.
const LARGE: usize = 10_000;

async fn pages_of_the_log_follow_each_other(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/a", 0, 7).await;
    fill(&*log, "pools/b", 0, 5).await;
    let all = read_all(&*log).await;
    assert_eq!(all.len(), 12);
    for limit in [1, 5, 11, 12, 13] {
        let mut after = position(0);
        for expected in all.chunks(limit) {
            let page = log.read(after, limit).await.unwrap();
            assert_eq!(page, expected);
            after = page.last().unwrap().position;
        }
    }
    assert_eq!(log.read(position(3), 0).await.unwrap(), []);
}

/// Of PostgreSQL large pages are read in another way.
async fn a_large_page_says_the_same_as_small_ones(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/a", 0, 3).await;
    let kept_as_written = event_with(
        "{\"title\":  \"Tr\u{e4}ume \\t \\\\N\" ,\"n\":[1,null]}",
        "{ \"actor\": \"\u{65e5}\u{672c}\"}",
    );
    let group = Group::of_stream("pools/\u{fc}".into(), version(0), vec![kept_as_written]);
    append(&*log, &batch([group])).await;
    fill(&*log, "pools/a", 3, 3).await;
    for after in 0..=7 {
        let small = log.read(position(after), 10).await.unwrap();
        assert_eq!(small.len(), usize::try_from(7 - after).unwrap());
        assert_eq!(log.read(position(after), LARGE).await.unwrap(), small);
    }
}

async fn pages_of_a_stream_follow_each_other(log: Arc<dyn EventLog>) {
    for round in 0..6 {
        fill(&*log, "pools/a", 2 * round, 2).await;
        fill(&*log, "pools/ab", round, 1).await;
    }
    let stream = "pools/a".into();
    let all = read_stream(&*log, "pools/a").await;
    assert_eq!(all.len(), 12);
    for (event, expected) in all.iter().zip(1..) {
        assert_eq!(
            (event.version.get(), event.stream.as_str()),
            (expected, "pools/a")
        );
    }
    for limit in [1, 5, 12, 13] {
        for after in 0..=12 {
            let expected: Vec<_> = all.iter().skip(after).take(limit).cloned().collect();
            let page = log.read_stream(&stream, version(number(after)), limit);
            assert_eq!(ids_of(&page.await.unwrap()), ids_of(&expected));
        }
    }
    assert_eq!(log.read_stream(&stream, version(3), 0).await.unwrap(), []);
}

async fn after_the_end_there_is_nothing(log: Arc<dyn EventLog>) {
    assert_eq!(log.read(position(0), 10).await.unwrap(), []);
    fill(&*log, "pools/a", 0, 2).await;
    for after in [2, 3, i64::MAX] {
        assert_eq!(log.read(position(after), 10).await.unwrap(), []);
        assert_eq!(log.read(position(after), LARGE).await.unwrap(), []);
        let stream = "pools/a".into();
        let page = log.read_stream(&stream, version(after), 10).await;
        assert_eq!(page.unwrap(), []);
    }
    assert_eq!(read_stream(&*log, "pools/none").await, []);
    assert_eq!(read_stream(&*log, "pools/A").await, []);
}

async fn events_are_read_by_their_positions(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/a", 0, 3).await;
    fill(&*log, "pools/b", 0, 600).await;
    fill(&*log, "pools/a", 3, 900).await;
    let all = read_all(&*log).await;
    let at = async |positions: &[i64]| {
        let positions: Vec<_> = positions.iter().copied().map(position).collect();
        log.read_at(&positions).await.unwrap()
    };
    assert_eq!(at(&[]).await, []);
    assert_eq!(at(&[4]).await, [all[3].clone()]);
    let [first, second, last] = [&all[0], &all[1], &all[1_502]].map(Clone::clone);
    // In the order that was asked for, also twice; what is not there is left out.
    let asked = [1_503, 0, 2, 1_504, 1, i64::MAX, 2];
    assert_eq!(at(&asked).await, [last, second.clone(), first, second]);
    // More than one statement names.
    let backwards: Vec<_> = (1..=1_503).rev().collect();
    let mut expected = all;
    expected.reverse();
    assert_eq!(at(&backwards).await, expected);
}

async fn the_head_carries_the_clock(log: Arc<dyn EventLog>) {
    let before = log.clock().now();
    let head = log.head().await.unwrap();
    let after = log.clock().now();
    // The clock of this process is an estimate; it may be some milliseconds off.
    let tolerance = 100_000;
    assert!(head.time.as_micros() >= before.as_micros() - tolerance);
    assert!(head.time.as_micros() <= after.as_micros() + tolerance);
}
