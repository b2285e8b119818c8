//! A process follows one history. After a failover that has lost commits, or on a restored backup, the same positions and
//! versions may be of another one: it is never appended to, and nothing is read from it.

use std::{error::Error, sync::Arc};

use onsale_shared::log::{
    AppendError, EventLog, ReadError, Version,
    postgres::{Broken, PostgresLog},
};
use onsale_tests::{database::TestDatabase, wait::within};

use crate::given::{
    LIMIT, append, appended, number, one, position, read_all, read_stream, settle, stale,
};

/// What the error comes from.
fn broken(error: &(dyn Error + 'static)) -> Option<Broken> {
    let here = error.downcast_ref::<Broken>().copied();
    here.or_else(|| broken(error.source()?))
}

/// A database that has lost the second of two events, and the log by which a process has appended them.
async fn that_lost_an_event() -> (TestDatabase, Arc<PostgresLog>) {
    let database = TestDatabase::create().await;
    let log = database.log().await;
    append(&*log, &one("pools/a", 0, 2)).await;
    database.lose_events_after(1).await;
    (database, log)
}

/// That the log is another one now is told by each use of it, and by the process's own signal; and nothing is appended.
async fn is_another_one(log: &PostgresLog, known: i64) {
    let expected = Some(Broken {
        position: position(known),
    });
    let next = one("pools/a", 2, 1);
    // What becomes of it on a session that was lost is not known.
    let error = loop {
        match log.append(&next).await.unwrap_err() {
            AppendError::OutcomeUnknown(_) => {}
            error @ AppendError::NotAppended(_) => break error,
        }
    };
    assert_eq!(broken(&error), expected, "{error:?}");
    let reads: [ReadError; 3] = [
        log.read(position(0), 10).await.unwrap_err(),
        log.head().await.map(drop).unwrap_err(),
        log.lock().await.map(drop).unwrap_err(),
    ];
    for error in reads {
        assert_eq!(broken(&error), expected, "{error:?}");
    }
    let told = within(LIMIT, "it is told", log.lineage().broken()).await;
    assert_eq!(Some(told), expected);
}

#[tokio::test]
async fn a_log_that_has_lost_what_was_appended_is_another_one() {
    let (database, log) = that_lost_an_event().await;
    is_another_one(&log, 2).await;
    let fresh = database.log().await;
    assert_eq!(read_all(&*fresh).await.len(), 1);
    let next = one("pools/a", 1, 1);
    assert_eq!(append(&*fresh, &next).await, [appended([2])]);
}

#[tokio::test]
async fn an_equal_version_is_not_an_equal_history() {
    let (database, log) = that_lost_an_event().await;
    // Another instance brings the log, and the stream, as far again.
    let other = database.log().await;
    append(&*other, &one("pools/a", 1, 1)).await;
    is_another_one(&log, 2).await;
    assert_eq!(read_stream(&*other, "pools/a").await.len(), 2);
}

#[tokio::test]
async fn what_was_only_read_is_known_as_well() {
    let database = TestDatabase::create().await;
    let (log, other) = (database.log().await, database.log().await);
    append(&*other, &one("pools/a", 0, 2)).await;
    log.read_stream(&"pools/a".into(), Version::START, 10)
        .await
        .unwrap();
    database.lose_events_after(1).await;
    is_another_one(&log, 2).await;
}

#[tokio::test]
async fn what_was_appended_under_the_lock_is_known_as_well() {
    let database = TestDatabase::create().await;
    let log = database.log().await;
    let locked = log.lock().await.unwrap();
    locked.append(&one("pools/a", 0, 2)).await.unwrap();
    database.lose_events_after(1).await;
    is_another_one(&log, 2).await;
}

/// Each at its own server for a moment, after a failover: what one session has seen, the others have to show.
#[tokio::test]
async fn a_session_shows_what_others_of_its_process_have_seen() {
    let database = TestDatabase::create().await;
    let (log, other) = (database.log().await, database.log().await);
    append(&*log, &one("pools/a", 0, 1)).await;
    append(&*other, &one("pools/a", 1, 1)).await;
    assert_eq!(read_all(&*log).await.len(), 2, "by a session that reads");
    let lost = "DELETE FROM onsale_log.events WHERE position = 2";
    let mut admin = database.admin().await;
    super::server::run(&mut admin, lost).await;
    let next = one("pools/b", 0, 1);
    let error = log.append(&next).await.unwrap_err();
    let position = position(2);
    assert_eq!(broken(&error), Some(Broken { position }));
    assert_eq!(read_all(&*database.log().await).await.len(), 1);
}

#[tokio::test]
async fn sessions_that_ended_and_others_that_went_on_break_nothing() {
    let database = TestDatabase::create().await;
    let (log, other) = (database.log().await, database.log().await);
    for before in [0, 2, 4] {
        settle(&*log, &one("pools/a", before, 1)).await;
        settle(&*other, &one("pools/a", before + 1, 1)).await;
        let late = one("pools/a", before + 1, 1);
        assert_eq!(append(&*log, &late).await, [stale([before + 2])]);
        let all = number(read_all(&*log).await.len());
        assert_eq!(all, before + 2);
        // All of it is still there.
        database.lose_events_after(all).await;
        log.head().await.unwrap();
        other.head().await.unwrap();
    }
}
