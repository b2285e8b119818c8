//! What PostgreSQL says, and what a test does to it behind the services' back.

use std::{collections::BTreeMap, time::Duration};

use onsale_tests::{database::TestDatabase, wait::eventually};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::sync::Mutex;

/// Longer than anything takes that works; a test that waits so long has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// The fold of the log told a second time, beside the table: one row for each pool that differs. It knows the format of
/// events and of rows, and shares no code with the projection.
const DIFFERENCES: &str = "
WITH e AS (
    SELECT substr(stream, 7) AS pool, version, position, type, time, data
      FROM onsale_log.events WHERE stream LIKE 'pools/%'
), told AS (
    SELECT pool, max(version) AS version, max(position) AS position, min(time) AS create_time,
           max(time) AS update_time,
           count(*) FILTER (WHERE type = 'TicketBought')
         - count(*) FILTER (WHERE type = 'TicketRefunded') AS sold,
           count(*) FILTER (WHERE type = 'TicketClaimed')
         - count(*) FILTER (WHERE type IN ('TicketBought', 'TicketReleased')) AS held,
           count(*) FILTER (WHERE type IN ('PoolCreated', 'PricingChanged')) AS pricing_version,
           bool_or(type = 'PoolCancelled') AS cancelled,
           (array_agg(CASE type WHEN 'SalesStopped' THEN data ->> 'mode' END ORDER BY version DESC)
               FILTER (WHERE type IN ('SalesStopped', 'SalesResumed', 'PoolCancelled')))[1] AS stop_mode,
           (array_agg(data) FILTER (WHERE type = 'PoolCreated'))[1] AS d,
           (array_agg(data ->> 'capacity' ORDER BY version DESC)
               FILTER (WHERE type IN ('PoolCreated', 'CapacityChanged')))[1] AS capacity,
           (array_agg(data -> 'pricing' ORDER BY version DESC)
               FILTER (WHERE type IN ('PoolCreated', 'PricingChanged')))[1] AS pricing,
           (array_agg(data ORDER BY version DESC)
               FILTER (WHERE type IN ('PoolCreated', 'PoolRescheduled')))[1] AS times,
           (array_agg(data ORDER BY version DESC)
               FILTER (WHERE type IN ('PoolCreated', 'LimitsChanged')))[1] AS limits
      FROM e GROUP BY pool
), fold AS (
    SELECT pool, row(version, position, create_time, update_time, sold, held, capacity::bigint, cancelled, stop_mode,
                     pricing::jsonb, pricing_version,
                     (limits ->> 'max_tickets_per_order')::bigint,
                     coalesce((limits ->> 'max_tickets_per_customer')::bigint, 4294967295),
                     (limits ->> 'claim_duration_ms')::bigint,
                     coalesce((limits ->> 'late_purchase_window_ms')::bigint, 0),
                     (times ->> 'show_time')::timestamptz, (times ->> 'sales_start_time')::timestamptz,
                     (times ->> 'sales_end_time')::timestamptz,
                     coalesce((d -> 'labels')::jsonb, '{}'), d ->> 'display_name', d ->> 'promoter', d ->> 'show',
                     false)::text AS state
      FROM told
), shown AS (
    SELECT pool, row(version, position, create_time, update_time, sold, held, capacity, cancelled, stop_mode,
                     pricing::jsonb, pricing_version, max_tickets_per_order, max_tickets_per_customer,
                     claim_duration_ms, late_purchase_window_ms, show_time, sales_start_time, sales_end_time,
                     labels::jsonb, display_name, promoter, show, corrupted)::text AS state
      FROM onsale_read.pools
)
SELECT pool, format('log %s, table %s', fold.state, shown.state) AS text
  FROM fold FULL JOIN shown USING (pool) WHERE fold.state IS DISTINCT FROM shown.state ORDER BY pool";

/// A pool's counts at a version: sold, held, version.
pub(crate) type Counts = (i64, i64, i64);

/// A superuser's session in a test's database.
#[derive(Debug)]
pub(crate) struct Db(Mutex<PgConnection>);

