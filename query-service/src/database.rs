//! The way to PostgreSQL: one role and one set of session settings for everything that this service does there.

mod connections;

use std::time::Duration;

use anyhow::bail;
use onsale_shared::log::postgres::{
    Role, first_connection, is_migrated, may_use_role, prepare_session, session_options,
};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};

pub(crate) use connections::{Connections, Reading};

use crate::migrate;

/// The name that sessions show in `pg_stat_activity`.
pub(crate) const APPLICATION: &str = "query-service";

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long one statement may take: longer than the server allows. The network may hold back an answer for ever.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(6);

/// Where the database is, and as whom this service works there.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    options: PgConnectOptions,
    role: Option<Role>,
}

impl Database {
    /// Reaches the database once and looks at its schemas.
    pub(crate) async fn open(database_url: &str) -> anyhow::Result<Self> {
        let options = session_options(database_url, APPLICATION)?;
        let mut connection = first_connection(&options).await?;
        if !is_migrated(&mut connection).await? {
            bail!(
                "the event log is not there or not up to date; run `command-service migrate` first"
            );
        }
        if !migrate::is_migrated(&mut connection).await? {
            bail!(
                "the read models are not there or not up to date; run `query-service migrate` first"
            );
        }
        let may_use = may_use_role(&mut connection, Role::Query).await?;
        connection.close().await?;
        Ok(Self {
            options,
            role: may_use.then_some(Role::Query),
        })
    }

    pub(crate) const fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// A session of its own, outside of any pool.
    pub(crate) async fn session(&self) -> Result<PgConnection, sqlx::Error> {
        timeout(async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            prepare_session(&mut connection, self.role).await?;
            Ok(connection)
        })
        .await
    }

    /// Connections for queries, opened when they are needed.
    pub(crate) fn connections(&self, connections_max: u32) -> Connections {
        Connections::new(self.clone(), connections_max)
    }
}

async fn timeout<T>(
    connecting: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(connected) => connected,
        Err(_elapsed) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// A statement, or a row of its answer, or the end of patience.
pub(crate) async fn in_time<T>(
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    in_time_of(STATEMENT_TIMEOUT, statement).await
}

pub(crate) async fn in_time_of<T>(
    time: Duration,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let answer = tokio::time::timeout(time, statement).await;
    answer.unwrap_or_else(|elapsed| Err(std::io::Error::from(elapsed).into()))
}
