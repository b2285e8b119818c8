//! The log's lock, held over several round trips: the one place where that is so.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::PgConnection;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{append, connections::Connections, read};
use crate::log::{
    AppendBatch, AppendError, Appended, LockedLog, LogClock, Position, ReadError, RecordedEvent,
    StreamName, Version,
};

struct Locked {
    _turn: OwnedSemaphorePermit,
    connection: PgConnection,
    appended: watch::Sender<Position>,
    clock: LogClock,
    timeout: Duration,
}

/// Takes the lock. The guard owns its connection: dropped, it closes it, and PostgreSQL frees the lock; a holder that
/// vanishes is thrown out by `idle_in_transaction_session_timeout`.
pub(super) async fn lock(
    turn: OwnedSemaphorePermit,
    connections: &Connections,
    appended: watch::Sender<Position>,
    clock: LogClock,
    timeout: Duration,
) -> Result<Box<dyn LockedLog>, ReadError> {
    let mut connection = connections
        .take()
        .await
        .map_err(read::unavailable("connecting to lock the log"))?;
    let locking = sqlx::raw_sql("BEGIN; SELECT onsale_log.lock()").execute(&mut connection);
    let during = "locking the log";
    match tokio::time::timeout(timeout, locking).await {
        Ok(locked) => locked.map_err(read::unavailable(during))?,
        Err(elapsed) => {
            connections.close_idle();
            return Err(read::unavailable(during)(elapsed));
        }
    };
    Ok(Box::new(Locked {
        _turn: turn,
        connection,
        appended,
        clock,
        timeout,
    }))
}

#[async_trait]
impl LockedLog for Locked {
    async fn read_stream(
        &mut self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let reading = read::stream(&mut self.connection, stream, after, limit);
        match tokio::time::timeout(self.timeout, reading).await {
            Ok(page) => page,
            Err(elapsed) => Err(read::unavailable("reading under the lock")(elapsed)),
        }
    }

    async fn append(mut self: Box<Self>, batch: &AppendBatch) -> Result<Appended, AppendError> {
        let sent = Instant::now();
        let connection = &mut self.connection;
        let call = async {
            // Until COMMIT is sent, a failure is sure to have appended nothing: the session ends with it.
            let reply = append::call(connection, batch)
                .await
                .map_err(|error| AppendError::NotAppended(error.into()))?;
            sqlx::raw_sql("COMMIT")
                .execute(connection)
                .await
                .map_err(append::classify)?;
            Ok(reply)
        };
        let reply = match tokio::time::timeout(self.timeout, call).await {
            Ok(reply) => reply?,
            Err(elapsed) => return Err(AppendError::OutcomeUnknown(elapsed.into())),
        };
        self.clock.learn(sent, reply.time, Instant::now());
        self.appended.send_if_modified(|head| {
            let newer = reply.appended.head > *head;
            *head = reply.appended.head.max(*head);
            newer
        });
        Ok(reply.appended)
    }
}
