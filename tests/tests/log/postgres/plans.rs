//! Plans that were cached while the log was empty are still right when it is large.

use onsale_shared::log::{EventLog, Version};
use onsale_tests::{database::TestDatabase, wait::within};
use sqlx::PgConnection;

use super::server::{backends_become, run};
use crate::given::{LIMIT, append, batch, group, number, one, position, settle};

#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
struct Scans {
    seq_scan: i64,
    seq_tup_read: i64,
    idx_scan: i64,
}

async fn scans(admin: &mut PgConnection) -> Scans {
    sqlx::query_as(
        "SELECT seq_scan, seq_tup_read, idx_scan FROM pg_stat_user_tables \
          WHERE schemaname = 'onsale_log' AND relname = 'events'",
    )
    .fetch_one(admin)
    .await
    .unwrap()
}

#[tokio::test]
async fn nothing_scans_the_whole_log() {
    const STREAMS: i64 = 40;
    const EVENTS: i64 = 20_000;
    let database = TestDatabase::create().await;
    let mut admin = database.admin().await;
    // As on a server that never gets round to it.
    run(
        &mut admin,
        "ALTER TABLE onsale_log.events SET (autovacuum_enabled = off)",
    )
    .await;
    let log = database.log().await;
    // The planner knows that the table has one page, for which it would rather read the page than an index.
    append(&*log, &one("pools/zero", 0, 3)).await;
    run(&mut admin, "VACUUM ANALYZE onsale_log.events").await;
    let before = scans(&mut admin).await;

    // Often enough that every plan is cached, on the connections that are used from here on.
    let stream = "pools/first".into();
    for round in 0..12 {
        let sent = one("pools/first", round, 1);
        append(&*log, &sent).await;
        settle(&*log, &sent).await;
        log.read(position(round), 10).await.unwrap();
        log.read_stream(&stream, Version::START, 10).await.unwrap();
        log.head().await.unwrap();
    }
    let each = usize::try_from(EVENTS / STREAMS).unwrap();
    for number in 0..STREAMS {
        append(&*log, &one(&format!("pools/{number}"), 0, each)).await;
    }

    // Appends, stale ones, repeats; pages of the log and of a stream from the beginning, the middle and the end.
    let last = number(each);
    let mixed = batch([
        group("pools/1", last, 2),
        group("pools/2", 3, 1),
        group("pools/new", 0, 1),
    ]);
    append(&*log, &mixed).await;
    append(&*log, &mixed).await;
    for after in [0, EVENTS / 2, EVENTS] {
        log.read(position(after), 100).await.unwrap();
    }
    for after in [0, last / 2, last] {
        let after = Version::new(after).unwrap();
        log.read_stream(&"pools/3".into(), after, 100)
            .await
            .unwrap();
    }
    log.head().await.unwrap();
    let mut locked = within(LIMIT, "the lock", log.lock()).await.unwrap();
    let stream = "pools/4".into();
    let page = locked.read_stream(&stream, Version::START, 10);
    assert_eq!(page.await.unwrap().len(), 10);
    locked.append(&one("pools/4", last, 1)).await.unwrap();

    // Backends report what they did when they end.
    drop(log);
    backends_become(&mut admin, "%", 0).await;
    let after = scans(&mut admin).await;
    assert_eq!(
        (after.seq_scan, after.seq_tup_read),
        (before.seq_scan, before.seq_tup_read)
    );
    assert!(after.idx_scan > before.idx_scan + 100, "{after:?}");
}
