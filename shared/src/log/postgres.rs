//! A log in PostgreSQL: one table, one advisory lock, one function.
//!
//! An append is one call of `onsale_log.append_known` in autocommit: one round trip, in which the lock is taken, every
//! expected version is checked, positions are assigned and the transaction is committed. Readers need no lock.
//!
//! Connections must be direct, not through a transaction pooler: sessions have settings, and LISTEN needs one of its own.

mod append;
mod connections;
mod copy;
mod known;
mod lineage;
mod locked;
mod migrate;
mod named;
mod notifications;
mod read;
mod roles;
mod unreachable;

pub use connections::{InvalidDatabaseUrl, prepare_session, session_options};
pub use lineage::{Broken, Lineage, Unproved};
pub use migrate::{MigrateError, in_schema, is_migrated, migrate};
pub use named::origins;
pub use roles::{Role, RoleOutcome, ensure_role, may_use_role, run as run_on_roles};
pub use unreachable::{Unreachable, first_connection};

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use super::{
    AppendBatch, AppendError, Appended, EventLog, Head, Hints, LockedLog, LogClock, Origin,
    Position, ReadError, RecordedEvent, StreamName, Version,
};
use crate::id::EventId;
use connections::{Connections, Session};
use lineage::Shows;

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
    /// How long a read may take.
    pub read_timeout: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// Whether this process tells readers of what it appended; without it they poll.
    pub notify: bool,
    /// The history that it has to have; all logs of a process share one.
    pub lineage: Lineage,
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
            read_timeout: Duration::from_secs(6),
            connect_timeout: Duration::from_secs(2),
            notify: true,
            lineage: Lineage::default(),
        }
    }
}

/// A read under way on a connection.
type Reading<'c, T> = Pin<Box<dyn Future<Output = Result<T, ReadError>> + Send + 'c>>;

/// From so many events on, a page of the log is copied: planning that anew then costs nothing beside its rows.
const COPIED_EVENTS_MIN: usize = 5_000;
/// The most events or origins that one statement names.
const NAMED_MAX: usize = 1_000;
/// As many tasks of a process wait in PostgreSQL for the log's lock at once.
const LOCKERS_MAX: usize = 2;