impl Db {
    pub(crate) async fn of(database: &TestDatabase) -> Self {
        Self(Mutex::new(database.admin().await))
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&mut *self.0.lock().await)
            .await
            .expect("PostgreSQL can be asked")
    }

    pub(crate) async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut *self.0.lock().await)
            .await
            .expect("PostgreSQL does it");
    }

    /// The last position of the log.
    pub(crate) async fn head(&self) -> i64 {
        self.number("SELECT coalesce(max(position), 0) FROM onsale_log.events")
            .await
    }

    /// How far the table is.
    pub(crate) async fn checkpoint(&self) -> i64 {
        self.number("SELECT position FROM onsale_query.generations WHERE projection = 'pools' AND state = 'live'")
            .await
    }

    /// Each pool of the table.
    pub(crate) async fn rows(&self) -> BTreeMap<String, Counts> {
        self.counts("SELECT pool, sold, held, version FROM onsale_read.pools")
            .await
    }

    /// Each pool of the log, counted in SQL.
    pub(crate) async fn fold(&self) -> BTreeMap<String, Counts> {
        self.counts(
            "SELECT substr(stream, 7), count(*) FILTER (WHERE type = 'TicketBought') \
                  - count(*) FILTER (WHERE type = 'TicketRefunded'), \
                    count(*) FILTER (WHERE type = 'TicketClaimed') \
                  - count(*) FILTER (WHERE type IN ('TicketBought', 'TicketReleased')), max(version) \
               FROM onsale_log.events GROUP BY 1",
        )
        .await
    }

    async fn counts(&self, sql: &'static str) -> BTreeMap<String, Counts> {
        let rows = sqlx::query(sql)
            .fetch_all(&mut *self.0.lock().await)
            .await
            .expect("PostgreSQL can be asked");
        rows.iter()
            .map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3))))
            .collect()
    }

    /// Waits until the table includes all that is in the log now.
    pub(crate) async fn projected(&self) {
        let head = self.head().await;
        eventually(LIMIT, "the table includes the log", || async {
            (self.checkpoint().await >= head).then_some(())
        })
        .await;
    }

    /// The pools whose rows are not what their events say, and how they differ.
    pub(crate) async fn differences(&self) -> BTreeMap<String, String> {
        let rows = sqlx::query_as(DIFFERENCES)
            .fetch_all(&mut *self.0.lock().await)
            .await
            .expect("PostgreSQL can be asked");
        rows.into_iter().collect()
    }

    /// The table becomes what the log says, in every column of every pool, and nothing more comes after it.
    pub(crate) async fn assert_table_is_fold(&self) {
        self.projected().await;
        assert_eq!(self.checkpoint().await, self.head().await);
        assert_eq!(self.differences().await, BTreeMap::new());
    }

    /// Writes an event that no service would write; nobody is told of it. Returns its position.
    pub(crate) async fn plant(&self, pool: &str, kind: &str, data: &str) -> i64 {
        let mut connection = self.0.lock().await;
        let mut transaction = connection.begin().await.expect("a transaction");
        sqlx::raw_sql("SELECT onsale_log.lock()")
            .execute(&mut *transaction)
            .await
            .expect("the log's lock");
        let position = sqlx::query_scalar(
            "INSERT INTO onsale_log.events \
                    (position, version, event_id, time, recorded_at, schema, stream, type, data, metadata) \
             SELECT max(position) + 1, max(version) FILTER (WHERE stream = $1) + 1, gen_random_uuid(), \
                    clock_timestamp(), clock_timestamp(), 1, $1, $2, $3::json, '{}' \
               FROM onsale_log.events RETURNING position",
        )
        .bind(format!("pools/{pool}"))
        .bind(kind)
        .bind(data)
        .fetch_one(&mut *transaction)
        .await
        .expect("the event is written");
        transaction.commit().await.expect("a commit");
        position
    }

    /// Ends the sessions of query-services that meet a condition on `pg_stat_activity`; returns how many there were.
    pub(crate) async fn terminate_query_sessions(&self, condition: &str) -> i64 {
        self.number(&format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
              WHERE datname = current_database() AND application_name = 'query-service' AND {condition}"
        ))
        .await
    }
}
