//! Two writers and a reader under forced orders of commits: position order = commit order = visibility order.

use std::sync::Arc;

use onsale_shared::log::{
    EventLog, Position,
    tail::{Tail, TailConfig},
};
use onsale_tests::{database::TestDatabase, wait::within};
use tokio_util::sync::CancellationToken;

use super::server::{append_in, lock_waiters, run};
use crate::given::{
    HINTS_ONLY, LIMIT, POLL_ONLY, append, appended, fill, ids, ids_of, next_events, one, position,
    read_all, stale,
};

/// Without the lock the second writer would commit position 2 while 1 is still invisible, or fail on the same position.
#[tokio::test]
async fn an_uncommitted_append_holds_back_whoever_comes_after_it() {
    let database = TestDatabase::create().await;
    let (log, mut first, mut admin) = (
        database.log().await,
        database.admin().await,
        database.admin().await,
    );
    let mut tail = Tail::new(
        log.clone(),
        Position::START,
        TailConfig {
            page_events: 1,
            ..HINTS_ONLY
        },
    );

    run(&mut first, "BEGIN").await;
    assert_eq!(
        append_in(&mut first, "pools/a", 0).await.unwrap(),
        Some(1),
        "the first writer has its position"
    );
    let sent = Arc::new(one("pools/b", 0, 1));
    let second = {
        let (log, sent) = (Arc::clone(&log), Arc::clone(&sent));
        tokio::spawn(async move { append(&*log, &sent).await })
    };
    lock_waiters(&mut admin, 1).await;
    for _ in 0..5 {
        assert_eq!(read_all(&*log).await, [], "neither is there");
        assert_eq!(log.head().await.unwrap().position, position(0));
    }
    assert!(!second.is_finished());

    run(&mut first, "COMMIT").await;
    assert_eq!(second.await.unwrap(), [appended([2])]);
    let seen = [next_events(&mut tail).await, next_events(&mut tail).await].concat();
    assert_eq!(seen[0].stream.as_str(), "pools/a");
    assert_eq!(ids_of(&seen[1..]), ids(&sent));
    assert_eq!(seen, read_all(&*log).await);
}

#[tokio::test]
async fn a_rolled_back_append_leaves_no_gap() {
    let database = TestDatabase::create().await;
    let (log, mut first, mut admin) = (
        database.log().await,
        database.admin().await,
        database.admin().await,
    );
    fill(&*log, "pools/a", 0, 1).await;
    run(&mut first, "BEGIN").await;
    assert_eq!(append_in(&mut first, "pools/a", 1).await.unwrap(), Some(2));
    let second = {
        let (log, sent) = (Arc::clone(&log), one("pools/a", 1, 1));
        tokio::spawn(async move { append(&*log, &sent).await })
    };
    lock_waiters(&mut admin, 1).await;
    run(&mut first, "ROLLBACK").await;
    assert_eq!(second.await.unwrap(), [appended([2])]);
    assert_eq!(read_all(&*log).await.len(), 2);
}

/// What the second writer checks its expected version against is read after the lock is his.
#[tokio::test]
async fn who_waited_sees_what_was_committed_meanwhile() {
    let database = TestDatabase::create().await;
    let (log, mut first, mut admin) = (
        database.log().await,
        database.admin().await,
        database.admin().await,
    );
    fill(&*log, "pools/a", 0, 1).await;
    run(&mut first, "BEGIN").await;
    append_in(&mut first, "pools/a", 1).await.unwrap();
    let second = {
        let (log, sent) = (Arc::clone(&log), one("pools/a", 1, 1));
        tokio::spawn(async move { append(&*log, &sent).await })
    };
    lock_waiters(&mut admin, 1).await;
    run(&mut first, "COMMIT").await;
    assert_eq!(second.await.unwrap(), [stale([2])]);
}

