//! What the log is asked. `$1` is the pool id.

pub(super) const SALES: &str = "
SELECT count(*) AS events,
       count(*) FILTER (WHERE type = 'TicketClaimed') AS claimed,
       count(*) FILTER (WHERE type = 'TicketBought') AS sold,
       count(*) FILTER (WHERE type = 'TicketReleased' AND data ->> 'cause' = 'EXPIRED') AS expired,
       count(*) FILTER (WHERE type = 'TicketReleased' AND data ->> 'cause' = 'CUSTOMER') AS given_back,
       (SELECT coalesce(max(within), 0) FROM (
            SELECT count(*) OVER (ORDER BY time RANGE BETWEEN INTERVAL '1 second' PRECEDING AND CURRENT ROW) AS within
              FROM onsale_log.events WHERE stream = 'pools/' || $1 AND type = 'TicketBought') seconds) AS peak
  FROM onsale_log.events WHERE stream = 'pools/' || $1";

// The price rule, written a second time: the base price, and the last step's change at 100 %, in between a straight line;
// rounded half to even.
pub(super) const PRICES: &str = "
WITH e AS (
    SELECT version, type, data::jsonb AS data FROM onsale_log.events WHERE stream = 'pools/' || $1
), rules AS (
    SELECT version, (data #>> '{pricing,base_price}')::numeric AS base,
           (data #>> '{pricing,demand_steps,-1,change_basis_points}')::numeric AS rise
      FROM e WHERE type IN ('PoolCreated', 'PricingChanged')
), counted AS (
    SELECT *, count(*) FILTER (WHERE type = 'TicketBought') OVER (ORDER BY version) AS sold FROM e
), claims AS (
    SELECT DISTINCT ON (data ->> 'claim') version, sold, (data ->> 'unit_price')::bigint AS price
      FROM counted WHERE type = 'TicketClaimed' ORDER BY data ->> 'claim', version
), exact AS (
    SELECT price, base * (10000 + rise * sold / (SELECT (data ->> 'capacity')::numeric FROM e WHERE version = 1)) / 10000 AS due
      FROM claims CROSS JOIN LATERAL (
           SELECT base, rise FROM rules WHERE rules.version < claims.version ORDER BY rules.version DESC LIMIT 1) rule
)
SELECT count(*) AS claims,
       count(*) FILTER (WHERE price <> CASE WHEN due - trunc(due) = 0.5 THEN 2 * round(due / 2) ELSE round(due) END) AS wrong,
       (SELECT count(*) FROM e WHERE type = 'PricingChanged') AS changes,
       coalesce(min(price), 0) AS lowest, coalesce(max(price), 0) AS highest,
       (SELECT coalesce(sum((data ->> 'unit_price')::bigint), 0)::bigint FROM e WHERE type = 'TicketBought') AS revenue
  FROM exact";

// Sets are compared by EXCEPT, INTERSECT and GROUP BY, never joined: a join of large arrays, of which PostgreSQL does not
// know how large they are, can take a minute.
pub(super) const PURCHASES: &str = "
WITH acknowledged AS (
    SELECT * FROM unnest($2::text[], $3::text[]) AS a (ticket, request)
), bought AS (
    SELECT data ->> 'ticket' AS ticket, metadata ->> 'request_id' AS request
      FROM onsale_log.events WHERE stream = 'pools/' || $1 AND type = 'TicketBought'
)
SELECT (SELECT count(*) FROM (TABLE acknowledged EXCEPT TABLE bought) m) AS missing,
       (SELECT count(*) - count(DISTINCT ticket) FROM bought)
     + (SELECT count(*) - count(DISTINCT ticket) FROM acknowledged) AS doubled,
       (SELECT count(*) FROM (TABLE bought EXCEPT TABLE acknowledged) u WHERE request <> ALL ($4::text[])) AS unheard";

pub(super) const RECORDED: &str = "
SELECT count(*) AS requests, min(request) AS example FROM (
    SELECT metadata ->> 'request_id' AS request
      FROM onsale_log.events WHERE stream = 'pools/' || $1 AND type <> 'CommandRefused'
    INTERSECT
    SELECT unnest($2::text[])) recorded";

// The first event of a command names the attempt, in its correlation id: '<request id>/<attempt>'.
pub(super) const REPEATS: &str = "
WITH requests AS (
    SELECT request, count(attempt) AS commands, min(attempt) AS attempt
      FROM (SELECT metadata ->> 'request_id' AS request,
                   split_part(metadata ->> 'correlation_id', '/', 2) AS attempt, false AS repeated
              FROM onsale_log.events
             WHERE stream = 'pools/' || $1 AND metadata ->> 'correlation_id' IS NOT NULL
             UNION ALL
            SELECT unnest($2::text[]), NULL, true) both_sides
     GROUP BY request HAVING bool_or(repeated)
)
SELECT count(*) FILTER (WHERE commands = 1 AND attempt = '1') AS by_first,
       count(*) FILTER (WHERE commands = 1 AND attempt <> '1') AS by_later,
       count(*) FILTER (WHERE commands > 1) AS twice,
       count(*) FILTER (WHERE commands = 0) AS missing
  FROM requests";

pub(super) const WHILE_STOPPED: &str = "
WITH e AS (
    SELECT version, type, data ->> 'ticket' AS ticket FROM onsale_log.events WHERE stream = 'pools/' || $1
), lives AS (
    SELECT min(version) FILTER (WHERE type = 'TicketClaimed') AS claimed,
           min(version) FILTER (WHERE type = 'TicketBought') AS bought
      FROM e WHERE ticket IS NOT NULL GROUP BY ticket
)
SELECT EXISTS (SELECT FROM e WHERE version = $2 AND type = 'SalesStopped')
   AND EXISTS (SELECT FROM e WHERE version = $3 AND type = 'SalesResumed') AS as_told,
       count(*) FILTER (WHERE claimed > $2 AND claimed < $3) AS claimed,
       count(*) FILTER (WHERE bought > $2 AND bought < $3) AS bought,
       count(*) FILTER (WHERE bought > $2 AND bought < $3 AND (claimed IS NULL OR claimed > $2))
           AS bought_of_later_claims
  FROM lives";

pub(super) const FOLD: &str = "
WITH e AS (
    SELECT version, type, data FROM onsale_log.events WHERE stream = 'pools/' || $1
), past AS (
    SELECT * FROM e WHERE version <= $2
)
SELECT (SELECT coalesce(max((data ->> 'capacity')::bigint), 0) FROM past WHERE type = 'PoolCreated') AS capacity,
       (SELECT count(*) FROM past WHERE type = 'TicketBought') AS sold,
       (SELECT count(*) FROM past WHERE type = 'TicketClaimed')
     - (SELECT count(*) FROM past WHERE type IN ('TicketBought', 'TicketReleased')) AS held,
       coalesce((SELECT type = 'SalesStopped' FROM past WHERE type IN ('SalesStopped', 'SalesResumed')
                  ORDER BY version DESC LIMIT 1), false) AS stopped,
       (SELECT coalesce(max(version), 0) FROM e) AS newest";

pub(super) const NEWEST_VERSION: &str =
    "SELECT coalesce(max(version), 0) FROM onsale_log.events WHERE stream = 'pools/' || $1";
