//! What the log says, and what a test does to it behind the services' back.

use std::time::Duration;

use onsale_proto::v1;
use onsale_tests::{database::TestDatabase, wait::eventually};
use prost_types::Timestamp;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Row as _};
use tonic::Request;

/// Longer than anything takes that works; a test that waits so long has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A request whose caller has time; for what only prepares a call with little.
pub(crate) fn patiently<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(LIMIT);
    request
}

/// One row of the log.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) version: i64,
    pub(crate) id: String,
    pub(crate) kind: String,
    /// RFC 3339, microseconds, as the services write times.
    pub(crate) time: String,
    pub(crate) data: Value,
    pub(crate) metadata: Value,
    /// The transaction that wrote it.
    pub(crate) transaction: String,
}

/// The events of a pool, in order.
pub(crate) async fn events(database: &TestDatabase, pool: &str) -> Vec<Event> {
    let rows = sqlx::query(
        "SELECT version, event_id::text AS id, type, data::text AS data, metadata::text AS metadata, xmin::text AS xmin, \
                to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS time \
           FROM onsale_log.events WHERE stream = 'pools/' || $1 ORDER BY version",
    )
    .bind(pool)
    .fetch_all(&mut database.admin().await)
    .await
    .expect("the log can be asked");
    let json = |text: &str| serde_json::from_str(text).expect("JSON");
    rows.iter()
        .map(|row| Event {
            version: row.get("version"),
            id: row.get("id"),
            kind: row.get("type"),
            time: row.get("time"),
            data: json(row.get("data")),
            metadata: json(row.get("metadata")),
            transaction: row.get("xmin"),
        })
        .collect()
}

/// How many events of a pool there are of a kind.
pub(crate) async fn count(database: &TestDatabase, pool: &str, kind: &str) -> usize {
    let events = events(database, pool).await;
    events.iter().filter(|event| event.kind == kind).count()
}

/// How many events a command recorded.
pub(crate) async fn recorded(database: &TestDatabase, request_id: &str) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM onsale_log.events WHERE metadata ->> 'request_id' = $1",
    )
    .bind(request_id)
    .fetch_one(&mut database.admin().await)
    .await
    .expect("the log can be asked")
}

/// The position of the last event.
pub(crate) async fn head(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM onsale_log.events")
        .fetch_one(&mut database.admin().await)
        .await
        .expect("the log can be asked")
}

/// So many seconds from now on, by the log's clock.
pub(crate) async fn from_now(database: &TestDatabase, seconds: i64) -> Option<Timestamp> {
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let now: i64 = sqlx::query_scalar(now)
        .fetch_one(&mut database.admin().await)
        .await
        .expect("the clock can be asked");
    Some(Timestamp {
        seconds: now / 1_000_000 + seconds,
        nanos: i32::try_from(now % 1_000_000 * 1_000).expect("less than a second"),
    })
}

/// Waits until the log's clock shows that a claim has ended.
pub(crate) async fn wait_until_expired(database: &TestDatabase, claim: &v1::Claim) {
    wait_until(database, claim.expire_time).await;
}

/// Waits until the log's clock shows a time.
pub(crate) async fn wait_until(database: &TestDatabase, time: Option<Timestamp>) {
    let mut connection = database.admin().await;
    let time = time.expect("a time");
    let micros = time.seconds * 1_000_000 + i64::from(time.nanos) / 1_000;
    let remaining =
        "SELECT ceil(greatest(0, $1 - extract(epoch FROM clock_timestamp()) * 1000000))::bigint";
    loop {
        let remaining: i64 = sqlx::query_scalar(remaining)
            .bind(micros)
            .fetch_one(&mut connection)
            .await
            .expect("the clock can be asked");
        let Ok(remaining @ 1..) = u64::try_from(remaining) else {
            return;
        };
        tokio::time::sleep(Duration::from_micros(remaining)).await;
    }
}

/// The lock of the log, held by the test: appends wait.
#[derive(Debug)]
pub(crate) struct LogLock {
    connection: PgConnection,
}

impl LogLock {
    /// Takes it.
    pub(crate) async fn take(database: &TestDatabase) -> Self {
        let mut connection = database.admin().await;
        sqlx::query("SELECT pg_advisory_lock(1869509473, 1)")
            .execute(&mut connection)
            .await
            .expect("the lock can be taken");
        Self { connection }
    }

    /// Until an append waits for it.
    pub(crate) async fn awaited(&mut self) {
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let connection = tokio::sync::Mutex::new(&mut self.connection);
        eventually(LIMIT, "an append waits for the lock", || async {
            let waiting: i64 = sqlx::query_scalar(waiting)
                .fetch_one(&mut **connection.lock().await)
                .await
                .expect("the locks can be asked");
            (waiting > 0).then_some(())
        })
        .await;
    }

    /// Gives it back.
    pub(crate) async fn release(self) {
        self.connection
            .close()
            .await
            .expect("the lock is given back");
    }
}

/// Writes an event behind the services' back: the next of its pool and of the log.
pub(crate) async fn plant(database: &TestDatabase, pool: &str, kind: &str, data: &Value) -> i64 {
    let mut lock = LogLock::take(database).await;
    let version = sqlx::query_scalar(
        "INSERT INTO onsale_log.events (position, version, event_id, time, recorded_at, schema, stream, type, data, metadata) \
         SELECT (SELECT coalesce(max(position), 0) + 1 FROM onsale_log.events), \
                (SELECT coalesce(max(version), 0) + 1 FROM onsale_log.events WHERE stream = 'pools/' || $1), \
                gen_random_uuid(), clock_timestamp(), clock_timestamp(), 1, 'pools/' || $1, $2, $3::json, '{}' \
         RETURNING version",
    )
    .bind(pool)
    .bind(kind)
    .bind(data.to_string())
    .fetch_one(&mut lock.connection)
    .await
    .expect("a superuser may write");
    lock.release().await;
    version
}

/// Closes the database to new sessions and ends those that are open, or opens it again.
pub(crate) async fn admit_sessions(database: &TestDatabase, admit: bool) {
    let mut server = PgConnection::connect(&onsale_tests::database::server_url())
        .await
        .expect("the server can be reached");
    let name = database.name();
    let statement = format!(
        "ALTER DATABASE {name} ALLOW_CONNECTIONS {admit}; \
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND NOT {admit}"
    );
    // Safe: built of a name that the harness made and a truth value. ALTER DATABASE is its own transaction.
    for statement in statement.split("; ") {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
            .execute(&mut server)
            .await
            .expect("a superuser may close a database");
    }
}
