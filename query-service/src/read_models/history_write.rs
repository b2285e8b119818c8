//! Writing `history`: absolute states of pools, what they were, and the changes of their prices.

use sqlx::{
    AssertSqlSafe, PgConnection,
    types::{
        Uuid,
        chrono::{DateTime, Utc},
    },
};

use crate::{
    pool::{Pool, Sale},
    projections::history::PriceChange,
};

/// The most rows of one statement.
const ROWS_MAX: usize = 5_000;

/// Writes `$1`… into a table of pools, whose name comes before.
const POOLS: &str = "\
    (pool, version, position, create_time, update_time, capacity, sold, held, unit_price, corrupted, cancelled, \
     stop_mode, currency, details) \
    SELECT pool, version, position, create_time, update_time, capacity, sold, held, unit_price, corrupted, cancelled, \
           stop_mode, currency, details::json \
      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::bigint[], \
                  $7::bigint[], $8::bigint[], $9::bigint[], $10::boolean[], $11::boolean[], $12::text[], $13::text[], \
                  $14::text[]) \
        AS new (pool, version, position, create_time, update_time, capacity, sold, held, unit_price, corrupted, \
                cancelled, stop_mode, currency, details)";

/// What is written of a pool that is there already.
const OVER: &str = "\
    ON CONFLICT (pool) DO UPDATE SET \
       (version, position, create_time, update_time, capacity, sold, held, unit_price, corrupted, cancelled, stop_mode, \
        currency, details) \
     = (excluded.version, excluded.position, excluded.create_time, excluded.update_time, excluded.capacity, \
        excluded.sold, excluded.held, excluded.unit_price, excluded.corrupted, excluded.cancelled, \
        excluded.stop_mode, excluded.currency, excluded.details)";

#[derive(Default)]
struct Pools<'a> {
    pool: Vec<&'a str>,
    version: Vec<i64>,
    position: Vec<i64>,
    create_time: Vec<DateTime<Utc>>,
    update_time: Vec<DateTime<Utc>>,
    capacity: Vec<i64>,
    sold: Vec<i64>,
    held: Vec<i64>,
    unit_price: Vec<Option<i64>>,
    corrupted: Vec<bool>,
    cancelled: Vec<bool>,
    stop_mode: Vec<Option<String>>,
    currency: Vec<Option<&'a str>>,
    details: Vec<Option<String>>,
}

impl<'a> Pools<'a> {
    fn push(&mut self, pool: &'a Pool) -> Result<(), sqlx::Error> {
        let details = pool.details.as_deref();
        let price = pool.unit_price(pool.update_time);
        self.pool.push(pool.id.as_str());
        self.version.push(pool.version.get());
        self.position.push(pool.position.get());
        self.create_time.push(pool.create_time.to_utc());
        self.update_time.push(pool.update_time.to_utc());
        self.capacity.push(pool.counts.capacity().into());
        self.sold.push(pool.counts.sold().into());
        self.held.push(pool.counts.held().into());
        self.unit_price.push(price.map(|price| price.minor.get()));
        self.corrupted.push(pool.corrupted);
        self.cancelled.push(pool.sale == Sale::Cancelled);
        self.stop_mode.push(stop_mode(pool.sale)?);
        let currency = details.map(|details| details.pricing.currency.code());
        self.currency.push(currency);
        let details = details.map(serde_json::to_string).transpose();
        self.details.push(details.map_err(unwritable)?);
        Ok(())
    }

    async fn write(self, connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
        // Safe: built of constants.
        sqlx::query(AssertSqlSafe(sql.to_owned()))
            .bind(self.pool)
            .bind(self.version)
            .bind(self.position)
            .bind(self.create_time)
            .bind(self.update_time)
            .bind(self.capacity)
            .bind(self.sold)
            .bind(self.held)
            .bind(self.unit_price)
            .bind(self.corrupted)
            .bind(self.cancelled)
            .bind(self.stop_mode)
            .bind(self.currency)
            .bind(self.details)
            .execute(connection)
            .await
            .map(drop)
    }
}

/// Writes the newest states of pools, over those that are there.
pub(crate) async fn write_states(
    connection: &mut PgConnection,
    pools: &[&Pool],
) -> Result<(), sqlx::Error> {
    let sql = format!("INSERT INTO pool_states {POOLS} {OVER}");
    for pools in pools.chunks(ROWS_MAX) {
        let mut columns = Pools::default();
        for pool in pools {
            columns.push(pool)?;
        }
        columns.write(connection, &sql).await?;
    }
    Ok(())
}

/// Writes what pools were.
pub(crate) async fn write_kept(
    connection: &mut PgConnection,
    pools: &[Pool],
) -> Result<(), sqlx::Error> {
    let sql = format!("INSERT INTO pool_history {POOLS}");
    for pools in pools.chunks(ROWS_MAX) {
        let mut columns = Pools::default();
        for pool in pools {
            columns.push(pool)?;
        }
        columns.write(connection, &sql).await?;
    }
    Ok(())
}

#[derive(Default)]
struct Changes<'a> {
    pool: Vec<&'a str>,
    time: Vec<DateTime<Utc>>,
    position: Vec<i64>,
    ordinal: Vec<i32>,
    version: Vec<i64>,
    cause: Vec<&'static str>,
    old: Vec<Option<i64>>,
    new: Vec<i64>,
    event: Vec<Option<Uuid>>,
    sold: Vec<i64>,
    held: Vec<i64>,
}

/// Writes changes of prices.
pub(crate) async fn write_prices(
    connection: &mut PgConnection,
    changes: &[PriceChange],
) -> Result<(), sqlx::Error> {
    for changes in changes.chunks(ROWS_MAX) {
        let mut columns = Changes::default();
        for change in changes {
            columns.pool.push(change.pool.as_str());
            columns.time.push(change.time.to_utc());
            columns.position.push(change.position.get());
            columns.ordinal.push(change.ordinal);
            columns.version.push(change.version.get());
            columns.cause.push(change.cause.as_str());
            columns.old.push(change.old.map(|old| old.get()));
            columns.new.push(change.new.get());
            columns.event.push(change.event.map(|event| event.0));
            columns.sold.push(change.sold.into());
            columns.held.push(change.held.into());
        }
        sqlx::query(
            "INSERT INTO price_changes \
                    (pool, time, position, ordinal, version, cause, old_unit_price, new_unit_price, event_id, sold, held) \
             SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::integer[], $5::bigint[], $6::text[], \
                                  $7::bigint[], $8::bigint[], $9::uuid[], $10::bigint[], $11::bigint[])",
        )
        .bind(columns.pool)
        .bind(columns.time)
        .bind(columns.position)
        .bind(columns.ordinal)
        .bind(columns.version)
        .bind(columns.cause)
        .bind(columns.old)
        .bind(columns.new)
        .bind(columns.event)
        .bind(columns.sold)
        .bind(columns.held)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

fn stop_mode(sale: Sale) -> Result<Option<String>, sqlx::Error> {
    let Sale::Stopped(mode) = sale else {
        return Ok(None);
    };
    let json = serde_json::to_value(mode).map_err(unwritable)?;
    Ok(json.as_str().map(str::to_owned))
}

fn unwritable(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Encode(error.into())
}
