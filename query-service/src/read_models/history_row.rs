//! A row of `pool_states` or `pool_history` as a [`Pool`]. What was written once is taken as it is.

use std::sync::Arc;

use onsale_shared::{
    event::StopMode,
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

use crate::pool::{Counts, Details, Pool, Sale};

type Result<T> = std::result::Result<T, sqlx::Error>;

pub(super) fn pool_of(row: &PgRow) -> Result<Pool> {
    let counts = Counts::new(
        number(row, "capacity")?,
        number(row, "sold")?,
        number(row, "held")?,
    );
    let details: Option<Details> = row
        .try_get::<Option<&str>, _>("details")?
        .map(|json| serde_json::from_str(json).map_err(|error| sqlx::Error::Decode(error.into())))
        .transpose()?;
    let sale = match row.try_get::<Option<&str>, _>("stop_mode")? {
        _ if row.try_get("cancelled")? => Sale::Cancelled,
        Some(mode) => Sale::Stopped(text::<StopMode>(mode)?),
        None => Sale::Selling,
    };
    Ok(Pool {
        id: text::<PoolId>(row.try_get("pool")?)?,
        details: details.map(Arc::new),
        counts: counts.ok_or_else(|| damaged("sold"))?,
        sale,
        corrupted: row.try_get("corrupted")?,
        version: Version::new(row.try_get("version")?).ok_or_else(|| damaged("version"))?,
        position: Position::new(row.try_get("position")?).ok_or_else(|| damaged("position"))?,
        create_time: time(row, "create_time")?,
        update_time: time(row, "update_time")?,
    })
}

pub(super) fn number(row: &PgRow, column: &'static str) -> Result<u32> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|_out_of_range| damaged(column))
}

pub(super) fn time(row: &PgRow, column: &'static str) -> Result<Timestamp> {
    row.try_get::<DateTime<Utc>, _>(column).map(Timestamp::from)
}

pub(super) fn damaged(column: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(
        format!("column {column} of the read model `history` is out of range").into(),
    )
}

/// A text as the type that it was written from: as events are read.
fn text<T: DeserializeOwned>(text: &str) -> Result<T> {
    let reader: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    T::deserialize(reader).map_err(|error| sqlx::Error::Decode(error.into()))
}
