//! One subscriber's view of some pools: first their full state, then absolute states, conflated. It has no task and no
//! queue of states: what is due is remembered by pool, and the newest state is taken when it is sent, so a slow reader
//! costs what a fast one does. It knows nothing of the wire.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures::future::select_all;
use onsale_shared::{log::Position, time::Timestamp};
use tokio::{
    sync::watch::Receiver,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{Hub, Progress, Snapshot};
use crate::readiness::{Observer, Readiness};

/// What a subscriber is sent.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// The newest state of a pool.
    State {
        snapshot: Arc<Snapshot>,
        /// Only in the first round, in which nothing is shared with other subscribers: as of when the state is.
        as_of: Option<Timestamp>,
        /// What the stream includes with it.
        included: Position,
        /// Ends a round: all pools are delivered up to here.
        delivered: Option<Progress>,
    },
    /// A sign of life.
    Heartbeat {
        /// What the stream includes.
        included: Position,
        /// All pools are delivered up to here.
        delivered: Progress,
    },
}

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The server shuts down.
    Draining,
    /// Memory no longer follows the log.
    Stopped,
}

/// How often a stream may and must say something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The shortest time between two rounds.
    pub(crate) min_interval: Duration,
    /// The longest silence.
    pub(crate) heartbeat_interval: Duration,
}

/// What ends all streams.
#[derive(Clone, Debug)]
pub(crate) struct Endings {
    pub(crate) stop: CancellationToken,
    pub(crate) readiness: Observer,
}

/// What one subscriber has seen of his pools, and what he is to see next.
#[derive(Debug)]
pub(crate) struct Watch {
    hub: Arc<Hub>,
    pools: Vec<Receiver<Arc<Snapshot>>>,
    pace: Pace,
    endings: Endings,
    round: Round,
    /// All pools are delivered up to here.
    delivered: Progress,
    /// What the stream includes; never goes back.
    included: Position,
    next_round: Instant,
    next_heartbeat: Instant,
}

/// States that are delivered one after the other, without a pause.
#[derive(Debug)]
struct Round {
    first: bool,
    /// Up to where everything was published when the round began, before anything was looked at.
    published: Progress,
    /// The pools that are yet to be delivered.
    due: VecDeque<usize>,
}

/// What a stream does next.
#[derive(Debug)]
enum Step {
    Send(Delivery),
    /// Nothing to say before then, or, if for that, before a pool changes.
    Wait {
        until: Instant,
        for_change: bool,
    },
}

impl Watch {
    /// A stream of `pools`; one that goes on says what it has `seen`.
    pub(crate) fn new(
        hub: Arc<Hub>,
        mut pools: Vec<Receiver<Arc<Snapshot>>>,
        pace: Pace,
        endings: Endings,
        seen: Option<Progress>,
    ) -> Self {
        let now = Instant::now();
        let published = hub.published();
        let is_due = |pool: &mut Receiver<Arc<Snapshot>>| {
            let newest = pool.borrow_and_update();
            seen.is_none_or(|seen| {
                hub.is_undone(seen.time) || has_changed(&newest, seen, published.time)
            })
        };
        let due = (0..).zip(&mut pools);
        let due: VecDeque<_> = due
            .filter_map(|(i, pool)| is_due(pool).then_some(i))
            .collect();
        Self {
            delivered: if due.is_empty() {
                published
            } else {
                Progress::default()
            },
            included: published.position,
            round: Round {
                first: true,
                published,
                due,
            },
            next_round: now + pace.min_interval,
            // Where nothing changed, a first sign of life says so.
            next_heartbeat: now,
            hub,
            pools,
            pace,
            endings,
        }
    }

    /// Waits for the next thing to send. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Delivery, Ending> {
        loop {
            if let Some(ending) = self.endings.now() {
                return Err(ending);
            }
            match self.step(Instant::now()) {
                Step::Send(delivery) => return Ok(delivery),
                Step::Wait { until, for_change } => self.wait(until, for_change).await,
            }
        }
    }

    /// What to do now.
    fn step(&mut self, now: Instant) -> Step {
        if let Some(index) = self.round.due.pop_front() {
            return Step::Send(self.deliver(index, now));
        }
        let (published, mut due) = self.look();
        if let Some(index) = due.pop_front_if(|_| now >= self.next_round) {
            self.next_round = now + self.pace.min_interval;
            self.round = Round {
                first: false,
                published,
                due,
            };
            return Step::Send(self.deliver(index, now));
        }
        let for_change = due.is_empty();
        if for_change {
            self.delivered = published;
        }
        if now >= self.next_heartbeat {
            return Step::Send(self.heartbeat(now));
        }
        let until = if for_change {
            self.next_heartbeat
        } else {
            self.next_round.min(self.next_heartbeat)
        };
        Step::Wait { until, for_change }
    }

    /// Up to where everything is published, and which pools have changed; in this order, so that all others are as they
    /// are there.
    fn look(&self) -> (Progress, VecDeque<usize>) {
        let published = self.hub.published();
        let changed = |pool: &Receiver<_>| pool.has_changed().unwrap_or(false);
        let due = (0..).zip(&self.pools);
        let due = due.filter_map(|(i, pool)| changed(pool).then_some(i));
        (published, due.collect())
    }

    fn deliver(&mut self, index: usize, now: Instant) -> Delivery {
        // Asked before the state is taken, so that the state includes it.
        let as_of = self.round.first.then(|| self.hub.progress().time);
        let snapshot = self.pools[index].borrow_and_update().clone();
        let newest = snapshot.pool.position.max(self.round.published.position);
        self.included = self.included.max(newest);
        let ends_round = self.round.due.is_empty();
        if ends_round {
            self.delivered = self.round.published;
        }
        self.next_heartbeat = now + self.pace.heartbeat_interval;
        Delivery::State {
            snapshot,
            as_of,
            included: self.included,
            delivered: ends_round.then_some(self.delivered),
        }
    }

    fn heartbeat(&mut self, now: Instant) -> Delivery {
        self.next_heartbeat = now + self.pace.heartbeat_interval;
        self.included = self.included.max(self.delivered.position);
        Delivery::Heartbeat {
            included: self.included,
            delivered: self.delivered,
        }
    }

    /// Until there may be something to say, or an end.
    async fn wait(&mut self, until: Instant, for_change: bool) {
        let Endings { stop, readiness } = &mut self.endings;
        let changes = self.pools.iter_mut().map(|pool| Box::pin(pool.changed()));
        let changed = tokio::select! {
            () = stop.cancelled() => None,
            Ok(_) = readiness.wait_for(|now| *now == Readiness::Stopped) => None,
            () = sleep_until(until) => None,
            (_, index, _) = select_all(changes), if for_change => Some(index),
        };
        // Waiting for a change counts as seeing it; it is seen when it is delivered.
        if let Some(index) = changed {
            self.pools[index].mark_changed();
        }
    }
}

/// Whether a pool is another one for who has `seen` it: by an event, or because time has changed it since. It is looked
/// at as it was at `now` or later.
fn has_changed(newest: &Snapshot, seen: Progress, now: Timestamp) -> bool {
    let pool = &newest.pool;
    let now = now.max(newest.progress.time);
    pool.position > seen.position
        || pool
            .next_change_after(seen.time)
            .is_some_and(|time| time <= now)
}

impl Endings {
    fn now(&self) -> Option<Ending> {
        if self.stop.is_cancelled() {
            Some(Ending::Draining)
        } else if *self.readiness.borrow() == Readiness::Stopped {
            Some(Ending::Stopped)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
