//! Sessions and their settings.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, postgres::PgConnectOptions};

use super::{
    Role,
    known::Known,
    lineage::{Lineage, Unproved},
};
use crate::{id::EventId, log::Position};

/// What every session of the log sets. A writer that hangs or vanishes is given up by the server within seconds, since
/// everybody else waits for the lock that it may hold; an acknowledged event is on disk, whatever the server's default.
const SESSION: &str = "\
    SET default_transaction_isolation = 'read committed'; \
    SET lock_timeout = '2s'; \
    SET statement_timeout = '5s'; \
    SET idle_in_transaction_session_timeout = '1s'; \
    SET tcp_user_timeout = 5000; \
    SET plan_cache_mode = force_generic_plan; \
    SET enable_seqscan = off; \
    SET jit = off; \
    SET TimeZone = 'UTC'; \
    SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// A URL names no database of PostgreSQL. The text never shows it: it may have a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "DATABASE_URL is not the URL of a PostgreSQL database (postgres://user:password@host:port/database)"
)]
pub struct InvalidDatabaseUrl;

/// The address of a database with the name that sessions show in `pg_stat_activity`.
///
/// # Errors
/// The URL cannot be read, or is of another kind of database.
pub fn session_options(
    database_url: &str,
    application: &str,
) -> Result<PgConnectOptions, InvalidDatabaseUrl> {
    // sqlx takes URLs of any scheme.
    let schemes = ["postgres://", "postgresql://"];
    if !schemes
        .iter()
        .any(|scheme| database_url.starts_with(scheme))
    {
        return Err(InvalidDatabaseUrl);
    }
    let options: Result<PgConnectOptions, _> = database_url.parse();
    let options = options.map_err(|_secret| InvalidDatabaseUrl)?;
    Ok(options.application_name(application))
}

/// Opens a session with its settings.
pub(super) async fn open(
    options: &PgConnectOptions,
    role: Option<Role>,
    timeout: Duration,
) -> Result<PgConnection, sqlx::Error> {
    let opening = async {
        let mut connection = PgConnection::connect_with(options).await?;
        prepare_session(&mut connection, role).await?;
        Ok(connection)
    };
    match tokio::time::timeout(timeout, opening).await {
        Ok(opened) => opened,
        Err(_elapsed) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// Gives a new session its settings and its role.
///
/// # Errors
/// The session broke, or the role may not be taken on.
pub async fn prepare_session(
    connection: &mut PgConnection,
    role: Option<Role>,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(SESSION).execute(&mut *connection).await?;
    if let Some(role) = role {
        // Safe: the name is one of two constants.
        let set_role = AssertSqlSafe(format!("SET ROLE {}", role.as_str()));
        sqlx::raw_sql(set_role).execute(connection).await?;
    }
    Ok(())
}

/// A session, and what it knows from its own appends.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: PgConnection,
    pub(super) known: Known,
    /// Up to where its log is the one that this process follows.
    pub(super) proved: Position,
}

impl Session {
    /// Shows that its log is the one that is followed, if the process knows more of that than this session has seen.
    pub(super) async fn prove(&mut self, lineage: &Lineage) -> Result<(), Unproved> {
        let proving = lineage.prove_from(&mut self.connection, self.proved);
        self.proved = proving.await?;
        Ok(())
    }

    /// Its log has this event.
    pub(super) fn saw(&mut self, newest: (Position, EventId), lineage: &Lineage) {
        self.proved = self.proved.max(newest.0);
        lineage.learn(newest);
    }
}

/// Sessions that are taken out for one use and put back only when that went well; a dropped one is closed, and its
/// transaction with it.
#[derive(Debug)]
pub(super) struct Connections {
    options: PgConnectOptions,
    role: Option<Role>,
    timeout: Duration,
    idle: Mutex<Vec<Session>>,
}

impl Connections {
    /// The most connections that wait for their next use.
    const IDLE_MAX: usize = 4;

    pub(super) const fn new(
        options: PgConnectOptions,
        role: Option<Role>,
        timeout: Duration,
    ) -> Self {
        Self {
            options,
            role,
            timeout,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// One that was used before; it may have died meanwhile.
    pub(super) fn take_idle(&self) -> Option<Session> {
        self.idle().pop()
    }

    pub(super) async fn open(&self) -> Result<Session, sqlx::Error> {
        Ok(Session {
            connection: open(&self.options, self.role, self.timeout).await?,
            known: Known::default(),
            proved: Position::START,
        })
    }

    pub(super) fn put_back(&self, session: Session) {
        let mut idle = self.idle();
        if idle.len() < Self::IDLE_MAX {
            idle.push(session);
        }
    }

    /// Closes what waits for its next use: one connection has hung or broken, and the others go the same way.
    pub(super) fn close_idle(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
