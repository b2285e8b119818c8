//! A log in PostgreSQL: one table, one advisory lock, one function.
//!
//! An append is one call of `onsale_log.append` in autocommit: one round trip, in which the lock is taken, every
//! expected version is checked, positions are assigned and the transaction is committed. Readers need no lock.
//!
//! Connections must be direct, not through a transaction pooler: sessions have settings, and LISTEN needs one of its own.

mod append;
mod connections;
mod locked;
mod migrate;
mod notifications;
mod read;
mod roles;

pub use connections::{prepare_session, session_options};
pub use migrate::{MigrateError, in_schema, is_migrated, migrate};
pub use roles::{Role, RoleOutcome, ensure_role, may_use_role, run as run_on_roles};

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{Semaphore, watch};

use super::{
    AppendBatch, AppendError, Appended, EventLog, Head, Hints, LockedLog, LogClock, Position,
    ReadError, RecordedEvent, StreamName, Version,
};
use connections::Connections;

/// How a process uses the log.
#[derive(Clone, Debug)]
pub struct PostgresLogConfig {
    /// Where the database is.
    pub options: PgConnectOptions,
    /// The role that sessions take on; none keeps the login's own rights.
    pub role: Option<Role>,
    /// The most connections for reading.
    pub read_connections_max: u32,
    /// How long one attempt to append may take before its outcome counts as unknown.
    pub append_timeout: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// Whether this process tells readers of what it appended; without it they poll.
    pub notify: bool,
}

impl PostgresLogConfig {
    /// The usual limits.
    #[must_use]
    pub fn new(options: PgConnectOptions, role: Option<Role>) -> Self {
        Self {
            options,
            role,
            read_connections_max: 8,
            append_timeout: Duration::from_secs(6),
            connect_timeout: Duration::from_secs(2),
            notify: true,
        }
    }
}

/// As many tasks of a process wait in PostgreSQL for the log's lock at once.
const LOCKERS_MAX: usize = 2;

/// See the module.
#[derive(Debug)]
pub struct PostgresLog {
    config: PostgresLogConfig,
    /// For appends and locks: they must not wait for readers.
    writers: Connections,
    /// Who wants the log's lock queues here first, so that a crowd costs no connections.
    locks: Arc<Semaphore>,
    readers: PgPool,
    /// The newest head that this process appended; the notifier tells it to others.
    appended: watch::Sender<Position>,
    clock: LogClock,
}

impl PostgresLog {
    /// Connects, learns the clock, and starts the notifier, which ends with the log.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn connect(config: PostgresLogConfig) -> Result<Self, sqlx::Error> {
        let mut role = config.role;
        if let Some(wanted) = role {
            let mut connection =
                connections::open(&config.options, None, config.connect_timeout).await?;
            if !may_use_role(&mut connection, wanted).await? {
                tracing::warn!(
                    role = wanted.as_str(),
                    "the role is missing or not granted; sessions keep the rights of their login. Run `migrate` with a login that may create roles"
                );
                role = None;
            }
        }
        let config = PostgresLogConfig { role, ..config };
        let readers = PgPoolOptions::new()
            .max_connections(config.read_connections_max)
            .acquire_timeout(config.connect_timeout)
            .after_connect(move |connection, _| {
                Box::pin(async move { connections::prepare_session(connection, role).await })
            })
            .connect_lazy_with(config.options.clone());
        let (sent, time, received) = read::time(&readers).await?;
        let appended = watch::Sender::new(Position::START);
        if config.notify {
            notifications::spawn_notifier(appended.subscribe(), config.clone());
        }
        Ok(Self {
            writers: Connections::new(config.options.clone(), role, config.connect_timeout),
            locks: Arc::new(Semaphore::new(LOCKERS_MAX)),
            readers,
            appended,
            clock: LogClock::new(sent, time, received),
            config,
        })
    }

    /// What an append, wherever it was sent, says of the clock and the head.
    fn note(&self, sent: Instant, reply: &append::Reply) {
        self.clock.learn(sent, reply.time, Instant::now());
        self.appended.send_if_modified(|head| {
            let newer = reply.appended.head > *head;
            *head = reply.appended.head.max(*head);
            newer
        });
    }
}

#[async_trait]
impl EventLog for PostgresLog {
    async fn append(&self, batch: &AppendBatch) -> Result<Appended, AppendError> {
        let mut connection = self
            .writers
            .take()
            .await
            .map_err(|error| AppendError::NotAppended(error.into()))?;
        let sent = Instant::now();
        let call = append::call(&mut connection, batch);
        // On a time-out the connection is dropped, not put back: its backend may still be at work.
        let reply = match tokio::time::timeout(self.config.append_timeout, call).await {
            Ok(reply) => reply.map_err(append::classify)?,
            Err(elapsed) => return Err(AppendError::OutcomeUnknown(elapsed.into())),
        };
        self.writers.put_back(connection);
        self.note(sent, &reply);
        Ok(reply.appended)
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        read::stream(&self.readers, stream, after, limit).await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        read::log(&self.readers, after, limit).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        let sent = Instant::now();
        let head = read::head(&self.readers).await?;
        self.clock.learn(sent, head.time, Instant::now());
        Ok(head)
    }

    async fn lock(&self) -> Result<Box<dyn LockedLog>, ReadError> {
        let turn = Arc::clone(&self.locks).acquire_owned().await;
        let turn = turn.map_err(|closed| {
            read::unavailable("queueing for the lock")(sqlx::Error::Io(std::io::Error::other(
                closed,
            )))
        })?;
        locked::lock(
            turn,
            &self.writers,
            self.appended.clone(),
            self.clock.clone(),
            self.config.append_timeout,
        )
        .await
    }

    async fn hints(&self) -> Result<Box<dyn Hints>, ReadError> {
        notifications::listen(&self.config).await
    }

    fn clock(&self) -> &LogClock {
        &self.clock
    }
}
