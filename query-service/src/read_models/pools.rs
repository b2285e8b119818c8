//! Reading `pools`: all of it with its checkpoint, to start from, or one pool with the checkpoint that it belongs to.

use futures::TryStreamExt as _;
use onsale_shared::id::PoolId;
use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgRow};

use super::pools_row::{pool_of, progress_of};
use crate::{availability::Progress, database::Database, pool::Pool};

pub(crate) use super::{
    pools_list::{PoolFilter, PoolState, list},
    pools_write::{Moved, move_checkpoint, upsert},
};

/// The projection that writes the table, as its checkpoint names it.
pub(crate) const PROJECTION: &str = "pools";
/// Of the projection's code and tables.
pub(super) const VERSION: i32 = 1;

/// The columns of a pool; `p` is the table.
macro_rules! columns {
    () => {
        "p.pool, p.display_name, p.promoter, p.show, p.labels::text AS labels, p.show_time, p.sales_start_time, \
         p.sales_end_time, p.capacity, p.pricing::text AS pricing, p.pricing_version, p.max_tickets_per_order, \
         p.max_tickets_per_customer, p.claim_duration_ms, p.late_purchase_window_ms, p.sold, p.held, p.stop_mode, \
         p.cancelled, p.corrupted, p.version, p.position, p.create_time, p.update_time"
    };
}

pub(super) use columns;

/// All pools and how far they are, of one snapshot.
pub(crate) async fn load(database: &Database) -> Result<(Progress, Vec<Pool>), sqlx::Error> {
    let mut session = database.session().await?;
    let mut snapshot = session
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    // Many pools take longer than a query may.
    sqlx::raw_sql("SET LOCAL statement_timeout = '10min'")
        .execute(&mut *snapshot)
        .await?;
    let progress = checkpoint(&mut snapshot).await?;
    let rows = sqlx::query(concat!("SELECT ", columns!(), " FROM onsale_query.pools p"))
        .fetch(&mut *snapshot);
    let pools = rows
        .and_then(|row: PgRow| async move { pool_of(&row) })
        .try_collect()
        .await?;
    snapshot.commit().await?;
    session.close().await?;
    Ok((progress, pools))
}

/// How far the table is.
pub(crate) async fn checkpoint(connection: &mut PgConnection) -> Result<Progress, sqlx::Error> {
    let row = sqlx::query(
        "SELECT c.position AS checkpoint, c.time AS checkpoint_time \
           FROM onsale_query.checkpoints c WHERE c.projection = $1 AND c.version = $2",
    )
    .bind(PROJECTION)
    .bind(VERSION)
    .fetch_one(connection)
    .await?;
    progress_of(&row)
}

/// A pool, if the table has it, and how far the table is; of one snapshot, since it is one statement.
pub(crate) async fn find(
    connection: &mut PgConnection,
    id: &PoolId,
) -> Result<(Progress, Option<Pool>), sqlx::Error> {
    let row = sqlx::query(concat!(
        "SELECT c.position AS checkpoint, c.time AS checkpoint_time, ",
        columns!(),
        " FROM onsale_query.checkpoints c LEFT JOIN onsale_query.pools p ON p.pool = $3 \
         WHERE c.projection = $1 AND c.version = $2"
    ))
    .bind(PROJECTION)
    .bind(VERSION)
    .bind(id.as_str())
    .fetch_one(connection)
    .await?;
    let there = row.try_get::<Option<&str>, _>("pool")?.is_some();
    let found = there.then(|| pool_of(&row)).transpose()?;
    Ok((progress_of(&row)?, found))
}
