//! Hints by LISTEN and NOTIFY may be lost; events may not.

use std::{sync::Arc, time::Duration};

use onsale_shared::log::{
    EventLog, Position,
    postgres::PostgresLogConfig,
    tail::{Tail, TailConfig},
};
use onsale_tests::{
    database::TestDatabase,
    wait::{eventually, within},
};
use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;

use super::server::{backends, backends_become, run, terminate, terminate_if_there};
use crate::given::{
    HINTS_ONLY, LIMIT, append, fill, hinted_tail, ids, ids_of, next_events, one, position, read_all,
};

#[tokio::test]
async fn a_notification_that_is_lost_costs_a_poll_interval() {
    let database = TestDatabase::create().await;
    let silent = database
        .log_with(|config| PostgresLogConfig {
            notify: false,
            ..config
        })
        .await;
    let poll_interval = Duration::from_millis(50);
    let config = TailConfig {
        poll_interval,
        ..HINTS_ONLY
    };
    let mut tail = Tail::new(silent.clone(), Position::START, config);
    for round in 0..5 {
        let sent = one("pools/a", round, 1);
        append(&*silent, &sent).await;
        let limit = poll_interval + Duration::from_secs(1);
        let events = within(limit, "a poll", next_events(&mut tail)).await;
        assert_eq!(ids_of(&events), ids(&sent));
    }
}

#[tokio::test]
async fn who_registers_after_the_notification_reads_what_it_was_about() {
    let database = TestDatabase::create().await;
    let log = database.log().await;
    for round in 0..5 {
        fill(&*log, "pools/a", round, 1).await;
        let mut tail = Tail::new(log.clone(), position(round), HINTS_ONLY);
        assert_eq!(next_events(&mut tail).await.len(), 1);
    }
}

/// Events are appended before, while and after the LISTEN connection dies; no poll helps.
#[tokio::test]
async fn a_killed_listen_connection_loses_nothing_and_hints_come_back() {
    const KILLS: u32 = 3;
    let database = TestDatabase::create().await;
    let (log, mut admin) = (database.log().await, database.admin().await);
    let mut tail = Tail::new(log.clone(), Position::START, HINTS_ONLY);
    // It goes on until the connection was killed often enough: how much is seen at once depends on how busy the machine is.
    let enough = CancellationToken::new();
    let writer = {
        let (log, enough) = (Arc::clone(&log), enough.clone());
        tokio::spawn(async move {
            let mut written = 0;
            while !enough.is_cancelled() {
                fill(&*log, "pools/a", written, 1).await;
                written += 1;
            }
            written
        })
    };
    let mut kills = 0;
    let mut seen = Vec::new();
    while kills < KILLS {
        seen.extend(next_events(&mut tail).await);
        for listening in backends(&mut admin, "LISTEN%").await {
            kills += u32::from(terminate_if_there(&mut admin, listening).await);
        }
    }
    enough.cancel();
    let written = writer.await.unwrap();
    while seen.len() < usize::try_from(written).unwrap() {
        seen.extend(next_events(&mut tail).await);
    }
    assert_eq!(seen, read_all(&*log).await);

    // And on an idle log.
    for round in written..written + 5 {
        let waiting = tokio::spawn(async move {
            let events = next_events(&mut tail).await;
            (tail, events)
        });
        // The last one that was killed may still be listed.
        let listening = loop {
            let listed = backends_become(&mut admin, "LISTEN%", 1).await[0];
            if terminate_if_there(&mut admin, listed).await {
                break listed;
            }
        };
        eventually(LIMIT, "another LISTEN connection", async || {
            let mut admin = database.admin().await;
            let now = backends(&mut admin, "LISTEN%").await;
            (now.len() == 1 && now[0] != listening).then_some(())
        })
        .await;
        let sent = one("pools/a", round, 1);
        append(&*log, &sent).await;
        let (back, events) = waiting.await.unwrap();
        tail = back;
        assert_eq!(ids_of(&events), ids(&sent));
    }
}

#[tokio::test]
async fn a_notifier_that_is_killed_comes_back() {
    let database = TestDatabase::create().await;
    let (log, mut admin) = (database.log().await, database.admin().await);
    let mut tail = hinted_tail(log.clone()).await;
    fill(&*log, "pools/a", 0, 1).await;
    assert_eq!(next_events(&mut tail).await.len(), 1);
    let notifying = backends_become(&mut admin, "%pg_notify%", 1).await[0];
    terminate(&mut admin, notifying).await;
    // The hints of some appends are lost; that of one after them is not.
    let mut round = 1;
    let waiting = tokio::spawn(async move { next_events(&mut tail).await });
    let writing = async {
        while !waiting.is_finished() {
            fill(&*log, "pools/a", round, 1).await;
            round += 1;
        }
    };
    within(LIMIT, "a hint", writing).await;
    assert!(!waiting.await.unwrap().is_empty());
}

/// A payload that somebody else sends on the channel is no position; whoever gets it looks, finds what there is, and
/// goes on.
#[tokio::test]
async fn foreign_notifications_do_no_harm() {
    let database = TestDatabase::create().await;
    let (log, mut admin) = (database.log().await, database.admin().await);
    let mut tail = hinted_tail(log.clone()).await;
    let waiting = tokio::spawn(async move { next_events(&mut tail).await });
    for notify in [
        "SELECT pg_notify('onsale_events', '')",
        "SELECT pg_notify('onsale_events', '-1')",
        "SELECT pg_notify('onsale_events', 'nonsense'), pg_notify('onsale_events', '99999999999999999999')",
        "SELECT pg_notify('onsale_events', '9223372036854775807')",
        "SELECT pg_notify('onsale_events', '0')",
    ] {
        run(&mut admin, notify).await;
    }
    fill(&*log, "pools/a", 0, 1).await;
    assert_eq!(waiting.await.unwrap().len(), 1);
}

/// One hint a commit would take a lock of the whole server at every commit.
#[tokio::test]
async fn notifications_are_fewer_than_appends() {
    const APPENDS: i64 = 200;
    let database = TestDatabase::create().await;
    let log = database.log().await;
    let mut listener = PgListener::connect_with(
        &sqlx::PgPool::connect_with(database.options())
            .await
            .unwrap(),
    )
    .await
    .unwrap();
    listener.listen("onsale_events").await.unwrap();
    let began = std::time::Instant::now();
    for round in 0..APPENDS {
        fill(&*log, "pools/a", round, 1).await;
    }
    let took = began.elapsed();
    let mut hints = 0_u128;
    let last = async {
        loop {
            let notification = listener.recv().await.unwrap();
            hints += 1;
            if notification.payload() == APPENDS.to_string() {
                return;
            }
        }
    };
    within(LIMIT, "the hint of the last append", last).await;
    let most = took.as_millis() / 5 + 2;
    assert!(hints <= most, "{hints} hints in {took:?}");
}

#[tokio::test]
async fn dropped_hints_and_logs_leave_no_connection_behind() {
    let database = TestDatabase::create().await;
    let mut admin = database.admin().await;
    let log = database.log().await;
    fill(&*log, "pools/a", 0, 1).await;
    for _ in 0..3 {
        drop(log.hints().await.unwrap());
    }
    let tail = Tail::new(log.clone(), Position::START, HINTS_ONLY);
    drop((log, tail));
    backends_become(&mut admin, "%", 0).await;
}
