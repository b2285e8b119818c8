//! Causes and effects: the chain of events that led to one, and the tree of those that it led to. Both have an end.

use onsale_shared::id::EventId;
use sqlx::PgConnection;

use super::seek::{Found, found};

/// The most causes of a chain. A ticket has one life, so chains are short; a longer one is a defect of who wrote it.
const CAUSES_MAX: i32 = 100;
/// The most effects that are answered; a stop may void 100,000 claims.
pub(crate) const EFFECTS_MAX: usize = 500;

/// The chain of causes of an event, nearest last, and the event itself at the end; empty if there is no such event.
pub(crate) async fn causes(
    connection: &mut PgConnection,
    event: EventId,
) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sqlx::query(
        "WITH RECURSIVE chain (links, position, step, causation_id) AS ( \
             SELECT 0, e.* FROM (SELECT position, step, causation_id FROM onsale_read.audit \
                                  WHERE event_id = $1 LIMIT 1) e \
             UNION ALL \
             SELECT c.links + 1, e.* FROM chain c \
              CROSS JOIN LATERAL (SELECT position, step, causation_id FROM onsale_read.audit \
                                   WHERE event_id = c.causation_id LIMIT 1) e \
              WHERE c.links < $2) \
         SELECT position, step, lead(position) OVER (ORDER BY links) AS cause FROM chain ORDER BY links DESC",
    )
    .bind(event.0)
    .bind(CAUSES_MAX)
    .fetch_all(connection)
    .await?;
    rows.iter().map(found).collect()
}

/// What an event caused, and what that caused, nearest first; one more than [`EFFECTS_MAX`] if there are more.
pub(crate) async fn effects(
    connection: &mut PgConnection,
    event: EventId,
) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sqlx::query(
        "WITH RECURSIVE tree (links, position, step, event_id, cause) AS ( \
             SELECT 0, e.* FROM (SELECT position, step, event_id, NULL::bigint FROM onsale_read.audit \
                                  WHERE event_id = $1 LIMIT 1) e \
             UNION ALL \
             SELECT t.links + 1, e.*, t.position FROM tree t \
              CROSS JOIN LATERAL ( \
                    SELECT position, step, event_id FROM onsale_read.audit \
                     WHERE causation_id IS NOT NULL AND (causation_id, position) >= (t.event_id, 0) \
                       AND (causation_id, position) <= (t.event_id, $4) \
                     ORDER BY causation_id, position LIMIT $2) e \
              WHERE t.links < $3) \
         SELECT position, step, cause FROM tree WHERE links > 0 LIMIT $2",
    )
    .bind(event.0)
    .bind(i64::try_from(EFFECTS_MAX).unwrap_or(i64::MAX).saturating_add(1))
    .bind(CAUSES_MAX)
    .bind(i64::MAX)
    .fetch_all(connection)
    .await?;
    rows.iter().map(found).collect()
}
