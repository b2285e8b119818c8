//! The event log of the demo's pool, asked in SQL.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use onsale_shared::log::postgres::session_options;
use sqlx::{Connection as _, FromRow, PgConnection, postgres::PgRow};
use tokio::time::timeout;

use super::{promoter::Pause, tally::Bought};
use crate::proof::{self, Proof};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub(super) struct Log {
    connection: PgConnection,
    pool_id: String,
}

/// What happened to the tickets.
#[derive(Clone, Copy, Debug, FromRow)]
pub(super) struct Sales {
    pub(super) events: i64,
    pub(super) claimed: i64,
    pub(super) sold: i64,
    pub(super) expired: i64,
    pub(super) given_back: i64,
    /// The most tickets sold within a second.
    pub(super) peak: i64,
}

/// How acknowledged purchases stand in the log.
#[derive(Clone, Copy, Debug, FromRow)]
pub(super) struct Purchases {
    /// Acknowledged tickets that the same request did not buy.
    pub(super) missing: i64,
    /// Tickets that were bought, or acknowledged, twice.
    pub(super) doubled: i64,
    /// Tickets bought by a request that was neither acknowledged nor given up without an answer.
    pub(super) unheard: i64,
}

/// Which attempt of repeated requests was recorded.
#[derive(Clone, Copy, Debug, FromRow)]
pub(super) struct Repeats {
    pub(super) by_first: i64,
    pub(super) by_later: i64,
    pub(super) twice: i64,
    pub(super) missing: i64,
}

/// What happened while sales were stopped.
#[derive(Clone, Copy, Debug, FromRow)]
pub(super) struct WhileStopped {
    /// Whether the stop and its end stand where the promoter was told.
    pub(super) as_told: bool,
    pub(super) claimed: i64,
    pub(super) bought: i64,
    pub(super) bought_of_later_claims: i64,
}

/// The fold of the log up to a version.
#[derive(Clone, Copy, Debug, FromRow)]
pub(super) struct Fold {
    pub(super) capacity: i64,
    pub(super) sold: i64,
    pub(super) held: i64,
    pub(super) stopped: bool,
    /// The newest version in the log.
    pub(super) newest: i64,
}

const SALES: &str = "
SELECT count(*) AS events,
       count(*) FILTER (WHERE type = 'TicketClaimed') AS claimed,
       count(*) FILTER (WHERE type = 'TicketBought') AS sold,
       count(*) FILTER (WHERE type = 'TicketReleased' AND data ->> 'cause' = 'EXPIRED') AS expired,
       count(*) FILTER (WHERE type = 'TicketReleased' AND data ->> 'cause' = 'CUSTOMER') AS given_back,
       (SELECT coalesce(max(within), 0) FROM (
            SELECT count(*) OVER (ORDER BY time RANGE BETWEEN INTERVAL '1 second' PRECEDING AND CURRENT ROW) AS within
              FROM onsale_log.events WHERE stream = 'pools/' || $1 AND type = 'TicketBought') seconds) AS peak
  FROM onsale_log.events WHERE stream = 'pools/' || $1";

const PURCHASES: &str = "
WITH acknowledged AS (
    SELECT * FROM unnest($2::text[], $3::text[]) AS a (ticket, request)
), bought AS (
    SELECT data ->> 'ticket' AS ticket, metadata ->> 'request_id' AS request
      FROM onsale_log.events WHERE stream = 'pools/' || $1 AND type = 'TicketBought'
)
SELECT (SELECT count(*) FROM acknowledged a
         WHERE NOT EXISTS (SELECT FROM bought b WHERE b.ticket = a.ticket AND b.request = a.request)) AS missing,
       (SELECT count(*) - count(DISTINCT ticket) FROM bought)
     + (SELECT count(*) - count(DISTINCT ticket) FROM acknowledged) AS doubled,
       (SELECT count(*) FROM bought b
         WHERE NOT EXISTS (SELECT FROM acknowledged a WHERE b.ticket = a.ticket AND b.request = a.request)
           AND NOT EXISTS (SELECT FROM unnest($4::text[]) u (request) WHERE u.request = b.request)) AS unheard";

const RECORDED: &str = "
SELECT count(DISTINCT metadata ->> 'request_id') FROM onsale_log.events
 WHERE stream = 'pools/' || $1 AND metadata ->> 'request_id' IN (SELECT unnest($2::text[]))";

