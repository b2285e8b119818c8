//! After a lost race: the log's lock first, which is fair, then read, decide, append and commit in one transaction.
//! Writers that only try again starve each other.

use std::{sync::Arc, time::Instant};

use onsale_shared::log::{
    AppendBatch, AppendError, GroupOutcome, LockLost, LockedLog, Position, ReadError, Version,
};

use super::{Actor, Flight, refuse};
use crate::pools::{batch::Batch, call::Failure, history};

impl Actor {
    /// So often the lock is given back for what there is too much of to be read under it, before callers are told of the
    /// contention.
    const LOCKS_MAX: u32 = 3;

    /// Decides what waits while nobody else can append. Returns a batch on its way if its outcome is not known.
    pub(super) async fn take_over(&mut self) -> Option<Flight> {
        let locked = self.lock_and_catch_up().await;
        self.begin_batch();
        match locked {
            Ok(Some(log)) => {
                self.context.metrics.take_overs.increment(1);
                self.decide_what_waits();
                self.take_calls();
                let batch = self.begin_batch();
                if batch.events.is_empty() {
                    // Complete under the lock, so every refusal is true, if it was held until all was decided.
                    match log.release().await {
                        Ok(()) => self.answer(batch),
                        Err(LockLost) => {
                            tracing::warn!(pool = %self.id, "the log's lock was lost while commands were decided; they are decided again");
                            self.undo(batch);
                            self.begin_batch();
                        }
                    }
                    return None;
                }
                self.append_locked(log, batch).await
            }
            Ok(None) => self.give_up(&Failure::Contention),
            Err(error) => {
                tracing::warn!(pool = %self.id, error = &error as &dyn std::error::Error, "the log could not be locked");
                self.give_up(&Failure::DatabaseUnavailable)
            }
        }
    }

    /// Those who are to be decided again are told why they are not.
    fn give_up(&mut self, failure: &Failure) -> Option<Flight> {
        self.contended = 0;
        for call in self.again.drain() {
            call.answer(Err(failure.clone()));
        }
        None
    }

    /// None if the stream grows faster than it can be read.
    async fn lock_and_catch_up(&mut self) -> Result<Option<Box<dyn LockedLog>>, ReadError> {
        for _ in 0..Self::LOCKS_MAX {
            let mut log = self.context.log.lock().await?;
            let known = self.pool.version();
            let (stream, pool) = (&self.stream, &mut self.pool);
            let others = history::catch_up_locked(log.as_mut(), stream, pool).await?;
            if let Some(others) = others {
                self.taken_over(known, others);
                return Ok(Some(log));
            }
            // Far behind, after a while without commands: others go on selling meanwhile.
            if log.release().await.is_err() {
                tracing::debug!(pool = %self.id, "the log's lock was lost before anything was decided");
            }
            let log = Arc::clone(&self.context.log);
            history::catch_up(log.as_ref(), &self.stream, &mut self.pool).await?;
        }
        Ok(None)
    }

    /// The state is complete, and nobody else can append. It had been known up to a version.
    fn taken_over(&mut self, known: Version, others: u32) {
        self.context.metrics.waited_for.record(f64::from(others));
        self.contended = if self.pool.version() == known {
            self.contended.saturating_sub(1)
        } else {
            Self::CONTENDED_BATCHES
        };
        tracing::debug!(pool = %self.id, commands = self.again.len(), "the log's lock was taken over");
    }

    async fn append_locked(&mut self, log: Box<dyn LockedLog>, mut batch: Batch) -> Option<Flight> {
        let append = match AppendBatch::new(vec![batch.take_group(&self.stream)]) {
            Ok(append) => append,
            Err(defect) => {
                tracing::error!(
                    error = &defect as &dyn std::error::Error,
                    "a batch could not be appended"
                );
                self.undo_pending(batch.mark);
                self.begin_batch();
                refuse(batch, &Failure::Internal);
                return None;
            }
        };
        let sent = Instant::now();
        let appended = log.append(&append).await;
        if appended.is_ok() {
            let events = u32::try_from(append.event_count()).unwrap_or(u32::MAX);
            self.context.metrics.locked.settled(events, sent.elapsed());
        }
        match appended {
            Ok(appended) => match appended.outcomes.into_iter().next() {
                Some(GroupOutcome::Appended {
                    first_positions, ..
                }) => {
                    let first = first_positions.first().copied().unwrap_or(Position::START);
                    self.pool
                        .keep(batch.mark, batch.base, batch.last_version(), first);
                    self.answer(batch);
                }
                // The lock was lost on the way, to `idle_in_transaction_session_timeout` perhaps.
                Some(GroupOutcome::Stale { .. }) | None => {
                    self.undo(batch);
                    self.begin_batch();
                }
            },
            Err(AppendError::NotAppended(error)) => {
                tracing::warn!(pool = %self.id, error = &*error, "an append under the lock failed");
                self.undo(batch);
                self.begin_batch();
            }
            Err(AppendError::OutcomeUnknown(error)) => {
                tracing::warn!(pool = %self.id, error = &*error, "an append under the lock has no known outcome");
                // The same group, sent until the answer is definite.
                let group = append.into_groups().pop()?;
                let verdict = self.context.committer.resubmit(&self.id, group);
                return Some(Flight::Append { batch, verdict });
            }
        }
        None
    }
}
