//! Adding rows to `audit`. Each position is written once: the checkpoint that moves in the same transaction sees to that.

use std::{collections::BTreeMap, sync::Arc};

use onsale_shared::{
    id::{ClaimId, EventId, RequestId, TicketId},
    log::{Position, StreamName, Version},
    time::Timestamp,
};
use sqlx::{
    PgConnection, Row as _,
    types::chrono::{DateTime, Utc},
};

use super::{copy::Encoder, times::block};
use crate::projections::audit::{Told, Who};

/// The order in which [`Row::encode`] writes.
const COPY: &str = "\
    COPY audit (position, version, time, event_id, request_id, causation_id, claim, ticket, step, pool, type, customer, \
                actor, correlation_id, instance, ip) \
    FROM STDIN (FORMAT binary)";
/// How many columns that are.
const COLUMNS: i16 = 16;

/// How many bytes go out at once.
const BUFFER_BYTES: usize = 256 * 1_024;

/// A row of `audit`.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) position: Position,
    pub(crate) version: Version,
    pub(crate) time: Timestamp,
    pub(crate) id: EventId,
    pub(crate) request: Option<RequestId>,
    pub(crate) cause: Option<EventId>,
    pub(crate) claim: Option<ClaimId>,
    pub(crate) ticket: Option<TicketId>,
    pub(crate) step: i16,
    pub(crate) pool: Option<&'a str>,
    pub(crate) kind: &'a str,
    pub(crate) customer: Option<&'a str>,
    pub(crate) who: Arc<Who>,
}

impl Row<'_> {
    fn encode(&self, to: &mut Encoder) {
        to.row(COLUMNS);
        to.long(self.position.get());
        to.long(self.version.get());
        to.time(self.time);
        to.uuid(Some(self.id.0));
        to.uuid(self.request.map(|id| id.0));
        to.uuid(self.cause.map(|id| id.0));
        to.uuid(self.claim.map(|id| id.0));
        to.uuid(self.ticket.map(|id| id.0));
        to.short(self.step);
        to.text(self.pool);
        to.text(Some(self.kind));
        to.text(self.customer);
        to.text(self.who.actor.as_deref());
        to.text(self.who.correlation.as_deref());
        to.text(self.who.instance.as_deref());
        to.ip(self.who.ip);
    }
}

/// The most rows that one statement writes; of more, as a rebuild writes them, a stream is faster.
const STATEMENT_ROWS_MAX: usize = 2_000;

const INSERT: &str = "\
    INSERT INTO audit (position, version, time, event_id, request_id, causation_id, claim, ticket, step, pool, type, \
                       customer, actor, correlation_id, instance, ip) \
    SELECT position, version, time, event_id, request_id, causation_id, claim, ticket, step, pool, type, customer, actor, \
           correlation_id, instance, ip::inet \
      FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], \
                  $8::uuid[], $9::smallint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], \
                  $15::text[], $16::text[]) \
        AS new (position, version, time, event_id, request_id, causation_id, claim, ticket, step, pool, type, customer, \
                actor, correlation_id, instance, ip)";

/// Adds rows, whose positions follow each other.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
) -> Result<(), sqlx::Error> {
    if rows.len() > STATEMENT_ROWS_MAX {
        stream(connection, rows).await?;
    } else {
        insert_at_once(connection, rows).await?;
    }
    widen(connection, rows).await
}

