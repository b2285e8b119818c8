//! Reading the events table.

use std::time::Instant;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _, postgres::PgRow};

use crate::{
    id::EventId,
    log::{
        Head, Position, ReadError, RecordedEvent, Source, StreamName, Version,
        recorded::{check_positions, check_versions},
    },
    time::Timestamp,
};

/// A page of a stream, checked for density.
pub(super) async fn stream(
    connection: &mut PgConnection,
    stream: &StreamName,
    after: Version,
    limit: usize,
) -> Result<Vec<RecordedEvent>, ReadError> {
    let rows = sqlx::query(
        "SELECT position, version, event_id, time, recorded_at, schema, stream, type, data::text, metadata::text \
           FROM onsale_log.events WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3",
    )
    .bind(stream.as_str())
    .bind(after.get())
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await;
    let page = events(rows).map_err(unavailable("reading a stream"))?;
    check_versions(stream, after, &page)?;
    Ok(page)
}

/// A page of the log, checked for density.
pub(super) async fn log(
    connection: &mut PgConnection,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, ReadError> {
    let rows = sqlx::query(
        "SELECT position, version, event_id, time, recorded_at, schema, stream, type, data::text, metadata::text \
           FROM onsale_log.events WHERE position > $1 ORDER BY position LIMIT $2",
    )
    .bind(after.get())
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await;
    let page = events(rows).map_err(unavailable("reading the log"))?;
    check_positions(after, &page)?;
    Ok(page)
}

/// The end of the log, and its clock.
pub(super) async fn head(connection: &mut PgConnection) -> Result<Head, ReadError> {
    let row = sqlx::query(
        "SELECT coalesce((SELECT position FROM onsale_log.events ORDER BY position DESC LIMIT 1), 0) AS position, \
                clock_timestamp() AS log_time",
    )
    .fetch_one(connection)
    .await;
    let head = row.and_then(|row| {
        let time: DateTime<Utc> = row.try_get("log_time")?;
        let position = Position::new(row.try_get("position")?).unwrap_or_default();
        Ok(Head {
            position,
            time: time.into(),
        })
    });
    head.map_err(unavailable("reading the head"))
}

/// A sample of the clock: when it was asked, what it said, when the answer came.
pub(super) async fn time(
    connection: &mut PgConnection,
) -> Result<(Instant, Timestamp, Instant), sqlx::Error> {
    let sent = Instant::now();
    let time: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(connection)
        .await?;
    Ok((sent, time.into(), Instant::now()))
}

/// A failure while `during`, for whoever tries again.
pub(super) fn unavailable<E: Into<Source>>(during: &'static str) -> impl FnOnce(E) -> ReadError {
    move |error| ReadError::Unavailable {
        during,
        source: error.into(),
    }
}

pub(super) fn events(
    rows: Result<Vec<PgRow>, sqlx::Error>,
) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    // Neighbours in the log are often of one stream: its name is kept once.
    let mut stream = StreamName::from("");
    rows?
        .iter()
        .map(|row| {
            let name: &str = row.try_get("stream")?;
            if stream.as_str() != name {
                stream = StreamName::from(name);
            }
            event(row, stream.clone())
        })
        .collect()
}

fn event(row: &PgRow, stream: StreamName) -> Result<RecordedEvent, sqlx::Error> {
    let time: DateTime<Utc> = row.try_get("time")?;
    let recorded_at: DateTime<Utc> = row.try_get("recorded_at")?;
    Ok(RecordedEvent {
        position: Position::new(row.try_get("position")?).unwrap_or_default(),
        stream,
        version: Version::new(row.try_get("version")?).unwrap_or_default(),
        id: EventId(row.try_get("event_id")?),
        kind: row.try_get("type")?,
        schema: row.try_get("schema")?,
        time: time.into(),
        data: row.try_get("data")?,
        metadata: row.try_get("metadata")?,
        recorded_at: recorded_at.into(),
    })
}
