//! A network that swallows what is sent and closes nothing: everything has its time, and goes on elsewhere.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use onsale_shared::log::{
    AppendError, EventLog, Position, ReadError, Version,
    postgres::{PostgresLog, PostgresLogConfig},
    tail::{Tail, TailConfig},
};
use onsale_tests::{
    database::TestDatabase,
    proxy::Proxy,
    wait::{eventually, within},
};
use sqlx::PgConnection;

use super::server::{backends, backends_become, terminate};
use crate::given::{
    HINTS_ONLY, LIMIT, append, fill, hinted_tail, ids, ids_of, next_events, one, read_all, settle,
};

/// Longer than anything takes on a busy machine, and no longer than a test can wait.
const PATIENCE: Duration = Duration::from_millis(1_200);

async fn through(proxy: &Proxy, database: &TestDatabase) -> Arc<PostgresLog> {
    database
        .log_with(|config| PostgresLogConfig {
            options: proxy.through(config.options),
            append_timeout: PATIENCE,
            read_timeout: PATIENCE,
            ..config
        })
        .await
}

const POLL: TailConfig = TailConfig {
    poll_interval: Duration::from_millis(20),
    ..HINTS_ONLY
};

#[tokio::test]
async fn appends_have_their_time_and_go_on_elsewhere() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::to(&database.options()).await;
    let log = through(&proxy, &database).await;
    // As many idle connections as the log keeps.
    let batches: Vec<_> = (0..8).map(|n| one(&format!("pools/{n}"), 0, 1)).collect();
    join_all(batches.iter().map(|batch| append(&*log, batch))).await;

    proxy.freeze_open();
    let sent = one("pools/a", 0, 1);
    let mut unknown = 0;
    let settling = async {
        loop {
            match log.append(&sent).await {
                Ok(appended) => return appended,
                Err(_) => unknown += 1,
            }
        }
    };
    let answer = within(LIMIT, "an answer", settling).await;
    assert_eq!(answer.head.get(), 9);
    assert!(
        (1..=2).contains(&unknown),
        "{unknown} attempts went the way that was known to be dead"
    );
}

#[tokio::test]
async fn reads_have_their_time_and_go_on_elsewhere() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::to(&database.options()).await;
    let log = through(&proxy, &database).await;
    fill(&*log, "pools/a", 0, 1).await;
    assert_eq!(read_all(&*log).await.len(), 1);
    proxy.freeze_open();
    let first = within(LIMIT, "an answer", log.read(Position::START, 10)).await;
    assert!(matches!(first, Err(ReadError::Unavailable { .. })));
    assert_eq!(read_all(&*log).await.len(), 1);
}

#[tokio::test]
async fn the_lock_has_its_time_and_is_to_be_had_elsewhere() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::to(&database.options()).await;
    let log = through(&proxy, &database).await;
    fill(&*log, "pools/a", 0, 1).await;
    proxy.freeze_open();
    // The connection that was idle has its time; a new one has the lock.
    let first = within(LIMIT, "the lock", log.lock()).await.unwrap();
    first.release().await.expect("it was held");

    for round in 1..3 {
        let mut locked = within(LIMIT, "an answer", log.lock()).await.unwrap();
        proxy.freeze_open();
        let sent = one("pools/a", round, 1);
        if round == 1 {
            let under_lock = within(LIMIT, "an answer", locked.append(&sent)).await;
            assert!(matches!(under_lock, Err(AppendError::OutcomeUnknown(_))));
        } else {
            let stream = "pools/a".into();
            let page = locked.read_stream(&stream, Version::START, 10);
            assert!(within(LIMIT, "an answer", page).await.is_err());
        }
        settle(&*log, &sent).await;
    }
    let direct = database.log().await;
    assert_eq!(read_all(&*direct).await.len(), 3);
}

/// Reads that are given up in the middle, as a tail's are, do not use up the connections.
#[tokio::test]
async fn reads_that_are_given_up_cost_no_connection() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::to(&database.options()).await;
    let log = through(&proxy, &database).await;
    fill(&*log, "pools/a", 0, 1).await;
    for _ in 0..20 {
        read_all(&*log).await;
        proxy.freeze_open();
        let given_up = tokio::time::timeout(PATIENCE / 100, log.read(Position::START, 10)).await;
        assert!(given_up.is_err());
    }
    assert_eq!(read_all(&*log).await.len(), 1);
}