/// Three writers that hold their transactions open for a while and sometimes roll back, and readers that look all the
/// time: whoever sees position n has seen all before it.
#[tokio::test]
async fn readers_see_a_growing_prefix_of_one_history() {
    const ROUNDS: i64 = 30;
    let database = TestDatabase::create().await;
    let log = database.log().await;
    let done = CancellationToken::new();
    let reader = {
        let (log, done) = (Arc::clone(&log), done.clone());
        tokio::spawn(async move {
            let mut seen = Vec::new();
            let mut looks = 0;
            while !done.is_cancelled() {
                // The density of positions is asserted by the log itself, on every page.
                let now = read_all(&*log).await;
                assert_eq!(now[..seen.len()], seen[..], "history never changes");
                seen = now;
                looks += 1;
            }
            looks
        })
    };
    let mut tail = Tail::new(log.clone(), Position::START, POLL_ONLY);
    let mut writers = Vec::new();
    for writer in 0..3 {
        let mut connection = database.admin().await;
        writers.push(tokio::spawn(async move {
            let stream = format!("pools/{writer}");
            let mut version = 0;
            for round in 0..ROUNDS {
                run(&mut connection, "BEGIN").await;
                let there = append_in(&mut connection, &stream, version).await.unwrap();
                assert!(there.is_some());
                tokio::task::yield_now().await;
                if round % 3 == writer {
                    run(&mut connection, "ROLLBACK").await;
                } else {
                    run(&mut connection, "COMMIT").await;
                    version += 1;
                }
            }
        }));
    }
    for writer in writers {
        within(LIMIT, "a writer", writer).await.unwrap();
    }
    let expected = usize::try_from(ROUNDS * 2).unwrap();
    let mut seen = Vec::new();
    while seen.len() < expected {
        seen.extend(next_events(&mut tail).await);
    }
    assert_eq!(seen, read_all(&*log).await);
    done.cancel();
    assert!(reader.await.unwrap() > 10, "the reader looked in between");
}

/// Stores that find a safe horizon by transaction ids (`xmin`) stand still while any transaction of the whole server
/// is open, even in another database.
#[tokio::test]
async fn a_long_write_transaction_delays_nobody() {
    let database = TestDatabase::create().await;
    let elsewhere = TestDatabase::create_empty().await;
    let (mut other_database, mut other_table) = (elsewhere.admin().await, database.admin().await);
    for connection in [&mut other_database, &mut other_table] {
        run(
            connection,
            "CREATE TABLE long (n int); BEGIN; INSERT INTO long VALUES (1)",
        )
        .await;
    }
    let log = database.log().await;
    let mut tail = Tail::new(log.clone(), Position::START, POLL_ONLY);
    for round in 0..20 {
        let sent = one("pools/a", round, 1);
        let (outcomes, events) = tokio::join!(append(&*log, &sent), next_events(&mut tail));
        assert_eq!(outcomes, [appended([round + 1])]);
        assert_eq!(ids_of(&events), ids(&sent));
    }
    // They were open, and had written, the whole time.
    for connection in [&mut other_database, &mut other_table] {
        let id: Option<String> =
            sqlx::query_scalar("SELECT pg_current_xact_id_if_assigned()::text")
                .fetch_one(&mut *connection)
                .await
                .unwrap();
        assert!(id.is_some());
    }
}

#[tokio::test]
async fn append_refuses_a_snapshot_from_before_the_lock() {
    let database = TestDatabase::create().await;
    let mut connection = database.admin().await;
    for begin in [
        "BEGIN ISOLATION LEVEL REPEATABLE READ",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
    ] {
        run(&mut connection, begin).await;
        let refused = append_in(&mut connection, "pools/a", 0).await.unwrap_err();
        assert!(refused.to_string().contains("READ COMMITTED"), "{refused}");
        run(&mut connection, "ROLLBACK").await;
    }
    run(
        &mut connection,
        "SET default_transaction_isolation = 'repeatable read'",
    )
    .await;
    assert!(append_in(&mut connection, "pools/a", 0).await.is_err());

    // A database whose default is another one: the log's sessions set their own.
    run(
        &mut connection,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = %L', current_database(), \
            'serializable'); END $$",
    )
    .await;
    let log = database.log().await;
    fill(&*log, "pools/a", 0, 1).await;
    let locked = within(LIMIT, "the lock", log.lock()).await.unwrap();
    let answer = locked.append(&one("pools/a", 1, 1)).await.unwrap();
    assert_eq!(answer.outcomes, [appended([2])]);
}

/// Not when it was given: what was appended in between is what was waited for.
#[tokio::test]
async fn a_lock_says_when_the_server_was_asked_for_it() {
    let database = TestDatabase::create().await;
    let (log, mut admin) = (database.log().await, database.admin().await);
    let mut first = database.admin().await;
    run(&mut first, "BEGIN; SELECT onsale_log.lock()").await;
    let before = log.head().await.unwrap().time;
    let waiting = {
        let log = Arc::clone(&log);
        tokio::spawn(async move { log.lock().await.unwrap().asked_at() })
    };
    lock_waiters(&mut admin, 1).await;
    let waited = log.head().await.unwrap().time;
    run(&mut first, "COMMIT").await;
    let asked_at = within(LIMIT, "the lock", waiting).await.unwrap();
    assert!(before <= asked_at && asked_at <= waited, "{asked_at}");
}
