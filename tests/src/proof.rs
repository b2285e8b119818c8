//! What the log says, asked in SQL: a second telling of the rules, that shares nothing with the code under test.

use sqlx::{PgConnection, Row as _};

/// What a pool's events add up to, and whether they could have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// As it was set last.
    pub capacity: i64,
    /// Bought and not refunded.
    pub sold: i64,
    /// `TicketClaimed` that were neither bought nor released.
    pub held: i64,
    /// The most that sold + held ever was, after any event.
    pub committed_max: i64,
    /// After how many events more was sold and held than there was at that moment.
    pub oversold: i64,
    /// Tickets that were claimed, bought, released or refunded twice, or otherwise than tickets live.
    pub illegal_lives: i64,
    /// Positions or versions that are missing.
    pub gaps: i64,
}

impl Proof {
    /// Whether nothing was oversold at any moment, and every ticket lived as tickets live.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.oversold == 0 && self.illegal_lives == 0 && self.gaps == 0
    }
}

const PROOF: &str = "
WITH e AS (
    SELECT version, type, data ->> 'ticket' AS ticket,
           CASE WHEN type IN ('PoolCreated', 'CapacityChanged') THEN (data ->> 'capacity')::bigint END AS capacity
      FROM onsale_log.events WHERE stream = 'pools/' || $1
), counted AS (
    SELECT version, capacity, count(capacity) OVER w AS era,
           sum(CASE type WHEN 'TicketClaimed' THEN 1 WHEN 'TicketReleased' THEN -1 WHEN 'TicketRefunded' THEN -1 ELSE 0 END)
               OVER w AS committed
      FROM e WINDOW w AS (ORDER BY version)
), held_to AS (
    SELECT version, committed, max(capacity) OVER (PARTITION BY era) AS capacity FROM counted
), lives AS (
    SELECT ticket, string_agg(type, ',' ORDER BY version) AS life FROM e WHERE ticket IS NOT NULL GROUP BY ticket
)
SELECT (SELECT capacity FROM held_to ORDER BY version DESC LIMIT 1)                      AS capacity,
       (SELECT count(*) FROM lives WHERE life LIKE '%TicketBought')                      AS sold,
       (SELECT count(*) FROM lives WHERE life = 'TicketClaimed')                         AS held,
       (SELECT coalesce(max(committed), 0)::bigint FROM counted)                         AS committed_max,
       (SELECT count(*) FROM held_to WHERE committed > capacity OR capacity IS NULL)     AS oversold,
       (SELECT count(*) FROM lives
         WHERE life NOT IN ('TicketClaimed', 'TicketClaimed,TicketBought', 'TicketClaimed,TicketReleased',
                            'TicketClaimed,TicketBought,TicketRefunded'))
                                                                                         AS illegal_lives,
       (SELECT coalesce(max(version), 0) - count(*) FROM e)
     + (SELECT coalesce(max(position), 0) - count(*) FROM onsale_log.events)             AS gaps";

/// Asks the log about a pool.
///
/// # Panics
/// The database cannot be asked, or there is no such pool.
pub async fn of_pool(connection: &mut PgConnection, pool_id: &str) -> Proof {
    let row = sqlx::query(PROOF)
        .bind(pool_id)
        .fetch_one(connection)
        .await
        .expect("the log can be asked");
    Proof {
        capacity: row.try_get("capacity").expect("the pool exists"),
        sold: row.get("sold"),
        held: row.get("held"),
        committed_max: row.get("committed_max"),
        oversold: row.get("oversold"),
        illegal_lives: row.get("illegal_lives"),
        gaps: row.get("gaps"),
    }
}

/// How many events of a pool each instance of command-service recorded, by command.
///
/// # Panics
/// The database cannot be asked.
pub async fn commands_by_instance(
    connection: &mut PgConnection,
    pool_id: &str,
) -> Vec<(String, i64)> {
    sqlx::query_as(
        "SELECT metadata -> 'source' ->> 'instance', count(*) FROM onsale_log.events \
          WHERE stream = 'pools/' || $1 AND metadata -> 'source' IS NOT NULL AND metadata -> 'request_id' IS NOT NULL \
          GROUP BY 1 ORDER BY 1",
    )
    .bind(pool_id)
    .fetch_all(connection)
    .await
    .expect("the log can be asked")
}