// The first event of a command names the attempt, in its correlation id: '<request id>/<attempt>'.
const REPEATS: &str = "
WITH repeated AS (
    SELECT r.request, count(c.attempt) AS commands, min(c.attempt) AS attempt
      FROM unnest($2::text[]) AS r (request)
      LEFT JOIN (SELECT metadata ->> 'request_id' AS request,
                        split_part(metadata ->> 'correlation_id', '/', 2) AS attempt
                   FROM onsale_log.events
                  WHERE stream = 'pools/' || $1 AND metadata ->> 'correlation_id' IS NOT NULL) c
             ON c.request = r.request
     GROUP BY r.request
)
SELECT count(*) FILTER (WHERE commands = 1 AND attempt = '1') AS by_first,
       count(*) FILTER (WHERE commands = 1 AND attempt <> '1') AS by_later,
       count(*) FILTER (WHERE commands > 1) AS twice,
       count(*) FILTER (WHERE commands = 0) AS missing
  FROM repeated";

const WHILE_STOPPED: &str = "
WITH e AS (
    SELECT version, type, data ->> 'ticket' AS ticket FROM onsale_log.events WHERE stream = 'pools/' || $1
)
SELECT EXISTS (SELECT FROM e WHERE version = $2 AND type = 'SalesStopped')
   AND EXISTS (SELECT FROM e WHERE version = $3 AND type = 'SalesResumed') AS as_told,
       count(*) FILTER (WHERE type = 'TicketClaimed') AS claimed,
       count(*) FILTER (WHERE type = 'TicketBought') AS bought,
       count(*) FILTER (WHERE type = 'TicketBought' AND NOT EXISTS (
           SELECT FROM e c WHERE c.type = 'TicketClaimed' AND c.ticket = e.ticket AND c.version < $2
       )) AS bought_of_later_claims
  FROM e WHERE version > $2 AND version < $3";

const FOLD: &str = "
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

impl Log {
    /// Connects to the database, and says in a sentence why it cannot.
    pub(super) async fn connect(database_url: &str, pool_id: &str) -> anyhow::Result<Self> {
        // Without the cause, which might quote a password.
        let options = session_options(database_url, "onsale-demo").map_err(|_secret| {
            anyhow!("DATABASE_URL is not the URL of a PostgreSQL database (postgres://user:password@host:port/database).")
        })?;
        let connecting = timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await;
        let connection = connecting.context("no answer").and_then(|connected| Ok(connected?));
        let connection = connection.map_err(|error| {
            anyhow!("The database of DATABASE_URL cannot be reached ({error}): start the system with `make up`.")
        })?;
        Ok(Self {
            connection,
            pool_id: pool_id.to_owned(),
        })
    }

    /// The length of the pool's stream; 0 if the log does not know the pool.
    pub(super) async fn newest_version(&mut self) -> anyhow::Result<i64> {
        Ok(self.fold(0).await?.newest)
    }

    pub(super) async fn proof(&mut self) -> anyhow::Result<Proof> {
        // The proof panics where the log cannot be asked; that it can is asked first.
        self.newest_version().await?;
        Ok(proof::of_pool(&mut self.connection, &self.pool_id).await)
    }

    pub(super) async fn sales(&mut self) -> anyhow::Result<Sales> {
        self.fetch(sqlx::query_as(SALES).bind(self.pool_id.clone())).await
    }

    pub(super) async fn purchases(&mut self, bought: &[Bought], unanswered: &[String]) -> anyhow::Result<Purchases> {
        let (tickets, requests): (Vec<_>, Vec<_>) =
            bought.iter().map(|bought| (bought.ticket.clone(), bought.request_id.clone())).unzip();
        let query = sqlx::query_as(PURCHASES).bind(self.pool_id.clone());
        self.fetch(query.bind(tickets).bind(requests).bind(unanswered.to_vec())).await
    }

    /// How many of these requests recorded something.
    pub(super) async fn recorded(&mut self, requests: &[String]) -> anyhow::Result<i64> {
        let query = sqlx::query_as(RECORDED).bind(self.pool_id.clone());
        let (count,): (i64,) = self.fetch(query.bind(requests.to_vec())).await?;
        Ok(count)
    }

    pub(super) async fn repeats(&mut self, requests: &[String]) -> anyhow::Result<Repeats> {
        let query = sqlx::query_as(REPEATS).bind(self.pool_id.clone());
        self.fetch(query.bind(requests.to_vec())).await
    }

    pub(super) async fn while_stopped(&mut self, pause: Pause) -> anyhow::Result<WhileStopped> {
        let query = sqlx::query_as(WHILE_STOPPED).bind(self.pool_id.clone());
        self.fetch(query.bind(pause.stopped).bind(pause.resumed)).await
    }

    pub(super) async fn fold(&mut self, version: i64) -> anyhow::Result<Fold> {
        self.fetch(sqlx::query_as(FOLD).bind(self.pool_id.clone()).bind(version)).await
    }

    async fn fetch<T>(&mut self, query: Query<'_, T>) -> anyhow::Result<T>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let answer = query.fetch_one(&mut self.connection).await;
        answer.map_err(|error| anyhow!("The log cannot be asked in SQL: {error}."))
    }
}

type Query<'q, T> = sqlx::query::QueryAs<'q, sqlx::Postgres, T, sqlx::postgres::PgArguments>;
