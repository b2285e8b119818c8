//! Claims, tickets and customers' stories told a second time, in SQL beside the log: it shares no code with the
//! projections.

use std::collections::BTreeMap;

use onsale_tests::wait::eventually;

use crate::db::{Db, LIMIT};

/// One row for each row of the read models of some pools (`{pools}`) that is not what their events say. Of logs without
/// contradictions.
const DIFFERENCES: &str = "
WITH e AS (
    SELECT substr(stream, 7) AS pool, position, type, time, data, metadata ->> 'request_id' AS request,
           (data ->> 'claim')::uuid AS claim, (data ->> 'ticket')::uuid AS ticket,
           (data ->> 'replaces')::uuid AS replaces, (data ->> 'granted')::boolean AS granted
      FROM onsale_log.events WHERE substr(stream, 7) IN ({pools})
), made AS (
    SELECT DISTINCT ON (pool, claim) pool, claim, position, time, data, coalesce(granted, false) AS granted,
           coalesce((data ->> 'pricing_version')::bigint, 1) AS pricing_version,
           (data ->> 'unit_price')::bigint AS unit_price, data ->> 'customer' AS customer
      FROM e WHERE type = 'TicketClaimed' ORDER BY pool, claim, position
), of_ticket AS (
    SELECT e.pool, e.ticket, e.claim, e.position, e.time AS claim_time, e.data, e.replaces,
           coalesce(e.granted, false) AS granted,
           (SELECT max(position) FROM e x WHERE x.ticket = e.ticket OR x.replaces = e.ticket) AS last_position,
           (SELECT ticket FROM e x WHERE x.replaces = e.ticket) AS replaced_by,
           b.time AS buy_time, b.data AS bought, r.time AS release_time, r.data ->> 'cause' AS cause,
           f.time AS refund_time, f.data AS refunded,
           CASE WHEN f.ticket IS NOT NULL THEN 'REFUNDED' WHEN r.ticket IS NOT NULL THEN 'RELEASED'
                WHEN b.ticket IS NOT NULL THEN 'BOUGHT' ELSE 'HELD' END AS state
      FROM e LEFT JOIN e b ON b.ticket = e.ticket AND b.type = 'TicketBought'
             LEFT JOIN e r ON r.ticket = e.ticket AND r.type = 'TicketReleased'
             LEFT JOIN e f ON f.ticket = e.ticket AND f.type = 'TicketRefunded'
     WHERE e.type = 'TicketClaimed'
), told AS (
    SELECT 'ticket ' || pool || ' ' || ticket AS key,
           row(position, last_position, claim_time, buy_time, release_time, refund_time,
               (data ->> 'unit_price')::bigint, coalesce((data ->> 'pricing_version')::bigint, 1), granted, false,
               claim, replaces, replaced_by, data ->> 'customer', state, cause, bought ->> 'payment_reference',
               bought ->> 'reason', refunded ->> 'reason')::text AS state
      FROM of_ticket
    UNION ALL
    SELECT 'claim ' || pool || ' ' || claim,
           row(made.position, all_of.last_position, alive.position, made.time, all_of.update_time, late.expire_time,
               made.unit_price, made.pricing_version, counts.held, counts.bought, counts.refunded, counts.returned,
               counts.expired, counts.voided, counts.replaced, made.granted, all_of.extended, false, made.customer,
               CASE WHEN held > 0 THEN 'HELD' WHEN bought + refunded > 0 THEN 'BOUGHT' WHEN voided > 0 THEN 'VOIDED'
                    WHEN expired > 0 THEN 'EXPIRED' ELSE 'RELEASED' END,
               made.data ->> 'reference', (made.data -> 'labels')::jsonb)::text
      FROM made
      JOIN (SELECT pool, claim, max(position) AS last_position, max(time) AS update_time,
                   bool_or(type = 'ClaimExtended') AS extended
              FROM e WHERE claim IS NOT NULL GROUP BY pool, claim) all_of USING (pool, claim)
      JOIN (SELECT DISTINCT ON (pool, claim) pool, claim, (data ->> 'expire_time')::timestamptz AS expire_time
              FROM e WHERE type IN ('TicketClaimed', 'ClaimExtended') ORDER BY pool, claim, position DESC) late
           USING (pool, claim)
      JOIN (SELECT pool, claim, coalesce(max(position) FILTER (WHERE replaces IS NOT NULL), min(position)) AS position
              FROM e WHERE type = 'TicketClaimed' GROUP BY pool, claim) alive USING (pool, claim)
      JOIN (SELECT pool, claim, count(*) FILTER (WHERE state = 'HELD') AS held,
                   count(*) FILTER (WHERE state = 'BOUGHT') AS bought,
                   count(*) FILTER (WHERE state = 'REFUNDED') AS refunded,
                   count(*) FILTER (WHERE cause IN ('CUSTOMER', 'OPERATOR')) AS returned,
                   count(*) FILTER (WHERE cause = 'EXPIRED' AND replaced_by IS NULL) AS expired,
                   count(*) FILTER (WHERE cause IN ('STOPPED', 'CANCELLED')) AS voided,
                   count(replaced_by) AS replaced
              FROM of_ticket GROUP BY pool, claim) counts USING (pool, claim)
    UNION ALL
    SELECT 'entry ' || e.position,
           row(e.time, (e.data ->> 'expire_time')::timestamptz, made.unit_price, coalesce(e.granted, false), e.claim,
               e.ticket, e.replaces, made.customer, e.pool,
               CASE WHEN e.type = 'TicketBought' AND e.granted THEN 'GRANTED'
                    ELSE upper(replace(replace(e.type, 'Ticket', ''), 'Claim', CASE e.type
                         WHEN 'ClaimExtended' THEN '' ELSE 'Claim' END)) END,
               e.data ->> 'cause', e.data ->> 'reason',
               CASE e.type WHEN 'TicketClaimed' THEN e.data ->> 'reference' END,
               e.data ->> 'payment_reference')::text
      FROM e JOIN made USING (pool, claim)
), shown AS (
    SELECT 'ticket ' || pool || ' ' || ticket AS key,
           row(position, last_position, claim_time, buy_time, release_time, refund_time, unit_price, pricing_version,
               granted, corrupted, claim, replaces, replaced_by, customer, state, release_cause, payment_reference,
               grant_reason, refund_reason)::text AS state
      FROM onsale_read.tickets WHERE pool IN ({pools})
    UNION ALL
    SELECT 'claim ' || pool || ' ' || claim,
           row(position, last_position, alive_position, create_time, update_time, expire_time, unit_price,
               pricing_version, held, bought, refunded, returned, expired, voided, replaced, granted, extended,
               corrupted, customer, state, reference, labels::jsonb)::text
      FROM onsale_read.claims WHERE pool IN ({pools})
    UNION ALL
    SELECT 'entry ' || position,
           row(time, expire_time, unit_price, granted, claim, ticket, replaces, customer, pool, kind, release_cause,
               reason, reference, payment_reference)::text
      FROM onsale_read.customer_entries WHERE pool IN ({pools})
)
SELECT key, format('log %s, table %s', told.state, shown.state) AS text
  FROM told FULL JOIN shown USING (key) WHERE told.state IS DISTINCT FROM shown.state ORDER BY key";

/// The read models become what the log says of these pools, row by row. Nothing may happen to them meanwhile.
pub(super) async fn assert_rows_are_fold(db: &Db, pools: &[&str]) {
    let pools: Vec<_> = pools.iter().map(|pool| format!("'{pool}'")).collect();
    let head = db.head().await;
    eventually(LIMIT, "the read models include the log", || async {
        let behind = "SELECT count(*) FROM onsale_query.generations \
                       WHERE projection IN ('claims', 'customers') AND state = 'live' AND position < ";
        (db.number(&format!("{behind}{head}")).await == 0).then_some(())
    })
    .await;
    let differences = db
        .pairs(&DIFFERENCES.replace("{pools}", &pools.join(", ")))
        .await;
    assert_eq!(differences, BTreeMap::new());
}
