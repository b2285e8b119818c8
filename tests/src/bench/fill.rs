//! A log with millions of sound events, in no time: what many pools would have recorded for many purchases, written by
//! PostgreSQL itself.

use anyhow::Context as _;
use sqlx::PgConnection;

/// Events of one statement.
const CHUNK_EVENTS: i64 = 100_000;

/// Events from position `$3` to `$4`, of pools 1 to `$1`, of a log that begins at `$2`. Each pool is created; then each in
/// turn sells a ticket to a customer of its own, so that neighbours in a stream are far from each other in the log. The
/// ids say what they are of, and which. Ten thousand purchases take as much event time as 864 seconds, so that of
/// millions only the newest are of the last 24 hours.
const FILL: &str = r#"
INSERT INTO onsale_log.events
       (position, version, event_id, time, recorded_at, schema, stream, type, data, metadata)
SELECT position,
       CASE WHEN purchase IS NULL THEN 1 ELSE 2 + 2 * (purchase / $1) + is_second END,
       event::uuid, time, clock_timestamp(), 1,
       'pools/pool-' || pool,
       CASE WHEN purchase IS NULL THEN 'PoolCreated' WHEN is_second = 0 THEN 'TicketClaimed' ELSE 'TicketBought' END,
       CASE WHEN purchase IS NULL THEN
            '{"capacity":10000000,"pricing":{"currency":"EUR","base_price":4999},'
            '"max_tickets_per_order":4,"max_tickets_per_customer":4,"claim_duration_ms":600000}'
       ELSE '{"claim":"' || format(id, 2, hex) || '","ticket":"' || format(id, 3, hex) || '","customer":"customer-'
            || purchase || '","unit_price":4999,"expire_time":"'
            || to_char((time + interval '10 min') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}'
       END::json,
       ('{"request_id":"' || format(id, CASE WHEN purchase IS NULL THEN 5 ELSE 4 END, hex) || '",' ||
       CASE WHEN is_second = 1 THEN '"causation_id":"' || previous || '"}'
       ELSE '"command_hash":"' || lpad(hex, 32, '0') || '","actor":"anonymous",'
            '"source":{"service":"command-service","version":"0.1.0","instance":"fill"}}'
       END)::json
  FROM (SELECT position, purchase, pool, id, (position - $1 - 1) % 2 AS is_second,
               lpad(to_hex(coalesce(purchase, pool)), 12, '0') AS hex,
               format(id, 1, lpad(to_hex(position), 12, '0')) AS event,
               format(id, 1, lpad(to_hex(position - 1), 12, '0')) AS previous,
               $2 + coalesce(purchase, 0) * interval '86.4 ms' AS time
          FROM (SELECT position, purchase, coalesce(purchase % $1 + 1, position) AS pool,
                       '00000000-0000-7000-800%s-%s' AS id
                  FROM (SELECT position, CASE WHEN position > $1 THEN (position - $1 - 1) / 2 END AS purchase
                          FROM generate_series($3::bigint, $4::bigint) AS position) AS numbered) AS named) AS timed
"#;

/// Fills an empty log with `events` events of `pools` pools, at least one of each. Sound by all rules; an odd rest is a
/// ticket that was claimed and not bought.
///
/// # Errors
/// The log is not empty, or the session may not write into it.
pub async fn fill(admin: &mut PgConnection, pools: i64, events: i64) -> anyhow::Result<()> {
    anyhow::ensure!(0 < pools && pools <= events, "each pool has an event");
    let purchases = (events - pools) / 2;
    let began: chrono::DateTime<chrono::Utc> = sqlx::query_scalar(
        "SELECT date_trunc('milliseconds', clock_timestamp()) - $1 * interval '86.4 ms' - interval '1 hour'",
    )
    .bind(purchases)
    .fetch_one(&mut *admin)
    .await?;
    let mut first = 1;
    while first <= events {
        let last = events.min(first + CHUNK_EVENTS - 1);
        sqlx::query(FILL)
            .bind(pools)
            .bind(began)
            .bind(first)
            .bind(last)
            .execute(&mut *admin)
            .await
            .with_context(|| format!("events {first} to {last}"))?;
        first = last + 1;
    }
    // What autovacuum would have done by now.
    sqlx::raw_sql("VACUUM (FREEZE, ANALYZE) onsale_log.events")
        .execute(&mut *admin)
        .await?;
    Ok(())
}
