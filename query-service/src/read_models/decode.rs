//! Columns of rows as types. What was written once is taken as it is, even if today's rules would refuse it.

use onsale_shared::{log::Position, money::Minor, time::Timestamp};
use serde::de::{DeserializeOwned, IntoDeserializer as _, value};
use sqlx::{
    Row as _,
    postgres::PgRow,
    types::{
        Uuid,
        chrono::{DateTime, Utc},
    },
};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// A text as the type that it was written from: as events are read.
pub(super) fn optional<T: DeserializeOwned>(
    row: &PgRow,
    column: &'static str,
) -> Result<Option<T>> {
    let Some(text) = row.try_get::<Option<&str>, _>(column)? else {
        return Ok(None);
    };
    let reader: value::StrDeserializer<'_, value::Error> = text.into_deserializer();
    let value = T::deserialize(reader).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Some(value))
}

pub(super) fn required<T: DeserializeOwned>(row: &PgRow, column: &'static str) -> Result<T> {
    optional(row, column)?.ok_or_else(|| damaged(column))
}

pub(super) fn json<T: DeserializeOwned + Default>(row: &PgRow, column: &'static str) -> Result<T> {
    match row.try_get::<Option<&str>, _>(column)? {
        Some(text) => serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into())),
        None => Ok(T::default()),
    }
}

pub(super) fn number(row: &PgRow, column: &'static str) -> Result<u32> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|_out_of_range| damaged(column))
}

pub(super) fn minor(row: &PgRow, column: &'static str) -> Result<Minor> {
    row.try_get(column).and_then(minor_of)
}

pub(super) fn optional_minor(row: &PgRow, column: &'static str) -> Result<Option<Minor>> {
    let minor: Option<i64> = row.try_get(column)?;
    minor.map(minor_of).transpose()
}

/// As an event may have it: below 0 too.
fn minor_of(number: i64) -> Result<Minor> {
    let reader: value::I64Deserializer<value::Error> = number.into_deserializer();
    serde::Deserialize::deserialize(reader).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(super) fn position(row: &PgRow, column: &'static str) -> Result<Position> {
    Position::new(row.try_get(column)?).ok_or_else(|| damaged(column))
}

pub(super) fn id(row: &PgRow, column: &'static str) -> Result<Uuid> {
    row.try_get(column)
}

pub(super) fn optional_id(row: &PgRow, column: &'static str) -> Result<Option<Uuid>> {
    row.try_get(column)
}

pub(super) fn time(row: &PgRow, column: &'static str) -> Result<Timestamp> {
    row.try_get::<DateTime<Utc>, _>(column).map(Timestamp::from)
}

pub(super) fn optional_time(row: &PgRow, column: &'static str) -> Result<Option<Timestamp>> {
    let time: Option<DateTime<Utc>> = row.try_get(column)?;
    Ok(time.map(Timestamp::from))
}

pub(super) fn damaged(column: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(format!("column {column} of a read model is out of range").into())
}
