//! Reading `history`: the newest state of a pool, what it was at a version or time, and the changes of its price.

use onsale_shared::{
    id::{EventId, PoolId},
    log::{Position, Version},
    money::Minor,
    time::Timestamp,
};
use sqlx::{PgConnection, Row as _, postgres::PgRow, types::Uuid};

use super::history_row::{damaged, number, pool_of, time};
use crate::{
    pool::Pool,
    projections::history::{Cause, PriceChange},
};

pub(crate) use super::history_write::{write_kept, write_prices, write_states};

/// The columns of a pool.
macro_rules! columns {
    () => {
        "pool, version, position, create_time, update_time, capacity, sold, held, corrupted, cancelled, stop_mode, \
         details::text AS details"
    };
}

/// The newest states of those pools that have one, from the tables that the projector writes.
pub(crate) async fn states(
    connection: &mut PgConnection,
    pools: &[&PoolId],
) -> Result<Vec<Pool>, sqlx::Error> {
    if pools.is_empty() {
        return Ok(Vec::new());
    }
    let pools: Vec<_> = pools.iter().map(|pool| pool.as_str()).collect();
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM pool_states WHERE pool = ANY($1)"
    ))
    .bind(pools)
    .fetch_all(connection)
    .await?;
    rows.iter().map(pool_of).collect()
}

/// The newest state of a pool, as queries see it.
pub(crate) async fn newest(
    connection: &mut PgConnection,
    pool: &PoolId,
) -> Result<Option<Pool>, sqlx::Error> {
    let row = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM onsale_read.pool_states WHERE pool = $1"
    ))
    .bind(pool.as_str())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(pool_of).transpose()
}

/// Where in a pool's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// After the event of this version.
    Version(Version),
    /// After all events up to and including this time.
    Time(Timestamp),
}

/// The last state of a pool that was kept, not after a moment; none before its creation.
pub(crate) async fn kept(
    connection: &mut PgConnection,
    pool: &PoolId,
    moment: Moment,
) -> Result<Option<Pool>, sqlx::Error> {
    let query = match moment {
        Moment::Version(version) => sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM onsale_read.pool_history WHERE pool = $1 AND version <= $2 ORDER BY version DESC LIMIT 1"
        ))
        .bind(pool.as_str())
        .bind(version.get()),
        Moment::Time(time) => sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM onsale_read.pool_history WHERE pool = $1 AND update_time <= $2 \
              ORDER BY update_time DESC, version DESC LIMIT 1"
        ))
        .bind(pool.as_str())
        .bind(time.to_utc()),
    };
    let row = query.fetch_optional(connection).await?;
    row.as_ref().map(pool_of).transpose()
}

/// A place in the changes of a pool's price; they are in this order.
pub(crate) type ChangeKey = (Timestamp, Position, i32);

/// Changes of a pool's price from `start` on and before `end`, after a key, in order.
pub(crate) async fn price_changes(
    connection: &mut PgConnection,
    pool: &PoolId,
    [start, end]: [Option<Timestamp>; 2],
    after: Option<ChangeKey>,
    limit: i64,
) -> Result<Vec<PriceChange>, sqlx::Error> {
    let (time, position, ordinal) = match after {
        Some((time, position, ordinal)) => (Some(time.to_utc()), position.get(), ordinal),
        None => (None, 0, 0),
    };
    let rows = sqlx::query(
        "SELECT time, position, ordinal, version, cause, old_unit_price, new_unit_price, event_id, sold, held \
           FROM onsale_read.price_changes \
          WHERE pool = $1 AND time >= coalesce($2, '-infinity') AND time < coalesce($3, 'infinity') \
            AND (time, position, ordinal) > (coalesce($4, '-infinity'), $5, $6) \
          ORDER BY time, position, ordinal LIMIT $7",
    )
    .bind(pool.as_str())
    .bind(start.map(Timestamp::to_utc))
    .bind(end.map(Timestamp::to_utc))
    .bind(time)
    .bind(position)
    .bind(ordinal)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| change_of(pool, row)).collect()
}

fn change_of(pool: &PoolId, row: &PgRow) -> Result<PriceChange, sqlx::Error> {
    let minor = |column: &'static str| {
        let price: Option<i64> = row.try_get(column)?;
        let price = price.map(|price| Minor::new(price).ok_or_else(|| damaged(column)));
        price.transpose()
    };
    let event: Option<Uuid> = row.try_get("event_id")?;
    Ok(PriceChange {
        pool: pool.clone(),
        time: time(row, "time")?,
        position: Position::new(row.try_get("position")?).ok_or_else(|| damaged("position"))?,
        ordinal: row.try_get("ordinal")?,
        version: Version::new(row.try_get("version")?).ok_or_else(|| damaged("version"))?,
        cause: Cause::parse(row.try_get("cause")?).ok_or_else(|| damaged("cause"))?,
        old: minor("old_unit_price")?,
        new: minor("new_unit_price")?.ok_or_else(|| damaged("new_unit_price"))?,
        event: event.map(EventId),
        sold: number(row, "sold")?,
        held: number(row, "held")?,
    })
}
