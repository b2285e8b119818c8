//! Whoever holds the lock and vanishes frees it within seconds.

use std::time::Duration;

use onsale_shared::log::{AppendError, EventLog, LockLost, Version};
use onsale_tests::{database::TestDatabase, proxy::Proxy, wait::within};

use super::server::lock_holders;
use crate::given::{LIMIT, append, appended, one, position, read_all};

/// `idle_in_transaction_session_timeout` is a second, and the next writer waits at most two for the lock.
const SOON: Duration = Duration::from_millis(2_500);

#[tokio::test]
async fn a_holder_that_does_nothing_loses_the_lock() {
    let database = TestDatabase::create().await;
    let log = database.log().await;
    let mut locked = within(LIMIT, "the lock", log.lock()).await.unwrap();
    // In one attempt: the writer's own wait for the lock is longer than the holder's time.
    let sent = one("pools/a", 0, 1);
    let outcomes = within(SOON, "the lock of an idle holder", append(&*log, &sent)).await;
    assert_eq!(outcomes, [appended([1])]);

    // The holder finds out, and has appended nothing.
    let stream = "pools/a".into();
    let read = locked.read_stream(&stream, Version::START, 1).await;
    assert!(read.is_err());
    let late = locked.append(&one("pools/a", 1, 1)).await;
    assert!(matches!(late, Err(AppendError::NotAppended(_))), "{late:?}");
    assert_eq!(read_all(&*log).await.len(), 1);
}

#[tokio::test]
async fn who_gives_the_lock_back_learns_whether_it_was_held_until_then() {
    let database = TestDatabase::create().await;
    let log = database.log().await;
    let mut locked = within(LIMIT, "the lock", log.lock()).await.unwrap();
    let stream = "pools/a".into();
    let read = locked.read_stream(&stream, Version::START, 1).await;
    assert_eq!(read.expect("it is held").len(), 0);
    // What was read is outdated now.
    let sent = one("pools/a", 0, 1);
    within(SOON, "the lock of an idle holder", append(&*log, &sent)).await;
    assert_eq!(locked.release().await, Err(LockLost));
    let held = within(LIMIT, "the lock", log.lock()).await.unwrap();
    assert_eq!(held.release().await, Ok(()));
}

#[tokio::test]
async fn a_holder_that_is_forgotten_loses_the_lock() {
    let database = TestDatabase::create().await;
    let log = database.log().await;
    std::mem::forget(log.lock().await.unwrap());
    let sent = one("pools/a", 0, 1);
    within(SOON, "the lock of a forgotten guard", append(&*log, &sent)).await;
}

/// As a machine does whose network fails: its connection stays open and says nothing.
#[tokio::test]
async fn a_holder_behind_a_dead_network_loses_the_lock() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::to(&database.options()).await;
    let far = database
        .log_with(|config| onsale_shared::log::postgres::PostgresLogConfig {
            options: proxy.through(config.options),
            ..config
        })
        .await;
    let near = database.log().await;
    let locked = within(LIMIT, "the lock", far.lock()).await.unwrap();
    proxy.freeze();
    let sent = one("pools/a", 0, 1);
    within(SOON, "the lock of a holder far away", append(&*near, &sent)).await;
    proxy.thaw();
    let late = locked.append(&one("pools/a", 1, 1)).await;
    assert!(matches!(late, Err(AppendError::NotAppended(_))), "{late:?}");
    assert_eq!(near.head().await.unwrap().position, position(1));
}

#[tokio::test]
async fn a_dropped_guard_frees_the_lock_at_once() {
    let database = TestDatabase::create().await;
    let (log, mut admin) = (database.log().await, database.admin().await);
    for round in 0..5 {
        let locked = log.lock().await.unwrap();
        assert_eq!(lock_holders(&mut admin).await.len(), 1);
        drop(locked);
        let sent = one("pools/a", round, 1);
        let soon = Duration::from_millis(900);
        within(soon, "the lock of a dropped guard", append(&*log, &sent)).await;
    }
    assert!(lock_holders(&mut admin).await.is_empty());
}