/// In one statement: PostgreSQL waits for nothing more from who has sent it. Of who falls silent in the middle of a stream it
/// waits for the rest without a limit, with all locks held.
async fn insert_at_once(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
) -> Result<(), sqlx::Error> {
    fn column<'a, T>(rows: &'a [Row<'_>], of: impl Fn(&'a Row<'_>) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    sqlx::query(INSERT)
        .bind(column(rows, |row| row.position.get()))
        .bind(column(rows, |row| row.version.get()))
        .bind(column(rows, |row| row.time.to_utc()))
        .bind(column(rows, |row| row.id.0))
        .bind(column(rows, |row| row.request.map(|id| id.0)))
        .bind(column(rows, |row| row.cause.map(|id| id.0)))
        .bind(column(rows, |row| row.claim.map(|id| id.0)))
        .bind(column(rows, |row| row.ticket.map(|id| id.0)))
        .bind(column(rows, |row| row.step))
        .bind(column(rows, |row| row.pool))
        .bind(column(rows, |row| row.kind))
        .bind(column(rows, |row| row.customer))
        .bind(column(rows, |row| row.who.actor.as_deref()))
        .bind(column(rows, |row| row.who.correlation.as_deref()))
        .bind(column(rows, |row| row.who.instance.as_deref()))
        .bind(column(rows, |row| row.who.ip.map(|ip| ip.to_string())))
        .execute(connection)
        .await
        .map(drop)
}

async fn stream(connection: &mut PgConnection, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
    let mut copy = connection.copy_in_raw(COPY).await?;
    let mut encoder = Encoder::new(BUFFER_BYTES);
    for row in rows {
        row.encode(&mut encoder);
        if encoder.len() >= BUFFER_BYTES {
            copy.send(encoder.take()).await?;
        }
    }
    encoder.end();
    copy.send(encoder.take()).await?;
    copy.finish().await?;
    Ok(())
}

/// Says of the blocks of these rows when their events were decided.
async fn widen(connection: &mut PgConnection, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
    let mut blocks: BTreeMap<i64, (Timestamp, Timestamp)> = BTreeMap::new();
    for row in rows {
        let times = blocks
            .entry(block(row.position))
            .or_insert((row.time, row.time));
        *times = (times.0.min(row.time), times.1.max(row.time));
    }
    let times = |of: fn(&(Timestamp, Timestamp)) -> Timestamp| -> Vec<DateTime<Utc>> {
        blocks.values().map(|times| of(times).to_utc()).collect()
    };
    sqlx::query(
        "INSERT INTO audit_times AS old (block, low_time, high_time) \
         SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) \
             ON CONFLICT (block) DO UPDATE SET low_time = least(old.low_time, excluded.low_time), \
                                               high_time = greatest(old.high_time, excluded.high_time)",
    )
    .bind(blocks.keys().copied().collect::<Vec<_>>())
    .bind(times(|times| times.0))
    .bind(times(|times| times.1))
    .execute(connection)
    .await
    .map(drop)
}

/// What the row before a position says of its command; none if there is no such row.
pub(crate) async fn before(
    connection: &mut PgConnection,
    position: Position,
) -> Result<Option<Told>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT position, time, pool, request_id, step, actor, correlation_id, instance, host(ip) AS ip \
           FROM audit WHERE position = $1 - 1",
    )
    .bind(position.get())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    // A stream of another kind is no pool's; none of its events is taken for one of the same command.
    let Some(pool) = row.try_get::<Option<&str>, _>("pool")? else {
        return Ok(None);
    };
    let text = |column| -> Result<Option<Arc<str>>, sqlx::Error> {
        Ok(row.try_get::<Option<&str>, _>(column)?.map(Into::into))
    };
    let ip: Option<&str> = row.try_get("ip")?;
    let ip = ip.map(str::parse).transpose();
    Ok(Some(Told {
        position: Position::new(row.try_get("position")?).unwrap_or_default(),
        stream: StreamName::from(format!("pools/{pool}").as_str()),
        time: row.try_get::<DateTime<Utc>, _>("time")?.into(),
        request: row.try_get::<Option<_>, _>("request_id")?.map(RequestId),
        step: row.try_get("step")?,
        who: Arc::new(Who {
            actor: text("actor")?,
            correlation: text("correlation_id")?,
            instance: text("instance")?,
            ip: ip.map_err(|error: std::net::AddrParseError| sqlx::Error::Decode(error.into()))?,
        }),
    }))
}
