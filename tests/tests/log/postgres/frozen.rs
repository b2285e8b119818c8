//! A backend that stands still (SIGSTOP) in the middle of an append, is given up by its client, and goes on when the
//! client has sent its batch again: the batch is in the log once, and the answer is definite.

use std::{sync::Arc, time::Duration};

use onsale_shared::log::{
    AppendBatch, AppendError, Appended, EventLog, Group, Origin,
    postgres::{PostgresLog, PostgresLogConfig},
};
use onsale_tests::{
    database::TestDatabase,
    wait::{eventually, within},
};
use sqlx::PgConnection;
use tokio::task::JoinHandle;

use super::server::{Frozen, backends_become, ended, lock_holders, lock_waiters, run};
use crate::given::{
    LIMIT, append, appended, batch, fill, group, ids, ids_of, number, one, position, read_all,
    read_stream, repeated, settle, stale, write,
};

/// A log whose client gives up soon.
async fn impatient(database: &TestDatabase) -> Arc<PostgresLog> {
    database
        .log_with(|config| PostgresLogConfig {
            append_timeout: Duration::from_millis(300),
            notify: false,
            ..config
        })
        .await
}

fn attempt(
    log: &Arc<PostgresLog>,
    sent: &Arc<AppendBatch>,
) -> JoinHandle<Result<Appended, AppendError>> {
    let (log, sent) = (Arc::clone(log), Arc::clone(sent));
    tokio::spawn(async move { log.append(&sent).await })
}

fn settling(log: &Arc<PostgresLog>, sent: &Arc<AppendBatch>) -> JoinHandle<Appended> {
    let (log, sent) = (Arc::clone(log), Arc::clone(sent));
    tokio::spawn(async move { settle(&*log, &sent).await })
}

async fn assert_unknown(attempt: JoinHandle<Result<Appended, AppendError>>) {
    let outcome = within(LIMIT, "the client giving up", attempt)
        .await
        .unwrap();
    assert!(
        matches!(outcome, Err(AppendError::OutcomeUnknown(_))),
        "{outcome:?}"
    );
}

/// Waits until no backend waits for the lock or has it: every abandoned attempt has run.
async fn all_quiet(database: &TestDatabase) {
    eventually(LIMIT, "the end of every attempt", async || {
        let mut admin = database.admin().await;
        let running = super::server::backends(&mut admin, "%onsale_log.append%").await;
        // The settled attempt's connection is idle and stays.
        (running.len() <= 1 && lock_holders(&mut admin).await.is_empty()).then_some(())
    })
    .await;
}

fn two_groups() -> Arc<AppendBatch> {
    let across = Group {
        writes: vec![write("pools/b", 0, 1), write("pools/c", 0, 2)],
    };
    Arc::new(batch([group("pools/a", 0, 2), across]))
}

fn two_groups_with_an_origin() -> Arc<AppendBatch> {
    let mut groups = Arc::unwrap_or_clone(two_groups()).into_groups();
    groups[0].writes[0].events[0].origin = Some(Origin {
        ip: None,
        user_agent: Some("somebody".into()),
    });
    Arc::new(batch(groups))
}

#[tokio::test]
async fn frozen_while_it_waits_for_the_lock() {
    let database = TestDatabase::create().await;
    let (mut admin, mut holder) = (database.admin().await, database.admin().await);
    let log = impatient(&database).await;
    let sent = two_groups();

    run(&mut holder, "BEGIN; SELECT onsale_log.lock()").await;
    let first = attempt(&log, &sent);
    let waiting = lock_waiters(&mut admin, 1).await[0];
    let frozen = Frozen::backend(waiting);
    assert_unknown(first).await;
    // The lock goes to whoever waited longest, awake or not.
    run(&mut holder, "COMMIT").await;
    let again = settling(&log, &sent);
    lock_waiters(&mut admin, 1).await;
    assert_eq!(lock_holders(&mut admin).await, [waiting]);
    assert_eq!(read_all(&*log).await, []);
    assert!(!again.is_finished());

    frozen.thaw(&mut admin).await;
    let answer = within(LIMIT, "the second attempt", again).await.unwrap();
    assert_eq!(answer.outcomes, [repeated([1]), repeated([3, 4])]);
    all_quiet(&database).await;
    assert_eq!(ids_of(&read_all(&*log).await), ids(&sent));
}