#[tokio::test]
async fn a_tail_goes_on_when_its_connections_fall_silent() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::to(&database.options()).await;
    let (log, direct) = (through(&proxy, &database).await, database.log().await);
    let mut tail = Tail::new(log, Position::START, POLL);
    for round in 0..3 {
        let sent = one("pools/a", round, 1);
        append(&*direct, &sent).await;
        assert_eq!(ids_of(&next_events(&mut tail).await), ids(&sent));
        proxy.freeze_open();
    }
}

/// A server that lets nobody in any more, or a firewall before it: who is in goes on polling.
#[tokio::test]
async fn a_tail_polls_while_it_cannot_register_for_hints() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::to(&database.options()).await;
    let mut admin = database.admin().await;
    let log = database
        .log_with(|config| PostgresLogConfig {
            options: proxy.through(config.options),
            connect_timeout: Duration::from_secs(60),
            ..config
        })
        .await;
    let direct = database.log().await;
    let mut tail = Tail::new(log, Position::START, POLL);
    fill(&*direct, "pools/a", 0, 1).await;
    next_events(&mut tail).await;
    let listening = tokio::spawn(async move {
        next_events(&mut tail).await;
        tail
    });
    let pid = backends_become(&mut admin, "LISTEN%", 1).await[0];
    proxy.freeze_new();
    terminate(&mut admin, pid).await;
    fill(&*direct, "pools/a", 1, 1).await;
    let mut tail = within(LIMIT, "an event", listening).await.unwrap();
    for round in 2..10 {
        fill(&*direct, "pools/a", round, 1).await;
        let polled = next_events(&mut tail);
        within(Duration::from_secs(2), "a poll", polled).await;
    }
    assert!(backends(&mut admin, "LISTEN%").await.is_empty());
}

/// The connection for hints alone falls silent: polls notice that they find what no hint announced.
#[tokio::test]
async fn hints_that_fall_silent_are_registered_for_anew() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::to(&database.options()).await;
    let mut admin = database.admin().await;
    let (log, direct) = (through(&proxy, &database).await, database.log().await);
    let config = TailConfig {
        poll_interval: Duration::from_millis(2),
        ..HINTS_ONLY
    };
    let mut tail = Tail::new(log, Position::START, config);
    let done = tokio_util::sync::CancellationToken::new();
    let following = tokio::spawn({
        let done = done.clone();
        async move {
            loop {
                tokio::select! {
                    page = tail.next_page() => drop(page.unwrap()),
                    () = done.cancelled() => return tail.position(),
                }
            }
        }
    });
    backends_become(&mut admin, "LISTEN%", 1).await;
    // The reader is replaced, which nobody notices. Then all that is older than the new one falls silent: the hints.
    let (newest, old) = (proxy.newest(), reader(&mut admin).await.unwrap());
    terminate(&mut admin, old).await;
    eventually(LIMIT, "another reader", async || {
        let found = reader(&mut database.admin().await).await;
        found.filter(|pid| *pid != old)
    })
    .await;
    proxy.freeze_up_to(newest);
    assert_eq!(backends(&mut admin, "LISTEN%").await.len(), 1);
    let mut round = 0;
    let appending = async {
        // The server does not know that the first one is dead.
        while backends(&mut admin, "LISTEN%").await.len() < 2 {
            fill(&*direct, "pools/a", round, 1).await;
            round += 1;
        }
    };
    within(LIMIT, "another registration", appending).await;
    let head = direct.head().await.unwrap().position;
    done.cancel();
    assert!(following.await.unwrap() <= head);
}

/// The backend that reads the log.
async fn reader(admin: &mut PgConnection) -> Option<i32> {
    backends(admin, "%position > $1%").await.first().copied()
}

#[tokio::test]
async fn a_notifier_that_falls_silent_comes_back() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::to(&database.options()).await;
    let log = database
        .log_with(|config| PostgresLogConfig {
            options: proxy.through(config.options),
            append_timeout: PATIENCE,
            connect_timeout: PATIENCE,
            ..config
        })
        .await;
    let mut tail = hinted_tail(database.log().await).await;
    fill(&*log, "pools/a", 0, 1).await;
    assert_eq!(next_events(&mut tail).await.len(), 1);
    proxy.freeze_open();
    let waiting = tokio::spawn(async move { next_events(&mut tail).await });
    let appending = async {
        for round in 1.. {
            if waiting.is_finished() {
                return;
            }
            settle(&*log, &one("pools/a", round, 1)).await;
        }
    };
    within(LIMIT, "a hint", appending).await;
    assert!(!waiting.await.unwrap().is_empty());
}
