//! Giving places of dead claims back, nobody asking.
//!
//! The instance that sells a pool does it at the deadline. Any other that has the pool loaded waits a little, and looks
//! at the log first: as a rule nothing is left to be done, and it never makes the seller lose a race.

use std::{sync::Arc, time::Duration};

use onsale_shared::{log::AppendBatch, time::Timestamp};
use tokio::time::Instant;

use super::Actor;
use crate::{
    domain::commands::sweep::sweep,
    pools::{
        batch::Author,
        call::{Call, Caller, Failure},
        history,
    },
};

impl Actor {
    /// Who got no command for so long may not be the one who sells the pool.
    const QUIET_AFTER: Duration = Duration::from_secs(1);
    /// Places of dead claims are left for so long to the instance that sells the pool.
    const GRACE: Duration = Duration::from_millis(250);

    /// Whether nobody has asked for a while.
    pub(super) fn is_quiet(&self, now: Instant) -> bool {
        self.asked_at
            .is_none_or(|asked_at| now.duration_since(asked_at) >= Self::QUIET_AFTER)
    }

    /// Whether places of dead claims are to be given back now.
    pub(super) fn has_dead(&self) -> bool {
        let now = self.decision_time();
        let mut dead = self.next_deadline().filter(|deadline| *deadline <= now);
        // Most often nothing is dead, and what follows is not asked.
        dead = dead
            .filter(|deadline| !self.is_quiet(Instant::now()) || deadline.plus(Self::GRACE) <= now);
        dead.is_some()
    }

    /// When that will be by this process's clock.
    pub(super) fn next_sweep(&self) -> Option<Instant> {
        let left = self.context.log.clock().until(self.next_deadline()?);
        let now = Instant::now();
        let grace = if self.is_quiet(now) {
            Self::GRACE
        } else {
            Duration::ZERO
        };
        Some(now + left.max(Self::TIMER_MIN) + grace)
    }

    /// When the next claim dies whose places are to be given back.
    fn next_deadline(&self) -> Option<Timestamp> {
        let claims = &self.pool.claims;
        claims
            .next_deadline()
            .filter(|_| self.pool.corrupted_at().is_none())
    }

    /// Folds what other instances have recorded; nothing may be pending. Where the log cannot be read, the next append or
    /// probe finds out.
    pub(super) async fn catch_up(&mut self) {
        let log = Arc::clone(&self.context.log);
        let caught_up = history::catch_up(log.as_ref(), &self.stream, &mut self.pool).await;
        if let Err(error) = caught_up {
            tracing::warn!(pool = %self.id, error = &error as &dyn std::error::Error, "a pool's stream could not be read");
        }
    }

    /// Gives places of dead claims back; the command is decided again on what that leaves, in this batch or the next.
    pub(super) fn sweep_before(&mut self, call: Call) {
        let before = self.pending.events.len();
        self.sweep();
        if self.pending.events.len() > before {
            self.again.push_front(call);
        } else {
            tracing::error!(pool = %self.id, "a command waits for a sweep that finds nothing");
            call.answer(Err(Failure::Internal));
        }
    }

    /// Gives places of dead claims back, as many as the batch takes. Half as many events as commands may fill have room in
    /// any case: a pool whose commands fill every batch has claims that end, too.
    pub(super) fn sweep(&mut self) {
        let at = self.decision_time();
        let (batch, events) = (self.context.limits.batch_events, self.pending.events.len());
        let in_any_case = batch.div_ceil(2).saturating_sub(self.pending.swept);
        let room = batch.saturating_sub(events).max(in_any_case);
        let room = room.min(AppendBatch::GROUP_EVENTS_MAX.saturating_sub(events));
        let facts = sweep(&self.pool, at, room, &mut self.context.ids.ids(at));
        if facts.is_empty() {
            return;
        }
        self.pending.swept += facts.len();
        let server = Caller {
            actor: self.context.source.service.clone(),
            ..Caller::default()
        };
        let author = Author {
            request: None,
            caller: &server,
            source: &self.context.source,
        };
        if let Err(defect) = self.pending.add(&mut self.pool, facts, at, author) {
            tracing::error!(
                error = &defect as &dyn std::error::Error,
                "a sweep could not be written down"
            );
        }
    }
}
