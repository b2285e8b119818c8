//! A row of `pools` as a [`Pool`]. What was written once is taken as it is, even if today's rules would refuse it.

use std::{sync::Arc, time::Duration};

use onsale_shared::{
    event::{Limits, Schedule, StopMode},
    id::PoolId,
    log::{Position, Version},
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
    pool::{Counts, Details, Pool, Sale},
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
    let sale = match text::<StopMode>(row, "stop_mode")? {
        _ if row.try_get("cancelled")? => Sale::Cancelled,
        Some(mode) => Sale::Stopped(mode),
        None => Sale::Selling,
    };
    Ok(Pool {
        id: required::<PoolId>(row, "pool")?,
        details: details_of(row)?.map(Arc::new),
        counts: counts.ok_or_else(|| damaged("sold"))?,
        sale,
        corrupted: row.try_get("corrupted")?,
        version: Version::new(row.try_get("version")?).ok_or_else(|| damaged("version"))?,
        position: Position::new(row.try_get("position")?).ok_or_else(|| damaged("position"))?,
        create_time: time(row, "create_time")?,
        update_time: time(row, "update_time")?,
    })
}

fn details_of(row: &PgRow) -> Result<Option<Details>> {
    let Some(pricing) = row.try_get::<Option<&str>, _>("pricing")? else {
        return Ok(None);
    };
    Ok(Some(Details {
        display_name: text(row, "display_name")?,
        promoter: text(row, "promoter")?,
        show: text(row, "show")?,
        labels: json(row.try_get("labels")?)?,
        schedule: Schedule {
            show_time: optional_time(row, "show_time")?,
            sales_start_time: optional_time(row, "sales_start_time")?,
            sales_end_time: optional_time(row, "sales_end_time")?,
        },
        pricing: json(pricing)?,
        pricing_version: number(row, "pricing_version")?,
        limits: Limits {
            max_tickets_per_order: number(row, "max_tickets_per_order")?,
            max_tickets_per_customer: number(row, "max_tickets_per_customer")?,
            claim_duration: span(row, "claim_duration_ms")?,
            late_purchase_window: span(row, "late_purchase_window_ms")?,
        },
    }))
}

fn number(row: &PgRow, column: &'static str) -> Result<u32> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|_out_of_range| damaged(column))
}

/// Whole milliseconds.
fn span(row: &PgRow, column: &'static str) -> Result<Duration> {
    let milliseconds = u64::try_from(row.try_get::<i64, _>(column)?);
    let milliseconds = milliseconds.map_err(|_negative| damaged(column))?;
    Ok(Duration::from_millis(milliseconds))
}

fn time(row: &PgRow, column: &'static str) -> Result<Timestamp> {
    row.try_get::<DateTime<Utc>, _>(column).map(Timestamp::from)
}

fn optional_time(row: &PgRow, column: &'static str) -> Result<Option<Timestamp>> {
    let time: Option<DateTime<Utc>> = row.try_get(column)?;
    Ok(time.map(Timestamp::from))
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

fn json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn damaged(column: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(format!("column {column} of onsale_read.pools is out of range").into())
}
