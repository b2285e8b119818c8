//! Which history this process follows. A standby that takes over, or a backup that is restored, may lack the last events
//! that were acknowledged, and go on with others: an equal version is not an equal history. All that a process keeps in
//! memory follows from one history, so it must not meet another.
//!
//! Ids of events are unique: a log that has the newest event that this process knows, at its position, has all events
//! before it. Each session shows that before it is used for the first time, and again whenever the process has learnt of
//! newer events by another session.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sqlx::PgConnection;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    id::EventId,
    log::{Head, Origin, Position, RecordedEvent, Source},
};

/// The history that this process follows; its clones are one.
#[derive(Clone, Debug, Default)]
pub struct Lineage(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    newest: Mutex<Option<Newest>>,
    broken: watch::Sender<Option<Broken>>,
}

/// The newest event that is known.
type Newest = (Position, EventId);

/// The log has another history than the one that this process follows. Nothing that it has in memory may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Where this process knows an event that the log does not have there.
    pub position: Position,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the log is not the one that this process has followed: the event that it knows at position {} is not there any more. \
             PostgreSQL was restored, or has lost its last commits in a failover; started again, this process reads the log anew",
            self.position
        )
    }
}

impl std::error::Error for Broken {}

/// Why a log could not be shown to be the right one.
#[derive(Debug, thiserror::Error)]
pub enum Unproved {
    /// It is another one.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It could not be asked.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Unproved {
    /// Which of them it is.
    #[must_use]
    pub fn into_source(self) -> Source {
        match self {
            Self::Broken(broken) => broken.into(),
            Self::Database(error) => error.into(),
        }
    }
}

impl Lineage {
    /// Whether the log at the other end of a connection is the one that is followed. Before anything is known of the log,
    /// each is. Whoever finds another one has told all who wait for [`broken`](Self::broken).
    ///
    /// # Errors
    /// It is another one, or could not be asked.
    pub async fn prove(&self, connection: &mut PgConnection) -> Result<(), Unproved> {
        self.prove_from(connection, Position::START).await?;
        Ok(())
    }

    /// As [`prove`](Self::prove) for a log that is known to be the right one up to `proved`. Returns up to where it is now.
    pub(super) async fn prove_from(
        &self,
        connection: &mut PgConnection,
        proved: Position,
    ) -> Result<Position, Unproved> {
        let Some((position, id)) = self.newest().filter(|(newest, _)| *newest > proved) else {
            return Ok(proved);
        };
        let found: Option<Uuid> =
            sqlx::query_scalar("SELECT event_id FROM onsale_log.events WHERE position = $1")
                .bind(position.get())
                .fetch_optional(connection)
                .await?;
        if found == Some(id.0) {
            return Ok(position);
        }
        let broken = Broken { position };
        self.0.broken.send_replace(Some(broken));
        Err(broken.into())
    }

    /// Comes back when a session has met another log.
    pub async fn broken(&self) -> Broken {
        let mut told = self.0.broken.subscribe();
        let broken = told.wait_for(Option::is_some).await;
        match broken.ok().and_then(|broken| *broken) {
            Some(broken) => broken,
            // Whoever waits has a clone, and with it the sender.
            None => std::future::pending().await,
        }
    }

    /// An event of the log, by a session that has shown that its log is the right one.
    pub(super) fn learn(&self, (position, id): Newest) {
        let mut newest = self.lock();
        if newest.is_none_or(|(known, _)| known < position) {
            *newest = Some((position, id));
        }
    }

    fn newest(&self) -> Option<Newest> {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Newest>> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a read may show of the log.
pub(super) trait Shows {
    /// The newest event in it.
    fn newest(&self) -> Option<Newest>;
}

impl Shows for Vec<RecordedEvent> {
    fn newest(&self) -> Option<Newest> {
        let newest = self.iter().max_by_key(|event| event.position)?;
        Some((newest.position, newest.id))
    }
}

impl Shows for Vec<(EventId, Origin)> {
    fn newest(&self) -> Option<Newest> {
        None
    }
}

impl Shows for Head {
    fn newest(&self) -> Option<Newest> {
        None
    }
}