/// A log in a PostgreSQL database that is migrated. Its notifier ends with it.
#[derive(Debug)]
pub struct PostgresLog {
    config: PostgresLogConfig,
    /// For appends and locks: they must not wait for readers.
    writers: Arc<Connections>,
    /// Who wants the log's lock queues here first, so that a crowd costs no connections.
    locks: Arc<Semaphore>,
    readers: Connections,
    /// Of `read_connections_max`.
    reads: Semaphore,
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
        let connections = || Connections::new(config.options.clone(), role, config.connect_timeout);
        let readers = connections();
        // Open before the clock is asked, so that connecting does not widen the sample.
        let mut session = readers.open().await?;
        let (sent, time, received) = read::time(&mut session.connection).await?;
        readers.put_back(session);
        let appended = watch::Sender::new(Position::START);
        if config.notify {
            notifications::spawn_notifier(appended.subscribe(), config.clone()).await?;
        }
        Ok(Self {
            writers: Arc::new(connections()),
            locks: Arc::new(Semaphore::new(LOCKERS_MAX)),
            readers,
            reads: Semaphore::new(usize::try_from(config.read_connections_max).unwrap_or(1)),
            appended,
            clock: LogClock::new(sent, time, received),
            config,
        })
    }

    /// The history that this log has had so far. When it is broken, whatever follows from this log has to be thrown away.
    #[must_use]
    pub fn lineage(&self) -> Lineage {
        self.config.lineage.clone()
    }

    /// Reads on a connection for itself. One that was idle may have died meanwhile: only what a new one says is a
    /// failure. The network may also hold back an answer for ever, so a read has its time.
    async fn reading<T, Read>(&self, during: &'static str, read: Read) -> Result<T, ReadError>
    where
        Read: for<'c> Fn(&'c mut PgConnection) -> Reading<'c, T>,
        T: Shows,
    {
        let read = async |session: &mut Session| {
            let proved = session.prove(&self.config.lineage).await;
            proved.map_err(|unproved| read::unavailable(during)(unproved.into_source()))?;
            let shown = read(&mut session.connection).await?;
            if let Some(newest) = shown.newest() {
                session.saw(newest, &self.config.lineage);
            }
            Ok(shown)
        };
        let reading = async {
            let turn = self.reads.acquire().await;
            let _turn = turn.map_err(read::unavailable(during))?;
            while let Some(mut session) = self.readers.take_idle() {
                match read(&mut session).await {
                    Err(ReadError::Unavailable { .. }) => self.readers.close_idle(),
                    result => {
                        self.readers.put_back(session);
                        return result;
                    }
                }
            }
            let opened = self.readers.open().await;
            let mut session = opened.map_err(read::unavailable(during))?;
            let result = read(&mut session).await?;
            self.readers.put_back(session);
            Ok(result)
        };
        match timeout(self.config.read_timeout, reading).await {
            Ok(result) => result,
            Err(elapsed) => {
                self.readers.close_idle();
                Err(read::unavailable(during)(elapsed))
            }
        }
    }

    /// A session to append with. One that was idle may have died meanwhile: only what a new one says is a failure.
    async fn writer(&self) -> Result<Session, Unproved> {
        if let Some(mut session) = self.writers.take_idle() {
            match session.prove(&self.config.lineage).await {
                Ok(()) => return Ok(session),
                Err(Unproved::Broken(broken)) => return Err(broken.into()),
                Err(Unproved::Database(_died)) => self.writers.close_idle(),
            }
        }
        let mut session = self.writers.open().await?;
        session.prove(&self.config.lineage).await?;
        Ok(session)
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
        let mut session = match timeout(self.config.append_timeout, self.writer()).await {
            Ok(session) => {
                session.map_err(|error| AppendError::NotAppended(error.into_source()))?
            }
            Err(elapsed) => {
                self.writers.close_idle();
                return Err(AppendError::NotAppended(elapsed.into()));
            }
        };
        let sent = Instant::now();
        let call = append::call(&mut session, batch);
        // Without an answer the session is dropped, not put back: its backend may still be at work.
        let reply = match timeout(self.config.append_timeout, call).await {
            Ok(reply) => reply.map_err(append::classify),
            Err(elapsed) => Err(AppendError::OutcomeUnknown(elapsed.into())),
        };
        let reply = reply.inspect_err(|error| match error {
            AppendError::NotAppended(_) => {}
            // What was idle beside it is no better, and the next attempt needs a connection that works.
            AppendError::OutcomeUnknown(_) => self.writers.close_idle(),
        })?;
        if let Some(newest) = reply.newest(batch) {
            session.saw(newest, &self.config.lineage);
        }
        self.writers.put_back(session);
        self.note(sent, &reply);
        Ok(reply.appended)
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let stream = stream.clone();
        self.reading("reading a stream", move |connection| {
            let stream = stream.clone();
            Box::pin(async move { read::stream(connection, &stream, after, limit).await })
        })
        .await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.reading("reading the log", move |connection| match limit {
            COPIED_EVENTS_MIN.. => Box::pin(copy::log(connection, after, limit)),
            _few => Box::pin(read::log(connection, after, limit)),
        })
        .await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        let mut events = Vec::with_capacity(positions.len());
        for some in positions.chunks(NAMED_MAX) {
            let some: Arc<[i64]> = some.iter().map(|position| position.get()).collect();
            let page = self.reading("reading events by their positions", move |connection| {
                let some = Arc::clone(&some);
                Box::pin(async move { named::events_at(connection, &some).await })
            });
            events.extend(page.await?);
        }
        Ok(events)
    }

    async fn origins(&self, events: &[EventId]) -> Result<Vec<(EventId, Origin)>, ReadError> {
        let mut origins = Vec::new();
        for some in events.chunks(NAMED_MAX) {
            let some: Arc<[EventId]> = some.into();
            let page = self.reading("reading origins", move |connection| {
                let some = Arc::clone(&some);
                Box::pin(async move {
                    let read = named::origins(connection, &some).await;
                    read.map_err(read::unavailable("reading origins"))
                })
            });
            origins.extend(page.await?);
        }
        Ok(origins)
    }

    async fn head(&self) -> Result<Head, ReadError> {
        let clock = self.clock.clone();
        self.reading("reading the head", move |connection| {
            let clock = clock.clone();
            Box::pin(async move {
                let sent = Instant::now();
                let head = read::head(connection).await?;
                clock.learn(sent, head.time, Instant::now());
                Ok(head)
            })
        })
        .await
    }

    async fn lock(&self) -> Result<Box<dyn LockedLog>, ReadError> {
        let turn = Arc::clone(&self.locks).acquire_owned().await;
        let turn = turn.map_err(read::unavailable("queueing for the lock"))?;
        locked::lock(
            turn,
            &self.writers,
            self.appended.clone(),
            (self.clock.clone(), self.config.lineage.clone()),
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
