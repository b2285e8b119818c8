//! Neither service may change or delete an event, and only the append function inserts one.

use onsale_shared::log::{
    AppendError, EventLog,
    postgres::{PostgresLogConfig, Role, prepare_session},
};
use onsale_tests::database::TestDatabase;
use sqlx::{AssertSqlSafe, PgConnection};

use super::server::{append_in, run};
use crate::given::{append, appended, fill, one, read_all, read_stream};

const FORBIDDEN_TO_ALL: [&str; 13] = [
    "INSERT INTO onsale_log.events SELECT position + 1, version + 1, event_id, time, recorded_at, schema, stream, type, \
        data, metadata FROM onsale_log.events",
    "UPDATE onsale_log.events SET data = '{}'",
    "DELETE FROM onsale_log.events",
    "TRUNCATE onsale_log.events",
    "COPY onsale_log.events FROM STDIN",
    "DROP TABLE onsale_log.events",
    "ALTER TABLE onsale_log.events DISABLE TRIGGER ALL",
    "CREATE TABLE onsale_log.mine (n int)",
    "CREATE OR REPLACE FUNCTION onsale_log.lock() RETURNS void LANGUAGE sql AS ''",
    "INSERT INTO onsale_log.event_origins (event_id) SELECT event_id FROM onsale_log.events",
    "UPDATE onsale_log.event_origins SET user_agent = ''",
    "TRUNCATE onsale_log.event_origins",
    "DELETE FROM onsale_log.migrations",
];

async fn code(connection: &mut PgConnection, statement: &'static str) -> Option<String> {
    let result = sqlx::raw_sql(statement).execute(connection).await;
    let error = result.err()?;
    let code = error.as_database_error()?.code()?;
    Some(code.into_owned())
}

async fn session(database: &TestDatabase, role: Role) -> PgConnection {
    let mut connection = database.admin().await;
    prepare_session(&mut connection, Some(role)).await.unwrap();
    connection
}

#[tokio::test]
async fn neither_role_may_touch_the_events() {
    let database = TestDatabase::create().await;
    let log = database.log().await;
    fill(&*log, "pools/a", 0, 1).await;
    for role in [Role::Command, Role::Query] {
        let mut session = session(&database, role).await;
        for statement in FORBIDDEN_TO_ALL {
            assert_eq!(
                code(&mut session, statement).await.as_deref(),
                Some("42501"),
                "{role:?}: {statement}"
            );
        }
        let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM onsale_log.events")
            .fetch_one(&mut session)
            .await
            .unwrap();
        assert_eq!(seen, 1);
    }
    assert_eq!(read_all(&*log).await.len(), 1);
}

#[tokio::test]
async fn only_command_service_may_append() {
    let database = TestDatabase::create().await;
    let mut command = session(&database, Role::Command).await;
    let there = append_in(&mut command, "pools/a", 0).await.unwrap();
    assert_eq!(there, Some(1));

    let mut query = session(&database, Role::Query).await;
    let refused = append_in(&mut query, "pools/a", 1).await.unwrap_err();
    let code = refused.as_database_error().and_then(|e| e.code());
    assert_eq!(code.as_deref(), Some("42501"));
    let reading = database
        .log_with(|config| PostgresLogConfig {
            role: Some(Role::Query),
            ..config
        })
        .await;
    let refused = reading.append(&one("pools/a", 1, 1)).await;
    assert!(
        matches!(refused, Err(AppendError::NotAppended(_))),
        "{refused:?}"
    );
    assert_eq!(read_stream(&*reading, "pools/a").await.len(), 1);
    assert_eq!(reading.head().await.unwrap().position.get(), 1);
}

/// Personal data is for the query side to show, and for nobody else.
#[tokio::test]
async fn only_query_service_may_read_origins() {
    const ORIGINS: &str = "SELECT * FROM onsale_log.event_origins";
    let database = TestDatabase::create().await;
    let mut command = session(&database, Role::Command).await;
    let mut query = session(&database, Role::Query).await;
    assert_eq!(code(&mut command, ORIGINS).await.as_deref(), Some("42501"));
    assert_eq!(code(&mut query, ORIGINS).await, None);
}

/// The function runs as its owner; what a caller puts into his search path must not change what it calls.
#[tokio::test]
async fn append_does_not_follow_the_callers_search_path() {
    let database = TestDatabase::create().await;
    let mut session = session(&database, Role::Command).await;
    let mut admin = database.admin().await;
    run(
        &mut admin,
        "CREATE SCHEMA mine;
         GRANT USAGE ON SCHEMA mine TO PUBLIC;
         CREATE FUNCTION mine.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'mine'; END $$;
         CREATE FUNCTION mine.current_setting(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'mine'; END $$",
    )
    .await;
    run(
        &mut session,
        "CREATE TEMP TABLE events (LIKE onsale_log.events); SET search_path = pg_temp, mine, pg_catalog",
    )
    .await;
    // The one that is called, and those that instances of before call.
    let functions = [
        ("append_known", "ARRAY[false], NULL, "),
        ("append_batch", ""),
        ("append", ""),
    ];
    for ((function, known), expected) in functions.into_iter().zip(0..) {
        let there = append_in_plain(&mut session, function, known, expected).await;
        assert_eq!(there, Some(expected + 1), "{function}");
    }
    let log = database.log().await;
    assert_eq!(append(&*log, &one("pools/a", 3, 1)).await, [appended([4])]);
}

/// As `append_in`, whose own call of `clock_timestamp()` would be the session's.
async fn append_in_plain(
    session: &mut PgConnection,
    function: &str,
    known: &str,
    expected: i64,
) -> Option<i64> {
    // Safe: names of this file.
    sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT first_position FROM onsale_log.{function}(ARRAY[1], ARRAY['pools/a'], ARRAY[$1::bigint], {known}ARRAY[1], \
            ARRAY[$1::bigint + 1], ARRAY[lpad($1::text, 32, '0')::uuid], ARRAY['SalesResumed'], \
            ARRAY[1::smallint], ARRAY[timestamptz '2027-01-01Z'], ARRAY['{{}}'], ARRAY['{{}}'], '{{}}', '{{}}', '{{}}')"
    )))
    .bind(expected)
    .fetch_one(session)
    .await
    .unwrap()
}
