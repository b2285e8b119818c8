//! Reading all of `sales` that was selected, row by row, of one snapshot: as long as it takes, within a limit.

use futures::{Stream, StreamExt as _};
use onsale_shared::{id::PoolId, money::Minor, time::Timestamp};
use sqlx::{
    AssertSqlSafe, PgConnection, Row as _,
    postgres::PgRow,
    types::chrono::{DateTime, Utc},
};

use super::{
    decode::minor,
    pools_row::progress_of,
    sales_report::{Span, pool, sums_of},
};
use crate::{availability::Progress, projections::sales::Sums};

/// How long an export may take, in milliseconds: the snapshot that it holds keeps PostgreSQL from cleaning up. Includes
/// the time that its reader takes.
pub(crate) const EXPORT_MS_MAX: u32 = 300_000;

/// What was sold and refunded in a bucket at one price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) pool: PoolId,
    pub(crate) start: Timestamp,
    pub(crate) unit_price: Minor,
    pub(crate) sums: Sums,
}

/// The table of the live generation and how far it is.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) progress: Progress,
    table: String,
}

/// Begins a read only transaction on one snapshot. The view is not used: whoever reads it for minutes would hold off a
/// switch to another generation for minutes, and with it all other readers. The tables behind it stay for a while. The network
/// does not take a reader who pauses for one who has gone.
pub(crate) async fn begin(connection: &mut PgConnection) -> Result<Snapshot, sqlx::Error> {
    // One round trip. Safe: built of constants.
    let begin = AssertSqlSafe(format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
         SET LOCAL statement_timeout = {EXPORT_MS_MAX}; \
         SET LOCAL tcp_user_timeout = {EXPORT_MS_MAX}; \
         SELECT generation, position AS checkpoint, time AS checkpoint_time \
           FROM onsale_query.generations WHERE projection = 'sales' AND state = 'live'"
    ));
    let row = sqlx::raw_sql(begin).fetch_one(connection).await?;
    let generation: i32 = row.try_get("generation")?;
    Ok(Snapshot {
        progress: progress_of(&row)?,
        table: format!("onsale_query_sales_{generation}.sales"),
    })
}

/// The rows of pools by pool, bucket and price, in this order. They are read as fast as they are taken.
pub(crate) fn rows<'c>(
    connection: &'c mut PgConnection,
    snapshot: &Snapshot,
    pools: &[&PoolId],
    span: Span,
) -> impl Stream<Item = Result<Row, sqlx::Error>> + Send + 'c {
    let pools: Vec<_> = pools.iter().map(|pool| pool.to_string()).collect();
    // Safe: a name of constants and a number.
    let sql = AssertSqlSafe(format!(
        "SELECT s.pool, date_bin($4::text::interval, s.minute, $5) AS bucket, s.unit_price, \
                sum(s.tickets)::bigint AS tickets, sum(s.granted_tickets)::bigint AS granted_tickets, \
                sum(s.refunded_tickets)::bigint AS refunded_tickets, \
                sum(s.refunded_granted_tickets)::bigint AS refunded_granted_tickets, \
                sum(s.revenue)::text AS revenue, sum(s.refunds)::text AS refunds \
           FROM unnest($1::text[]) AS scope (pool) JOIN {table} s ON s.pool = scope.pool COLLATE \"C\" \
          WHERE s.minute >= coalesce($2, '-infinity') AND s.minute < coalesce($3, 'infinity') \
          GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        table = snapshot.table,
    ));
    sqlx::query(sql)
        .bind(pools)
        .bind(span.start.map(Timestamp::to_utc))
        .bind(span.end.map(Timestamp::to_utc))
        .bind(span.interval())
        .bind(span.origin())
        .fetch(connection)
        .map(|row| row_of(&row?))
}

fn row_of(row: &PgRow) -> Result<Row, sqlx::Error> {
    let start: DateTime<Utc> = row.try_get("bucket")?;
    Ok(Row {
        pool: pool(row)?,
        start: start.into(),
        unit_price: minor(row, "unit_price")?,
        sums: sums_of(row)?,
    })
}