#[tokio::test]
async fn frozen_while_it_holds_the_lock() {
    let database = TestDatabase::create().await;
    let (mut admin, mut blocker) = (database.admin().await, database.admin().await);
    let log = impatient(&database).await;
    let sent = two_groups_with_an_origin();

    // The append has inserted its events when it comes to this table.
    run(
        &mut blocker,
        "BEGIN; LOCK TABLE onsale_log.event_origins IN ACCESS EXCLUSIVE MODE",
    )
    .await;
    let first = attempt(&log, &sent);
    let holding = eventually(LIMIT, "an append that is blocked", async || {
        let mut admin = database.admin().await;
        let blocked: Option<i32> = sqlx::query_scalar(
            "SELECT pid FROM pg_locks WHERE locktype = 'relation' AND NOT granted \
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .fetch_optional(&mut admin)
        .await
        .unwrap();
        blocked
    })
    .await;
    assert_eq!(lock_holders(&mut admin).await, [holding]);
    let frozen = Frozen::backend(holding);
    run(&mut blocker, "ROLLBACK").await;
    assert_unknown(first).await;
    let again = settling(&log, &sent);
    lock_waiters(&mut admin, 1).await;
    assert_eq!(read_all(&*log).await, []);
    assert!(!again.is_finished());

    frozen.thaw(&mut admin).await;
    let answer = within(LIMIT, "the second attempt", again).await.unwrap();
    assert_eq!(answer.outcomes, [repeated([1]), repeated([3, 4])]);
    all_quiet(&database).await;
    assert_eq!(ids_of(&read_all(&*log).await), ids(&sent));
}

/// The one idle connection of the log, frozen before it reads the next request.
async fn freeze_idle_writer(log: &PostgresLog, admin: &mut PgConnection) -> (Frozen, i32) {
    fill(log, "pools/first", 0, 1).await;
    let writer = backends_become(admin, "%onsale_log.append%", 1).await[0];
    (Frozen::backend(writer), writer)
}

#[tokio::test]
async fn an_abandoned_attempt_that_runs_after_the_next_one_appends_nothing() {
    let database = TestDatabase::create().await;
    let mut admin = database.admin().await;
    let log = impatient(&database).await;
    let sent = two_groups();

    let (frozen, _) = freeze_idle_writer(&log, &mut admin).await;
    assert_unknown(attempt(&log, &sent)).await;
    let answer = settle(&*log, &sent).await;
    assert_eq!(
        answer.outcomes,
        [appended([2]), appended([4, 5])],
        "the second attempt won"
    );
    fill(&*log, "pools/a", 2, 1).await;
    let before = read_all(&*log).await;

    frozen.thaw(&mut admin).await;
    assert_eq!(read_all(&*log).await, before);
    assert_eq!(log.head().await.unwrap().position, position(7));
}

#[tokio::test]
async fn an_abandoned_attempt_that_runs_after_foreign_events_appends_nothing() {
    let database = TestDatabase::create().await;
    let mut admin = database.admin().await;
    let log = impatient(&database).await;
    let foreign = database.log().await;
    let sent = Arc::new(one("pools/a", 0, 2));

    let (frozen, _) = freeze_idle_writer(&log, &mut admin).await;
    assert_unknown(attempt(&log, &sent)).await;
    // As many events as the batch has: by its version alone the stream looks as if the batch were there.
    fill(&*foreign, "pools/a", 0, 2).await;
    assert_eq!(
        settle(&*log, &sent).await.outcomes,
        [stale([2])],
        "a definite answer: versions never go back"
    );
    frozen.thaw(&mut admin).await;
    assert_eq!(append(&*log, &sent).await, [stale([2])]);
    assert_eq!(read_stream(&*log, "pools/a").await.len(), 2);
    assert!(
        read_all(&*log)
            .await
            .iter()
            .all(|event| !ids(&sent).contains(&event.id))
    );
}

/// What was decided on top of an attempt with an unknown outcome is accepted when foreign events make up the number,
/// although its base is not there. The log cannot see that; so the layer above never sends it (command-service's tests
/// hold that).
#[tokio::test]
async fn an_expected_version_says_nothing_of_what_was_decided_on() {
    let database = TestDatabase::create().await;
    let mut admin = database.admin().await;
    let log = impatient(&database).await;
    let foreign = database.log().await;
    let (base, on_top) = (Arc::new(one("pools/a", 0, 1)), one("pools/a", 1, 1));

    let (frozen, writer) = freeze_idle_writer(&log, &mut admin).await;
    assert_unknown(attempt(&log, &base)).await;
    fill(&*foreign, "pools/a", 0, 1).await;
    assert_eq!(append(&*log, &on_top).await, [appended([3])]);
    drop(frozen);
    ended(&mut admin, writer).await;
    assert_eq!(append(&*log, &base).await, [stale([2])]);
    assert_eq!(number(read_stream(&*log, "pools/a").await.len()), 2);
}
