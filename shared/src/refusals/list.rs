//! Reading the trace, the newest first.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row as _, types::Json};

use super::{Refusals, Sample};
use crate::time::Timestamp;

/// Which rows are asked for.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Of one pool; none: of all.
    pub pool: Option<String>,
    /// For one reason; none: for any.
    pub reason: Option<String>,
    /// From this second on.
    pub start: Timestamp,
    /// Before this second.
    pub end: Timestamp,
}

/// Where a row stands: what comes after it is older, or has a later name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    second: Timestamp,
    pool: String,
    reason: String,
    instance: String,
}

impl Key {
    /// Of a row.
    #[must_use]
    pub fn of(row: &Refusals) -> Self {
        Self {
            second: row.second,
            pool: row.pool.clone(),
            reason: row.reason.clone(),
            instance: row.instance.clone(),
        }
    }
}

/// At most `limit` rows of a selection after a key, by second from the newest on, then by name. To be planned with its
/// values (`plan_cache_mode = force_custom_plan`): by a plan for any values, one pool is looked for in the trace of all.
///
/// # Errors
/// The database failed.
pub async fn list(
    connection: &mut PgConnection,
    selection: &Selection,
    after: Option<&Key>,
    limit: u32,
) -> Result<Vec<Refusals>, sqlx::Error> {
    let after_second = after.map(|key| key.second.to_utc());
    // The end of the span comes down to the key's second, so that no page reads what earlier pages have read.
    let rows = sqlx::query(
        "SELECT second, pool, reason, instance, count, samples FROM onsale_trace.refusals \
          WHERE second >= $1 AND second < $2 AND second <= coalesce($5, 'infinity') \
            AND ($3::text IS NULL OR pool = $3) AND ($4::text IS NULL OR reason = $4) \
            AND ($5::timestamptz IS NULL OR second < $5 OR (pool, reason, instance) > ($6, $7, $8)) \
          ORDER BY second DESC, pool, reason, instance LIMIT $9",
    )
    .bind(selection.start.to_utc())
    .bind(selection.end.to_utc())
    .bind(&selection.pool)
    .bind(&selection.reason)
    .bind(after_second)
    .bind(after.map(|key| &*key.pool))
    .bind(after.map(|key| &*key.reason))
    .bind(after.map(|key| &*key.instance))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let second: DateTime<Utc> = row.try_get("second")?;
            let count: i64 = row.try_get("count")?;
            let Json(samples): Json<Vec<Sample>> = row.try_get("samples")?;
            Ok(Refusals {
                second: second.into(),
                pool: row.try_get("pool")?,
                reason: row.try_get("reason")?,
                instance: row.try_get("instance")?,
                count: u64::try_from(count).unwrap_or_default(),
                samples,
            })
        })
        .collect()
}
