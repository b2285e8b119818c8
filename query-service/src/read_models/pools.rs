//! Reading `pools`: all of it with its checkpoint, to start from, or one pool with the checkpoint that it belongs to.

use futures::TryStreamExt as _;
use onsale_shared::id::PoolId;
use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgRow};

use super::{
    generations::{self, Checkpoint},
    pools_row::pool_of,
    snapshot,
};
use crate::{
    availability::Progress,
    database::{Database, in_time},
    pool::Pool,
    projections::pools::POOLS,
};

pub(crate) use super::{
    pools_list::{PoolFilter, PoolState, list},
    pools_write::upsert,
};

/// The tables of the projection.
pub(crate) const TABLES: &str = include_str!("pools/tables.sql");
/// All indexes but the key.
pub(crate) const INDEXES: &str = include_str!("pools/indexes.sql");

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

/// All pools, and how far they are.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) progress: Progress,
    pub(crate) pools: Vec<Pool>,
    /// The number of the tables that they come from.
    pub(crate) generation: i32,
}

/// All pools, of one snapshot; none, at the beginning of the log, if the live tables are of another version than this
/// program.
pub(crate) async fn load(database: &Database) -> Result<Loaded, sqlx::Error> {
    let mut session = database.session().await?;
    let progress = in_time(snapshot::begin(&mut session, &POOLS))
        .await?
        .progress;
    let live = in_time(generations::live(&mut session, POOLS.name)).await?;
    let generation = live.number;
    if live.version != POOLS.version {
        return Ok(Loaded {
            progress: Progress::default(),
            pools: Vec::new(),
            generation,
        });
    }
    // Many pools take longer than a query may.
    in_time(sqlx::raw_sql("SET LOCAL statement_timeout = '10min'").execute(&mut session)).await?;
    let rows = sqlx::query(concat!("SELECT ", columns!(), " FROM onsale_read.pools p"));
    let mut pools = Vec::new();
    let mut reading = rows.fetch(&mut session);
    // However many there are, the next one comes soon, or the way to PostgreSQL hangs.
    while let Some(row) = in_time(reading.try_next()).await? {
        pools.push(pool_of(&row)?);
    }
    drop(reading);
    in_time(session.close()).await?;
    Ok(Loaded {
        progress,
        pools,
        generation,
    })
}

/// All pools of the generation that the session writes.
pub(crate) async fn all(connection: &mut PgConnection) -> Result<Vec<Pool>, sqlx::Error> {
    sqlx::query(concat!("SELECT ", columns!(), " FROM pools p"))
        .fetch(connection)
        .and_then(|row: PgRow| async move { pool_of(&row) })
        .try_collect()
        .await
}

/// A pool, if the table has it, and how far the table is; of one snapshot, since it is one statement.
pub(crate) async fn find(
    connection: &mut PgConnection,
    id: &PoolId,
) -> Result<(Checkpoint, Option<Pool>), sqlx::Error> {
    let row = sqlx::query(concat!(
        "SELECT g.position AS checkpoint, g.time AS checkpoint_time, g.readable_from, ",
        columns!(),
        " FROM onsale_query.generations g LEFT JOIN onsale_read.pools p ON p.pool = $1 \
         WHERE g.projection = 'pools' AND g.state = 'live'"
    ))
    .bind(id.as_str())
    .fetch_one(connection)
    .await?;
    let there = row.try_get::<Option<&str>, _>("pool")?.is_some();
    let found = there.then(|| pool_of(&row)).transpose()?;
    Ok((Checkpoint::of(&row)?, found))
}
