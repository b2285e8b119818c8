//! One pool's actor: decides commands on the pool's state and on what it decided since, sends their events on their way,
//! and goes on deciding meanwhile. Nothing leaves it before it is known to be true:
//!
//! - a success, when its events are in the log;
//! - a refusal or a repeat, when the state that it was decided on was complete at a moment after the command arrived:
//!   shown by the success of an append on top of it that was sent later, or by a look at the stream (a *probe*);
//! - whatever rests on events that did not get into the log is decided again.
//!
//! At most one batch of a pool is on its way. What was decided on top of it is sent only after it has succeeded: a
//! version that is equal again, by other instances' events, is not an equal history.

mod again;
mod deciding;
mod flight;
mod loading;
mod sweeping;
mod take_over;

use std::{sync::Arc, time::Duration};

use onsale_shared::{
    id::PoolId,
    log::{StreamName, Version},
};
use tokio::time::{Instant, sleep_until};

use self::{
    again::Again,
    flight::{Flight, Landing},
};
use super::{
    Context,
    batch::{Batch, Decided},
    call::{Answer, Failure},
    history,
    mailbox::Mailbox,
    registry::Pools,
};
use crate::{
    domain::{Pool, journal::Mark},
    snapshots::Snapshots,
};

/// The actor of one pool.
#[derive(Debug)]
pub(super) struct Actor {
    id: PoolId,
    stream: StreamName,
    mailbox: Arc<Mailbox>,
    context: Context,
    pools: Arc<Pools>,
    pool: Pool,
    /// Names the next batch.
    next_mark: u64,
    /// In the making: decided on top of what is on its way, and of nothing else.
    pending: Batch,
    /// To be decided again, before what waits in the mailbox.
    again: Again,
    /// Of the last snapshot that the actor knows of or asked for.
    snapshot: Version,
    /// So many batches are still decided under the log's lock: another instance sells the same pool.
    contended: u32,
    /// Whether a command was decided since the last look.
    decided: bool,
    /// When that was seen last. None before the first: the pool was loaded to be swept.
    asked_at: Option<Instant>,
}

/// Takes the actor out of the registry, however it ends, and answers who still waits.
struct Registration {
    id: PoolId,
    mailbox: Arc<Mailbox>,
    pools: Arc<Pools>,
    failure: Failure,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.pools.ended(&self.id, &self.mailbox);
        while let Some(call) = self
            .mailbox
            .next_promoter()
            .or_else(|| self.mailbox.next_other())
        {
            call.answer(Err(self.failure.clone()));
        }
    }
}

impl Actor {
    /// A command is decided at most so often before its caller is told of the contention.
    const ATTEMPTS_MAX: u32 = 8;
    /// From this attempt on a refusal is confirmed under the log's lock: others change the pool faster than a probe.
    const ATTEMPTS_BEFORE_LOCK: u32 = 3;
    /// After another instance's events were met, so many batches are decided under the log's lock: who only hopes would
    /// lose nearly each second of them, and pay for both.
    const CONTENDED_BATCHES: u32 = 4;
    /// A pool that was loaded to be swept, and that nobody asked for, stays for so long at most.
    const SWEPT_IDLE: Duration = Duration::from_secs(10);
    /// A timer is never shorter, so that rounding cannot make it spin.
    const TIMER_MIN: Duration = Duration::from_millis(1);

    pub(super) fn new(
        id: PoolId,
        mailbox: Arc<Mailbox>,
        context: Context,
        pools: Arc<Pools>,
    ) -> Self {
        Self {
            stream: StreamName::of_pool(&id),
            id,
            mailbox,
            context,
            pools,
            pool: Pool::default(),
            next_mark: 1,
            pending: Batch::new(Mark::default(), Version::START),
            again: Again::default(),
            snapshot: Version::START,
            contended: 0,
            decided: false,
            asked_at: None,
        }
    }

