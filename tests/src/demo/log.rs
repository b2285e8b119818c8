//! The event log of the demo's pool, asked in SQL.

mod sql;

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use onsale_shared::log::postgres::session_options;
use sqlx::{Connection as _, FromRow, PgConnection, postgres::PgRow};
use tokio::time::timeout;

use super::{promoter::Pause, tally::Bought};
use crate::proof::{self, Proof};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const UNDEFINED_TABLE: &str = "42P01";

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

/// What tickets cost.
#[derive(Clone, Copy, Debug, FromRow)]
pub(super) struct Prices {
    pub(super) claims: i64,
    /// Claims at another price than the rule of that moment gives.
    pub(super) wrong: i64,
    pub(super) changes: i64,
    /// In cents.
    pub(super) lowest: i64,
    pub(super) highest: i64,
    pub(super) revenue: i64,
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

/// Which of some requests recorded something.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Recorded {
    pub(super) requests: i64,
    /// One of them.
    pub(super) example: Option<String>,
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

/// A question about the pool.
type Query<T> = sqlx::query::QueryAs<'static, sqlx::Postgres, T, sqlx::postgres::PgArguments>;

impl Log {
    /// Connects to the database, and says in a sentence why it cannot.
    pub(super) async fn connect(database_url: &str, pool_id: &str) -> anyhow::Result<Self> {
        // Without the cause, which might quote a password.
        let options = session_options(database_url, "onsale-demo").map_err(|_secret| {
            anyhow!("DATABASE_URL is not the URL of a PostgreSQL database (postgres://user:password@host:port/database).")
        })?;
        let connecting = timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await;
        let connection = connecting
            .context("no answer")
            .and_then(|connected| Ok(connected?));
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
        let (version,): (i64,) = self.fetch(self.ask(sql::NEWEST_VERSION)).await?;
        Ok(version)
    }

    pub(super) async fn proof(&mut self) -> anyhow::Result<Proof> {
        // The proof panics where the log cannot be asked; that it can is asked first.
        self.newest_version().await?;
        Ok(proof::of_pool(&mut self.connection, &self.pool_id).await)
    }

    pub(super) async fn sales(&mut self) -> anyhow::Result<Sales> {
        self.fetch(self.ask(sql::SALES)).await
    }

    pub(super) async fn prices(&mut self) -> anyhow::Result<Prices> {
        self.fetch(self.ask(sql::PRICES)).await
    }

    pub(super) async fn purchases(
        &mut self,
        bought: &[Bought],
        unanswered: &[String],
    ) -> anyhow::Result<Purchases> {
        let (tickets, requests): (Vec<_>, Vec<_>) = bought
            .iter()
            .map(|bought| (bought.ticket.clone(), bought.request_id.clone()))
            .unzip();
        let query = self.ask(sql::PURCHASES).bind(tickets).bind(requests);
        self.fetch(query.bind(unanswered.to_vec())).await
    }

    /// What these requests recorded.
    pub(super) async fn recorded(&mut self, requests: Vec<String>) -> anyhow::Result<Recorded> {
        self.fetch(self.ask(sql::RECORDED).bind(requests)).await
    }

    pub(super) async fn repeats(&mut self, requests: &[String]) -> anyhow::Result<Repeats> {
        let query = self.ask(sql::REPEATS).bind(requests.to_vec());
        self.fetch(query).await
    }

    pub(super) async fn while_stopped(&mut self, pause: Pause) -> anyhow::Result<WhileStopped> {
        let query = self.ask(sql::WHILE_STOPPED);
        self.fetch(query.bind(pause.stopped).bind(pause.resumed))
            .await
    }

    pub(super) async fn fold(&mut self, version: i64) -> anyhow::Result<Fold> {
        self.fetch(self.ask(sql::FOLD).bind(version)).await
    }

    fn ask<T: for<'r> FromRow<'r, PgRow>>(&self, question: &'static str) -> Query<T> {
        sqlx::query_as(question).bind(self.pool_id.clone())
    }

    async fn fetch<T>(&mut self, query: Query<T>) -> anyhow::Result<T>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let answer = query.fetch_one(&mut self.connection).await;
        answer.map_err(|error| in_a_sentence(&error))
    }
}

fn in_a_sentence(error: &sqlx::Error) -> anyhow::Error {
    let refused = error.as_database_error();
    if refused.and_then(|refused| refused.code()).as_deref() == Some(UNDEFINED_TABLE) {
        return anyhow!(
            "The database of DATABASE_URL has no event log: name the database of the services in it."
        );
    }
    let text = refused.map_or_else(|| error.to_string(), |refused| refused.message().to_owned());
    anyhow!("The log cannot be asked in SQL: {text}.")
}
