//! A connection for a task that works aside: what it reads and writes must not wait for the log's readers. It is taken out for
//! one use and put back only when that went well; a dropped one is closed. Not sqlx's pool: that one takes a connection back
//! only after a ping without a deadline, so one whose network forgot it is lost to the pool for as long as TCP tries.

use std::time::Duration;

use onsale_shared::log::postgres::{Role, prepare_session};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

/// How long a connection may take to come about, or to show that it lives.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// One connection at most, opened again when it broke.
#[derive(Debug)]
pub struct Aside {
    options: PgConnectOptions,
    role: Option<Role>,
    idle: Option<PgConnection>,
}

impl Aside {
    /// Opens nothing yet.
    #[must_use]
    pub const fn new(options: PgConnectOptions, role: Option<Role>) -> Self {
        Self {
            options,
            role,
            idle: None,
        }
    }

    /// The connection, or a new one if it has died meanwhile.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn take(&mut self) -> Result<PgConnection, sqlx::Error> {
        if let Some(mut idle) = self.idle.take()
            && matches!(timeout(CONNECT_TIMEOUT, idle.ping()).await, Ok(Ok(())))
        {
            return Ok(idle);
        }
        let opening = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            prepare_session(&mut connection, self.role).await?;
            Ok(connection)
        };
        let opened = timeout(CONNECT_TIMEOUT, opening).await;
        opened.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// What was asked of it went well.
    pub fn put_back(&mut self, connection: PgConnection) {
        self.idle = Some(connection);
    }
}