    /// Loads the pool, and works until there is nothing to do for a while.
    pub(super) async fn run(mut self) {
        let mut registration = Registration {
            id: self.id.clone(),
            mailbox: Arc::clone(&self.mailbox),
            pools: Arc::clone(&self.pools),
            failure: Failure::Internal,
        };
        if let Err(error) = self.load().await {
            tracing::warn!(pool = %self.id, error = &error as &dyn std::error::Error, "a pool could not be loaded");
            registration.failure = Failure::DatabaseUnavailable;
            return;
        }
        self.begin_batch();
        let mut flight: Option<Flight> = None;
        let loaded_at = Instant::now();
        // One timer, set anew only when it has to come sooner, or has come: a pool in the middle of a sale sets none.
        let mut timer = Box::pin(sleep_until(loaded_at + self.idle_time()));
        loop {
            if flight.is_none() && self.is_contended() {
                self.undo_pending(self.pending.mark);
                flight = self.take_over().await;
                continue;
            }
            let is_at_rest = flight.is_none() && self.pending.is_empty();
            if is_at_rest && self.is_quiet(Instant::now()) && self.has_dead() {
                // Another instance has swept, as a rule: whoever looks first does not get in its way.
                self.undo_pending(self.pending.mark);
                self.catch_up().await;
                self.begin_batch();
            }
            self.decide_what_waits();
            if std::mem::take(&mut self.decided) {
                self.asked_at = Some(Instant::now());
            }
            if flight.is_none() {
                flight = self.launch();
                self.ask_for_snapshot(Snapshots::events);
            }
            let has_room = self.has_room();
            let is_idle = flight.is_none() && self.again.is_empty();
            let idle_since = self.asked_at.unwrap_or(loaded_at);
            let idle_end = is_idle.then(|| idle_since + self.idle_time());
            let deadline = has_room.then(|| self.next_sweep()).flatten();
            let due = deadline.into_iter().chain(idle_end).min();
            if let Some(due) = due.filter(|due| *due < timer.deadline() || timer.is_elapsed()) {
                timer.as_mut().reset(due);
            }
            tokio::select! {
                landing = async { match &mut flight { Some(flight) => flight.land().await, None => std::future::pending().await } } => {
                    if let Some(landed) = flight.take() {
                        flight = self.landed(landed, landing).await;
                    }
                }
                () = self.mailbox.arrived(), if has_room => {}
                () = &mut timer, if due.is_some() => {
                    let is_over = idle_end.is_some_and(|end| end <= Instant::now());
                    if is_over && self.pools.retire(&self.id, &self.mailbox) {
                        self.ask_for_snapshot(Snapshots::events_at_rest);
                        // Aside, since a large pool has half a million things to give back: this thread serves others.
                        let pool = std::mem::take(&mut self.pool);
                        drop(tokio::task::spawn_blocking(move || drop(pool)));
                        return;
                    }
                }
            }
        }
    }

    /// Whether commands wait that are better decided under the log's lock.
    fn is_contended(&self) -> bool {
        let waits = !self.again.is_empty() || !self.mailbox.is_empty();
        self.contended > 0 && waits && self.pending.is_empty()
    }

    /// How long the actor stays after the last command. A pool that does not exist keeps none: asking for unknown names must
    /// not fill the server.
    fn idle_time(&self) -> Duration {
        let idle = self.context.limits.idle;
        if self.pool.limits.get().is_none() {
            Self::TIMER_MIN
        } else if self.asked_at.is_none() {
            Self::SWEPT_IDLE.min(idle)
        } else {
            idle
        }
    }

    /// Sends what was decided on its way.
    fn launch(&mut self) -> Option<Flight> {
        self.take_calls();
        if self.pending.is_empty() {
            return None;
        }
        let mut batch = self.begin_batch();
        if batch.events.is_empty() {
            let (log, stream, version) = (
                Arc::clone(&self.context.log),
                self.stream.clone(),
                batch.base,
            );
            let news =
                Box::pin(async move { history::probe(log.as_ref(), &stream, version).await });
            return Some(Flight::Probe { batch, news });
        }
        let (group, facts) = (batch.take_group(&self.stream), batch.take_facts());
        let verdict = self.context.committer.submit(&self.id, group, facts);
        Some(Flight::Append { batch, verdict })
    }

