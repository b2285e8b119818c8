//! A row of `pools` as a [`Pool`]. What was written once is taken as it is, even if today's rules would refuse it.

use std::{sync::Arc, time::Duration};

use onsale_shared::{
    event::{Pricing, StopMode},
    id::PoolId,
    log::{Position, Version},
    money::Minor,
    time::Timestamp,
};
use serde::de::{DeserializeOwned, IntoDeserializer as _, value::StrDeserializer};
use sqlx::{
    Row as _,
    postgres::PgRow,
    types::chrono::{DateTime, Utc},
};

use crate::{
    availability::Progress,
    pool::{Counts, Details, Pool},
};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The columns `checkpoint` and `checkpoint_time`.
pub(super) fn progress_of(row: &PgRow) -> Result<Progress> {
    Ok(Progress {
        position: Position::new(row.try_get("checkpoint")?).ok_or_else(|| damaged("checkpoint"))?,
        time: time(row, "checkpoint_time")?,
    })
}

/// The columns of a pool.
pub(super) fn pool_of(row: &PgRow) -> Result<Pool> {
    let counts = Counts::new(
        number(row, "capacity")?,
        number(row, "sold")?,
        number(row, "held")?,
    );
    Ok(Pool {
        id: required::<PoolId>(row, "pool")?,
        details: details_of(row)?.map(Arc::new),
        counts: counts.ok_or_else(|| damaged("sold"))?,
        stop: text::<StopMode>(row, "stop_mode")?,
        corrupted: row.try_get("corrupted")?,
        version: Version::new(row.try_get("version")?).ok_or_else(|| damaged("version"))?,
        position: Position::new(row.try_get("position")?).ok_or_else(|| damaged("position"))?,
        create_time: time(row, "create_time")?,
        update_time: time(row, "update_time")?,
    })
}

fn details_of(row: &PgRow) -> Result<Option<Details>> {
    let Some(currency) = text(row, "currency")? else {
        return Ok(None);
    };
    let labels: &str = row.try_get("labels")?;
    let show_time: Option<DateTime<Utc>> = row.try_get("show_time")?;
    let milliseconds: i64 = row.try_get("claim_duration_ms")?;
    let milliseconds =
        u64::try_from(milliseconds).map_err(|_negative| damaged("claim_duration_ms"))?;
    let base_price = Minor::new(row.try_get("base_price")?);
    Ok(Some(Details {
        display_name: text(row, "display_name")?,
        promoter: text(row, "promoter")?,
        show: text(row, "show")?,
        labels: serde_json::from_str(labels).map_err(|error| sqlx::Error::Decode(error.into()))?,
        show_time: show_time.map(Timestamp::from),
        pricing: Pricing {
            currency,
            base_price: base_price.ok_or_else(|| damaged("base_price"))?,
        },
        max_tickets_per_order: number(row, "max_tickets_per_order")?,
        claim_duration: Duration::from_millis(milliseconds),
    }))
}

fn number(row: &PgRow, column: &'static str) -> Result<u32> {
    let number: i32 = row.try_get(column)?;
    u32::try_from(number).map_err(|_negative| damaged(column))
}

fn time(row: &PgRow, column: &'static str) -> Result<Timestamp> {
    row.try_get::<DateTime<Utc>, _>(column).map(Timestamp::from)
}

fn required<T: DeserializeOwned>(row: &PgRow, column: &'static str) -> Result<T> {
    text(row, column)?.ok_or_else(|| damaged(column))
}

/// A text as the type that it was written from: as events are read.
fn text<T: DeserializeOwned>(row: &PgRow, column: &'static str) -> Result<Option<T>> {
    let Some(text) = row.try_get::<Option<&str>, _>(column)? else {
        return Ok(None);
    };
    let reader: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    let value = T::deserialize(reader).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Some(value))
}

fn damaged(column: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(format!("column {column} of onsale_query.pools is out of range").into())
}
