//! Reading what is named one by one: events by their positions, origins by their events. Each is looked up by index,
//! however many there are, so that no plan depends on statistics.

use std::net::IpAddr;

use sqlx::{PgConnection, Row as _};

use super::read::{events, unavailable};
use crate::{
    id::EventId,
    log::{Origin, ReadError, RecordedEvent},
};

/// The events at these positions, in this order.
pub(super) async fn events_at(
    connection: &mut PgConnection,
    positions: &[i64],
) -> Result<Vec<RecordedEvent>, ReadError> {
    let rows = sqlx::query(
        "SELECT e.* FROM unnest($1::bigint[]) WITH ORDINALITY AS named (position, no) \
          CROSS JOIN LATERAL ( \
                SELECT position, version, event_id, time, recorded_at, schema, stream, type, \
                       data::text AS data, metadata::text AS metadata \
                  FROM onsale_log.events WHERE position = named.position LIMIT 1) e \
          ORDER BY named.no",
    )
    .bind(positions)
    .fetch_all(connection)
    .await;
    events(rows).map_err(unavailable("reading events by their positions"))
}

/// Where the commands came from whose first events these are, as far as that was kept and is not erased; in no order.
/// For whoever needs them in a transaction of his own, as a projection does.
///
/// # Errors
/// The database failed, or the session's role may not see origins.
pub async fn origins(
    connection: &mut PgConnection,
    events: &[EventId],
) -> Result<Vec<(EventId, Origin)>, sqlx::Error> {
    let ids: Vec<uuid::Uuid> = events.iter().map(|id| id.0).collect();
    let rows = sqlx::query(
        "SELECT o.event_id, host(o.ip) AS ip, o.user_agent \
           FROM (SELECT DISTINCT event_id FROM unnest($1::uuid[]) AS ids (event_id)) named \
          CROSS JOIN LATERAL ( \
                SELECT event_id, ip, user_agent FROM onsale_log.event_origins \
                 WHERE event_id = named.event_id LIMIT 1) o",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let ip: Option<&str> = row.try_get("ip")?;
            let ip = ip.map(str::parse::<IpAddr>).transpose();
            let origin = Origin {
                ip: ip.map_err(|error| sqlx::Error::Decode(error.into()))?,
                user_agent: row.try_get("user_agent")?,
            };
            Ok((EventId(row.try_get("event_id")?), origin))
        })
        .collect()
}
