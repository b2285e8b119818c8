//! A projection on one replica: from an event of the log to a row, and past what no event stands in the way of.

use std::{sync::Arc, time::Duration};

use onsale_shared::log::{EventLog as _, Position};

use super::given::{Given, SAMPLE, SAMPLE_MENDED, SAMPLE_SLOW};
use crate::{
    availability::Progress,
    projections::{
        Entry,
        pages::{Batch, Pages},
        session::open,
        writer::{Step, Writer},
    },
    read_models::generations,
};

#[tokio::test]
async fn a_projection_gets_its_tables_is_filled_and_follows() {
    let mut given = Given::new().await;
    given.append_many("early", 0, "SalesResumed", 900).await;
    let last = given.append_many("early", 900, "SalesResumed", 900).await;
    let mut running = given.run(&SAMPLE).await;
    running.reach(last).await;
    assert_eq!(given.counted("early").await, 1_800);
    for version in 0..20 {
        let at = given.append("live", version, "SalesResumed").await;
        running.reach(at).await;
        assert_eq!(given.counted("live").await, version + 1);
    }
    assert_eq!(given.counted("early").await, 1_800);
    drop(running);
    given.end().await;
}

#[tokio::test]
async fn both_kinds_of_bad_event_block_one_projection_after_all_that_is_before_them() {
    for (pool, kind, reason) in [
        ("newer", "TicketTeleported", "is not known to this version"),
        ("toxic", "SalesResumed", "23514"),
        ("panics", "SalesResumed", "panicked"),
    ] {
        let mut given = Given::new().await;
        given.append_many("good", 0, "SalesResumed", 321).await;
        let bad = given.append(pool, 0, kind).await;
        given.append_many("good", 321, "SalesResumed", 321).await;
        let mut running = given.run(&SAMPLE).await;
        let known = running.until(|known| known.blocked.is_some()).await;
        let blocked = known.blocked.unwrap();
        assert_eq!(blocked.position, bad);
        assert!(blocked.reason.contains(reason), "{}", blocked.reason);
        assert_eq!(known.progress.position.next(), bad);
        assert_eq!(given.counted("good").await, 321);
        let noted = "SELECT blocked_position FROM onsale_query.generations WHERE state = 'live'";
        assert_eq!(given.number(noted).await, bad.get());
        drop(running);
        given.end().await;
    }
}

#[tokio::test]
async fn a_projection_goes_on_when_its_code_can_read_the_event() {
    let mut given = Given::new().await;
    given.append("good", 0, "SalesResumed").await;
    given.append("toxic", 0, "SalesResumed").await;
    let last = given.append("good", 1, "SalesResumed").await;
    let mut running = given.run(&SAMPLE).await;
    running.until(|known| known.blocked.is_some()).await;
    // What blocks goes away; it is tried again from time to time, by itself.
    given
        .execute("ALTER TABLE onsale_query_sample_1.counted DROP CONSTRAINT counted_pool_check")
        .await;
    let known = running
        .until(|known| known.progress.position > Position::START && known.blocked.is_none())
        .await;
    assert!(known.progress.position.get() >= 2);
    running.reach(last).await;
    assert_eq!(given.counted("good").await, 2);
    assert_eq!(given.counted("toxic").await, 1);
    drop(running);
    given.end().await;
}

#[tokio::test]
async fn a_leader_that_cannot_go_on_leaves_the_lead_to_who_can() {
    let mut given = Given::new().await;
    given.append("good", 0, "SalesResumed").await;
    given.append("newer", 0, "TicketTeleported").await;
    let last = given.append("good", 1, "SalesResumed").await;
    let mut stuck = given.run(&SAMPLE).await;
    stuck.until(|known| known.blocked.is_some()).await;
    // Of another replica, which has the mended program.
    let mut mended = given.run(&SAMPLE_MENDED).await;
    mended.reach(last).await;
    assert_eq!(given.counted("newer").await, 1);
    // Who could not go on sees it, and that nothing is in the way any more.
    let known = stuck.until(|known| known.progress.position >= last).await;
    assert_eq!(known.blocked, None);
    drop((stuck, mended));
    given.end().await;
}

#[tokio::test]
async fn a_write_that_is_not_done_in_time_is_tried_with_fewer_events() {
    let given = Given::new().await;
    given.append_many("pool", 0, "SalesResumed", 8).await;
    drop(given.run(&SAMPLE_SLOW).await);
    let mut writer = Writer::new(&SAMPLE_SLOW, 8, Duration::from_millis(500));
    let mut attempts = 0;
    let moved = loop {
        attempts += 1;
        let mut session = open(&given.database).await.unwrap();
        let live = generations::live(&mut session, SAMPLE_SLOW.name).await;
        let live = live.unwrap();
        generations::use_schema(&mut session, &live.schema())
            .await
            .unwrap();
        let events = given.log.read(live.progress.position, 8).await.unwrap();
        let entries: Vec<_> = events.into_iter().map(Entry::new).collect();
        let entries: Vec<_> = entries.iter().collect();
        let written = writer.write(&mut session, &live, &entries, Progress::default());
        match written.await {
            Ok(Step::Moved(to)) => break to.position.get(),
            Ok(other) => unreachable!("{other:?}"),
            // Eight events take 800 ms.
            Err(_too_late) => assert!(attempts < 4, "it is never tried with fewer"),
        }
    };
    assert!((1..=4).contains(&moved), "{moved} events at once");
    assert!(attempts > 1, "eight events were in time");
    given.end().await;
}

#[tokio::test]
async fn all_who_are_at_the_same_place_read_once_and_decode_once() {
    let given = Given::new().await;
    given.append_many("pool", 0, "SalesResumed", 30).await;
    let pages = Pages::of(Arc::clone(&given.log) as _);
    let at = |position| Position::new(position).unwrap();
    let readers = (0..6).map(|_| pages.after(at(10), 100));
    let batches = futures::future::join_all(readers).await;
    let batches: Vec<_> = batches.into_iter().map(Result::unwrap).collect();
    let entries = batches[0].entries();
    assert_eq!(entries.len(), 20);
    // The very ones: whoever had read for himself would have others.
    let same = |other: &Batch| {
        let others = other.entries();
        entries
            .iter()
            .zip(&others)
            .all(|(one, other)| std::ptr::eq(*one, *other))
    };
    assert!(batches.iter().all(same));
    // And who comes there later, or is a little further.
    let later = pages.after(at(20), 4).await.unwrap();
    let later = later.entries();
    assert_eq!(later.len(), 4);
    assert!(std::ptr::eq(later[0], entries[10]));
    let fact = entries[10].fact().unwrap();
    assert!(std::ptr::eq(fact, later[0].fact().unwrap()));
    given.end().await;
}
