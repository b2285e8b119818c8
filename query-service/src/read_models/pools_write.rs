//! Writing `pools`: absolute rows, so that writing twice is writing once, behind a checkpoint that only its last reader
//! can move.

use std::sync::Arc;

use sqlx::{
    PgConnection,
    types::chrono::{DateTime, Utc},
};

use super::pools::{PROJECTION, VERSION};
use crate::{availability::Progress, pool::Pool};

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// It is where it should be now; the transaction may write.
    Yes,
    /// It was somewhere else than the writer believed: somebody else writes.
    No,
}

/// Moves the checkpoint from `from` to `to`. The first statement of a transaction that writes rows: it holds others off
/// until the end of the transaction, and whoever was held off finds nothing to move.
pub(crate) async fn move_checkpoint(
    connection: &mut PgConnection,
    from: Progress,
    to: Progress,
) -> Result<Moved, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE onsale_query.checkpoints SET position = $4, time = $5 \
          WHERE projection = $1 AND version = $2 AND position = $3",
    )
    .bind(PROJECTION)
    .bind(VERSION)
    .bind(from.position.get())
    .bind(to.position.get())
    .bind(to.time.to_utc())
    .execute(connection)
    .await?;
    Ok(if done.rows_affected() == 1 {
        Moved::Yes
    } else {
        Moved::No
    })
}

/// The columns of many pools.
#[derive(Default)]
struct Columns<'a> {
    pool: Vec<&'a str>,
    version: Vec<i64>,
    position: Vec<i64>,
    create_time: Vec<DateTime<Utc>>,
    update_time: Vec<DateTime<Utc>>,
    capacity: Vec<i32>,
    sold: Vec<i32>,
    held: Vec<i32>,
    corrupted: Vec<bool>,
    stop_mode: Vec<Option<String>>,
    currency: Vec<Option<&'a str>>,
    base_price: Vec<Option<i64>>,
    max_tickets_per_order: Vec<Option<i32>>,
    claim_duration_ms: Vec<Option<i64>>,
    labels: Vec<Option<String>>,
    display_name: Vec<Option<&'a str>>,
    promoter: Vec<Option<&'a str>>,
    show: Vec<Option<&'a str>>,
    show_time: Vec<Option<DateTime<Utc>>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, pool: &'a Pool) -> Result<(), sqlx::Error> {
        self.pool.push(pool.id.as_str());
        self.version.push(pool.version.get());
        self.position.push(pool.position.get());
        self.create_time.push(pool.create_time.to_utc());
        self.update_time.push(pool.update_time.to_utc());
        self.capacity.push(int(pool.counts.capacity())?);
        self.sold.push(int(pool.counts.sold())?);
        self.held.push(int(pool.counts.held())?);
        self.corrupted.push(pool.corrupted);
        let stop = pool
            .stop
            .map(|mode| serde_json::to_value(mode).map_err(encode));
        let stop = stop.transpose()?;
        let stop = stop.and_then(|mode| mode.as_str().map(str::to_owned));
        self.stop_mode.push(stop);
        let details = pool.details.as_deref();
        self.currency
            .push(details.map(|d| d.pricing.currency.code()));
        self.base_price
            .push(details.map(|d| d.pricing.base_price.get()));
        let orders = details.map(|d| int(d.max_tickets_per_order));
        self.max_tickets_per_order.push(orders.transpose()?);
        let claims = details.map(|d| i64::try_from(d.claim_duration.as_millis()).map_err(encode));
        self.claim_duration_ms.push(claims.transpose()?);
        let labels = details.map(|d| serde_json::to_string(&d.labels).map_err(encode));
        self.labels.push(labels.transpose()?);
        let name = details.and_then(|d| d.display_name.as_ref());
        self.display_name.push(name.map(|name| name.as_str()));
        let promoter = details.and_then(|d| d.promoter.as_ref());
        self.promoter
            .push(promoter.map(|promoter| promoter.as_str()));
        let show = details.and_then(|d| d.show.as_ref());
        self.show.push(show.map(|show| show.as_str()));
        let show_time = details.and_then(|d| d.show_time);
        self.show_time.push(show_time.map(|time| time.to_utc()));
        Ok(())
    }
}

/// Writes the rows of `pools`, over those that are there.
pub(crate) async fn upsert(
    connection: &mut PgConnection,
    pools: &[Arc<Pool>],
) -> Result<(), sqlx::Error> {
    let mut columns = Columns::default();
    for pool in pools {
        columns.push(pool)?;
    }
    sqlx::query(
        "INSERT INTO onsale_query.pools \
                (pool, version, position, create_time, update_time, capacity, sold, held, corrupted, stop_mode, \
                 currency, base_price, max_tickets_per_order, claim_duration_ms, labels, display_name, promoter, show, \
                 show_time) \
         SELECT pool, version, position, create_time, update_time, capacity, sold, held, corrupted, stop_mode, \
                currency, base_price, max_tickets_per_order, claim_duration_ms, labels::json, display_name, promoter, \
                show, show_time \
           FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::int[], \
                       $7::int[], $8::int[], $9::boolean[], $10::text[], $11::text[], $12::bigint[], $13::int[], \
                       $14::bigint[], $15::text[], $16::text[], $17::text[], $18::text[], $19::timestamptz[]) \
             AS new (pool, version, position, create_time, update_time, capacity, sold, held, corrupted, stop_mode, \
                     currency, base_price, max_tickets_per_order, claim_duration_ms, labels, display_name, promoter, \
                     show, show_time) \
             ON CONFLICT (pool) DO UPDATE SET \
                (version, position, create_time, update_time, capacity, sold, held, corrupted, stop_mode, currency, \
                 base_price, max_tickets_per_order, claim_duration_ms, labels, display_name, promoter, show, show_time) \
              = (excluded.version, excluded.position, excluded.create_time, excluded.update_time, excluded.capacity, \
                 excluded.sold, excluded.held, excluded.corrupted, excluded.stop_mode, excluded.currency, \
                 excluded.base_price, excluded.max_tickets_per_order, excluded.claim_duration_ms, excluded.labels, \
                 excluded.display_name, excluded.promoter, excluded.show, excluded.show_time)",
    )
    .bind(columns.pool)
    .bind(columns.version)
    .bind(columns.position)
    .bind(columns.create_time)
    .bind(columns.update_time)
    .bind(columns.capacity)
    .bind(columns.sold)
    .bind(columns.held)
    .bind(columns.corrupted)
    .bind(columns.stop_mode)
    .bind(columns.currency)
    .bind(columns.base_price)
    .bind(columns.max_tickets_per_order)
    .bind(columns.claim_duration_ms)
    .bind(columns.labels)
    .bind(columns.display_name)
    .bind(columns.promoter)
    .bind(columns.show)
    .bind(columns.show_time)
    .execute(connection)
    .await
    .map(drop)
}

fn int(number: u32) -> Result<i32, sqlx::Error> {
    i32::try_from(number).map_err(encode)
}

fn encode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Encode(error.into())
}
