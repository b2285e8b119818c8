//! Times and positions: where events of a range of times can be. Events are numbered as they are appended, a moment after
//! they were decided, so times rise with positions, but not strictly; `audit_times` knows by how much not.

use onsale_shared::{log::Position, time::Timestamp};
use sqlx::PgConnection;

/// How many positions a block has.
const BLOCK_POSITIONS: i64 = 4_096;

/// The block of a position.
pub(super) const fn block(position: Position) -> i64 {
    position.get() / BLOCK_POSITIONS
}

/// The first and the last position that can have an event of this range of times; none if there is none.
pub(super) async fn positions(
    connection: &mut PgConnection,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Option<(i64, i64)>, sqlx::Error> {
    // Both look at a few thousand rows at most, for ten million events.
    let (low, high): (Option<i64>, Option<i64>) = sqlx::query_as(
        "SELECT (SELECT block FROM onsale_read.audit_times WHERE $1::timestamptz IS NULL OR high_time >= $1 \
                  ORDER BY block LIMIT 1), \
                (SELECT block FROM onsale_read.audit_times WHERE $2::timestamptz IS NULL OR low_time < $2 \
                  ORDER BY block DESC LIMIT 1)",
    )
    .bind(from.map(Timestamp::to_utc))
    .bind(until.map(Timestamp::to_utc))
    .fetch_one(connection)
    .await?;
    Ok(low.zip(high).map(|(low, high)| {
        let end = high.saturating_add(1).saturating_mul(BLOCK_POSITIONS);
        (low.saturating_mul(BLOCK_POSITIONS), end.saturating_sub(1))
    }))
}
