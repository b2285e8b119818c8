//! Writing the trace, and forgetting what is old.

use sqlx::{PgConnection, types::Json};

use super::Refusals;
use crate::time::Timestamp;

/// Adds to what is there: counts add up, and the first samples of all stay. An answer that was lost may so count twice;
/// these numbers are for people.
///
/// # Errors
/// The database failed.
pub async fn add(connection: &mut PgConnection, refusals: &[Refusals]) -> Result<(), sqlx::Error> {
    let column = |of: fn(&Refusals) -> &str| refusals.iter().map(of).collect::<Vec<_>>();
    let seconds: Vec<_> = refusals.iter().map(|r| r.second.to_utc()).collect();
    let counts = refusals.iter().map(|r| i64::try_from(r.count));
    let counts: Vec<_> = counts.map(|count| count.unwrap_or(i64::MAX)).collect();
    let samples: Vec<_> = refusals.iter().map(|r| Json(&r.samples)).collect();
    let samples_max = i64::try_from(Refusals::SAMPLES_MAX).unwrap_or(i64::MAX);
    // A second is written twice as a rule: what was refused before a write within it, and after.
    sqlx::query(
        "INSERT INTO onsale_trace.refusals AS known (second, pool, reason, instance, count, samples) \
         SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::json[]) \
             ON CONFLICT (pool, second, reason, instance) DO UPDATE SET count = known.count + excluded.count, \
                samples = jsonb_path_query_array(known.samples::jsonb || excluded.samples::jsonb, \
                                                 '$[0 to $last]', jsonb_build_object('last', $7 - 1))::json",
    )
    .bind(seconds)
    .bind(column(|r| &r.pool))
    .bind(column(|r| &r.reason))
    .bind(column(|r| &r.instance))
    .bind(counts)
    .bind(samples)
    .bind(samples_max)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes what is older than `before`, at most `limit` rows, and says how many.
///
/// # Errors
/// The database failed.
pub async fn forget(
    connection: &mut PgConnection,
    before: Timestamp,
    limit: u32,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "DELETE FROM onsale_trace.refusals WHERE ctid = ANY (ARRAY( \
             SELECT ctid FROM onsale_trace.refusals WHERE second < $1 ORDER BY second LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind(before.to_utc())
    .bind(i64::from(limit))
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
