//! The log's lock, held over several round trips: the one place where that is so.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Row as _;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{
    append,
    connections::{Connections, Session},
    lineage::{Lineage, Shows as _},
    read,
};
use crate::log::{
    AppendBatch, AppendError, Appended, LockLost, LockedLog, LogClock, Position, ReadError,
    RecordedEvent, StreamName, Version,
};
use crate::time::Timestamp;

struct Locked {
    _turn: OwnedSemaphorePermit,
    session: Session,
    asked_at: Timestamp,
    /// Where the session goes back to.
    connections: Arc<Connections>,
    appended: watch::Sender<Position>,
    clock: LogClock,
    lineage: Lineage,
    timeout: Duration,
}

/// Takes the lock. The guard owns its session: dropped, it closes it, and PostgreSQL frees the lock; a holder that
/// vanishes is thrown out by `idle_in_transaction_session_timeout`. A connection that was idle may have died meanwhile:
/// only what a new one says is a failure.
pub(super) async fn lock(
    turn: OwnedSemaphorePermit,
    connections: &Arc<Connections>,
    appended: watch::Sender<Position>,
    (clock, lineage): (LogClock, Lineage),
    timeout: Duration,
) -> Result<Box<dyn LockedLog>, ReadError> {
    let idle = connections.take_idle();
    let locked = match idle {
        Some(session) => begin(session, (&clock, &lineage), timeout).await.ok(),
        None => None,
    };
    let (session, asked_at) = match locked {
        Some(locked) => locked,
        None => {
            let opened = connections.open().await;
            let opened = opened.map_err(read::unavailable("connecting to lock the log"))?;
            let locked = begin(opened, (&clock, &lineage), timeout).await;
            locked.inspect_err(|_| connections.close_idle())?
        }
    };
    Ok(Box::new(Locked {
        _turn: turn,
        session,
        asked_at,
        connections: Arc::clone(connections),
        appended,
        clock,
        lineage,
        timeout,
    }))
}

/// Begins a transaction, and waits for the lock. Says when PostgreSQL was asked for it: expressions of a SELECT are
/// evaluated from left to right.
async fn begin(
    mut session: Session,
    (clock, lineage): (&LogClock, &Lineage),
    timeout: Duration,
) -> Result<(Session, Timestamp), ReadError> {
    let during = "locking the log";
    match tokio::time::timeout(timeout, session.prove(lineage)).await {
        Ok(proved) => {
            proved.map_err(|unproved| read::unavailable(during)(unproved.into_source()))?;
        }
        Err(elapsed) => return Err(read::unavailable(during)(elapsed)),
    }
    let sent = Instant::now();
    let locking = sqlx::raw_sql("BEGIN; SELECT clock_timestamp() AS asked_at, onsale_log.lock()")
        .fetch_all(&mut session.connection);
    let rows = match tokio::time::timeout(timeout, locking).await {
        Ok(locked) => locked.map_err(read::unavailable(during))?,
        Err(elapsed) => return Err(read::unavailable(during)(elapsed)),
    };
    let asked_at = rows.first().ok_or(sqlx::Error::RowNotFound);
    let asked_at = asked_at.and_then(|row| row.try_get::<DateTime<Utc>, _>("asked_at"));
    let asked_at = asked_at.map_err(read::unavailable(during))?.into();
    clock.learn(sent, asked_at, Instant::now());
    Ok((session, asked_at))
}

#[async_trait]
impl LockedLog for Locked {
    fn asked_at(&self) -> Timestamp {
        self.asked_at
    }

    async fn read_stream(
        &mut self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let reading = read::stream(&mut self.session.connection, stream, after, limit);
        let page = match tokio::time::timeout(self.timeout, reading).await {
            Ok(page) => page?,
            Err(elapsed) => return Err(read::unavailable("reading under the lock")(elapsed)),
        };
        if let Some(newest) = page.newest() {
            self.session.saw(newest, &self.lineage);
        }
        Ok(page)
    }

    async fn append(mut self: Box<Self>, batch: &AppendBatch) -> Result<Appended, AppendError> {
        let sent = Instant::now();
        let session = &mut self.session;
        let call = async {
            // Until COMMIT is sent, a failure is sure to have appended nothing: the session ends with it.
            let reply = append::call(session, batch)
                .await
                .map_err(|error| AppendError::NotAppended(error.into()))?;
            sqlx::raw_sql("COMMIT")
                .execute(&mut session.connection)
                .await
                .map_err(append::classify)?;
            Ok(reply)
        };
        let reply = match tokio::time::timeout(self.timeout, call).await {
            Ok(reply) => reply,
            Err(elapsed) => Err(AppendError::OutcomeUnknown(elapsed.into())),
        };
        let reply = reply.inspect_err(|error| {
            if matches!(error, AppendError::OutcomeUnknown(_)) {
                self.connections.close_idle();
            }
        })?;
        self.clock.learn(sent, reply.time, Instant::now());
        self.appended.send_if_modified(|head| {
            let newer = reply.appended.head > *head;
            *head = reply.appended.head.max(*head);
            newer
        });
        if let Some(newest) = reply.newest(batch) {
            self.session.saw(newest, &self.lineage);
        }
        self.connections.put_back(self.session);
        Ok(reply.appended)
    }

    /// An answer to ROLLBACK comes from a session that has lived until then, and its transaction with it.
    async fn release(mut self: Box<Self>) -> Result<(), LockLost> {
        let rollback = sqlx::raw_sql("ROLLBACK").execute(&mut self.session.connection);
        let Ok(Ok(_)) = tokio::time::timeout(self.timeout, rollback).await else {
            return Err(LockLost);
        };
        self.connections.put_back(self.session);
        Ok(())
    }
}