    /// What was decided is about to be sent. What callers gave up on while it waited here is left out, and the rest
    /// decided once more: they were told that it never will be recorded.
    fn take_calls(&mut self) {
        while !self.pending.take_calls() {
            let touched = self.pending.touched;
            self.undo_pending(self.pending.mark);
            self.begin_batch();
            self.pending.touched = touched;
            self.decide_what_waits();
        }
    }

    /// What was on its way has come to an end. Returns what is on its way instead, if anything is.
    async fn landed(&mut self, flight: Flight, landing: Landing) -> Option<Flight> {
        let batch = flight.into_batch();
        match landing {
            Landing::Appended(first_position) => {
                self.pool
                    .keep(batch.mark, batch.base, batch.last_version(), first_position);
                self.answer(batch);
                None
            }
            Landing::Probed(Ok(news)) if news.is_empty() => {
                self.answer(batch);
                None
            }
            Landing::Probed(Ok(news)) => {
                self.undo(batch);
                history::fold(&mut self.pool, &news);
                if news.len() == history::PAGE_EVENTS {
                    self.catch_up().await;
                }
                let attempts = self.again.iter().map(|call| call.attempts).max();
                if attempts >= Some(Self::ATTEMPTS_BEFORE_LOCK) {
                    return self.take_over().await;
                }
                self.begin_batch();
                None
            }
            Landing::Stale => {
                self.context.metrics.conflicts.increment(1);
                tracing::debug!(pool = %self.id, commands = batch.decided.len(), "a race was lost to another instance");
                self.undo(batch);
                self.take_over().await
            }
            Landing::NotAppended => {
                // What was decided on top of it has never been, and is decided again; its own callers are told.
                self.undo_pending(batch.mark);
                self.begin_batch();
                refuse(batch, &Failure::DatabaseUnavailable);
                None
            }
            Landing::Probed(Err(error)) => {
                tracing::warn!(pool = %self.id, error = &error as &dyn std::error::Error, "a pool's stream could not be read");
                refuse(batch, &Failure::DatabaseUnavailable);
                None
            }
            Landing::Lost => {
                self.undo_pending(batch.mark);
                self.begin_batch();
                refuse(batch, &Failure::OutcomeUnknown);
                None
            }
        }
    }

    /// The batch is in the log, or what it rests on was complete: its answers are true.
    fn answer(&self, batch: Batch) {
        for decided in batch.decided {
            let remembered = self.pool.requests.get(decided.call.request.id);
            let position = remembered.and_then(|remembered| remembered.position);
            let answer = decided.answer.map(|answer| Answer { position, ..answer });
            decided.call.answer(answer.map_err(Failure::Rejected));
        }
    }

    /// The batch has never been, nor what was decided on top of it: all of it is to be decided again, in the same order.
    fn undo(&mut self, batch: Batch) {
        self.undo_pending(batch.mark);
        self.put_back(batch);
    }

    /// The batch `mark` has never been: what was decided on top of it is to be decided again. The pool is then as the
    /// log has it, and takes events of the log until the next batch begins.
    fn undo_pending(&mut self, mark: Mark) {
        self.pool.undo(mark);
        let pending = std::mem::replace(&mut self.pending, Batch::new(mark, self.pool.version()));
        self.put_back(pending);
    }

    fn put_back(&mut self, batch: Batch) {
        for Decided { mut call, .. } in batch.decided.into_iter().rev() {
            call.stage.put_back();
            call.attempts += 1;
            if call.attempts >= Self::ATTEMPTS_MAX {
                call.answer(Err(Failure::Contention));
            } else {
                self.again.push_front(call);
            }
        }
    }

    /// Takes the batch in the making, and begins the next one on top of it.
    fn begin_batch(&mut self) -> Batch {
        let mark = self.new_mark();
        self.pool.begin(Some(mark));
        std::mem::replace(&mut self.pending, Batch::new(mark, self.pool.version()))
    }

    fn new_mark(&mut self) -> Mark {
        let mark = Mark(self.next_mark);
        self.next_mark += 1;
        mark
    }
}

fn refuse(batch: Batch, failure: &Failure) {
    for decided in batch.decided {
        decided.call.answer(Err(failure.clone()));
    }
}
