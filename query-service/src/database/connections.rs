//! Connections for queries. One is taken out for one use and put back only when that went well; a dropped one is closed.
//! Not sqlx's pool: that one takes a connection back only after a ping without a deadline, so one whose network forgot it
//! is lost to the pool for as long as TCP tries.

use std::{
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
};

use sqlx::PgConnection;
use tokio::{
    sync::Semaphore,
    time::{Duration, Instant, timeout_at},
};

use super::Database;
use crate::read_models::{is_canceled, is_unreadable};

/// A read that is without an answer for so long hangs, and with it the way to PostgreSQL; one whose caller has less time may
/// only be slow.
const HUNG: Duration = Duration::from_millis(500);

/// A read under way on a connection.
pub(crate) type Reading<'c, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'c>>;

/// Connections for queries, at most so many at once; each is taken out for one use.
#[derive(Debug)]
pub(crate) struct Connections {
    database: Database,
    /// One for each connection that there may be.
    turns: Semaphore,
    idle: Mutex<Vec<PgConnection>>,
}

impl Connections {
    /// None is opened before it is needed.
    pub(super) fn new(database: Database, connections_max: u32) -> Self {
        let turns = usize::try_from(connections_max).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            database,
            turns: Semaphore::new(turns),
            idle: Mutex::default(),
        }
    }

    /// Reads on a connection for itself, until `deadline`; none if there was no answer by then. A read that hung takes the
    /// idle connections with it: they go the same way. Who only waited for his turn says nothing of them.
    pub(crate) async fn read_until<T>(
        &self,
        deadline: Instant,
        read: impl for<'c> Fn(&'c mut PgConnection) -> Reading<'c, T>,
    ) -> Option<Result<T, sqlx::Error>> {
        let turn = timeout_at(deadline, self.turns.acquire()).await.ok()?;
        let Ok(_turn) = turn else {
            return Some(Err(sqlx::Error::PoolClosed));
        };
        let began = Instant::now();
        let answer = timeout_at(deadline, self.read(read)).await.ok();
        if answer.is_none() && began.elapsed() >= HUNG {
            self.close_idle();
        }
        answer
    }

    /// One that was idle may have died meanwhile: only what a new one says is a failure. A statement that was given up after
    /// its time is an answer; it would take as long again.
    async fn read<T>(
        &self,
        read: impl for<'c> Fn(&'c mut PgConnection) -> Reading<'c, T>,
    ) -> Result<T, sqlx::Error> {
        while let Some(mut connection) = self.take_idle() {
            match read(&mut connection).await {
                Err(error) if !is_unreadable(&error) && !is_canceled(&error) => self.close_idle(),
                result => {
                    self.idle().push(connection);
                    return result;
                }
            }
        }
        let mut connection = self.database.session().await?;
        let result = read(&mut connection).await?;
        self.idle().push(connection);
        Ok(result)
    }

    /// Closes what waits for its next use: one connection has hung or broken, and the others go the same way.
    fn close_idle(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    fn take_idle(&self) -> Option<PgConnection> {
        self.idle().pop()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
