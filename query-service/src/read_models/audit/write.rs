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

/// Adds rows, whose positions follow each other.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
) -> Result<(), sqlx::Error> {
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
    widen(connection, rows).await
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
