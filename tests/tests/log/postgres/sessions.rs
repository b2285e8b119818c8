//! The settings of the log's sessions, whatever the server's defaults are, and the log's clock.

use onsale_shared::{log::EventLog, time::Timestamp};
use onsale_tests::{database::TestDatabase, wait::within};
use sqlx::Row as _;

use super::server::run;
use crate::given::{LIMIT, append, one};

/// What an append runs under is recorded by a trigger, for each way to append.
#[tokio::test]
async fn settings_are_the_logs_own() {
    let database = TestDatabase::create().await;
    let mut admin = database.admin().await;
    run(
        &mut admin,
        "CREATE TABLE public.seen (name text, setting text);
         GRANT ALL ON public.seen TO PUBLIC;
         CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO public.seen SELECT name, current_setting(name) FROM unnest(ARRAY['synchronous_commit', 'role',
                 'transaction_isolation', 'idle_in_transaction_session_timeout', 'lock_timeout',
                 'statement_timeout', 'TimeZone', 'jit']) AS s (name);
             RETURN NULL;
         END $$;
         CREATE TRIGGER note AFTER INSERT ON onsale_log.events EXECUTE FUNCTION public.note();
         DO $$ DECLARE s text; BEGIN
             FOREACH s IN ARRAY ARRAY['synchronous_commit = off', 'idle_in_transaction_session_timeout = 0',
                 'lock_timeout = 0', 'statement_timeout = 0', 'default_transaction_isolation = ''serializable''',
                 'TimeZone = ''Asia/Kathmandu''', 'enable_indexscan = on']
             LOOP EXECUTE format('ALTER DATABASE %I SET %s', current_database(), s); END LOOP;
         END $$",
    )
    .await;
    let log = database.log().await;
    append(&*log, &one("pools/a", 0, 1)).await;
    let locked = within(LIMIT, "the lock", log.lock()).await.unwrap();
    locked.append(&one("pools/a", 1, 1)).await.unwrap();

    let seen: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT name, setting, count(*) FROM public.seen GROUP BY 1, 2 ORDER BY 1")
            .fetch_all(&mut admin)
            .await
            .unwrap();
    let expected = [
        ("TimeZone", "UTC"),
        ("idle_in_transaction_session_timeout", "1s"),
        ("jit", "off"),
        ("lock_timeout", "2s"),
        ("role", "onsale_command_service"),
        ("statement_timeout", "5s"),
        ("synchronous_commit", "on"),
        ("transaction_isolation", "read committed"),
    ]
    .map(|(name, setting)| (name.to_owned(), setting.to_owned(), 2));
    let mut seen = seen;
    seen.sort();
    assert_eq!(seen, expected);
}

/// A stricter default of the operator's stays.
#[tokio::test]
async fn a_stricter_synchronous_commit_is_kept() {
    let database = TestDatabase::create().await;
    let mut connection = database.admin().await;
    for (default, expected) in [
        ("off", "on"),
        ("local", "on"),
        ("on", "on"),
        ("remote_write", "remote_write"),
        ("remote_apply", "remote_apply"),
    ] {
        sqlx::query("SELECT set_config('synchronous_commit', $1, false)")
            .bind(default)
            .execute(&mut connection)
            .await
            .unwrap();
        onsale_shared::log::postgres::prepare_session(&mut connection, None)
            .await
            .unwrap();
        let shown = sqlx::query("SHOW synchronous_commit")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(shown.get::<String, _>(0), expected, "{default}");
    }
}

#[tokio::test]
async fn the_clock_is_the_servers() {
    const TOLERANCE: i64 = 5_000;
    let database = TestDatabase::create().await;
    let (log, mut admin) = (database.log().await, database.admin().await);
    for round in 0..20 {
        let before = log.clock().now().as_micros();
        let time: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("SELECT clock_timestamp()")
            .fetch_one(&mut admin)
            .await
            .unwrap();
        let after = log.clock().now().as_micros();
        let time = Timestamp::from(time).as_micros();
        assert!(
            before - TOLERANCE <= time && time <= after + TOLERANCE,
            "{time} is not between {before} and {after}"
        );
        // Every answer teaches the clock.
        append(&*log, &one("pools/a", round, 1)).await;
    }
}

/// The sessions of several instances stay apart: an instance's clock is its own, its reads are of its own connections.
#[tokio::test]
async fn reading_needs_no_more_connections_than_it_may() {
    let database = TestDatabase::create().await;
    let log = database
        .log_with(|config| onsale_shared::log::postgres::PostgresLogConfig {
            read_connections_max: 2,
            notify: false,
            ..config
        })
        .await;
    append(&*log, &one("pools/a", 0, 1)).await;
    let reads = (0..40).map(|_| {
        let log = log.clone();
        tokio::spawn(async move { log.read(onsale_shared::log::Position::START, 10).await })
    });
    for read in reads.collect::<Vec<_>>() {
        assert_eq!(read.await.unwrap().unwrap().len(), 1);
    }
    let mut admin = database.admin().await;
    let readers = super::server::backends(&mut admin, "%position > $1%").await;
    assert!(readers.len() <= 2, "{readers:?}");
}
