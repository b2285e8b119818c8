//! The newest state of every pool, for readers, subscribers and projections. Written by the tail, a page at a time: all
//! of a page or nothing of it is seen, so what is read together is one cut of the log.
//!
//! Time is what the tail last saw of the log's clock, and it moves with every look at the log. What it changes by itself
//! (the price, the status) is published like a change by an event, for the pools that somebody watches; whoever only
//! reads computes it.

mod agenda;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::Bound,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use onsale_shared::{id::PoolId, log::Position, time::Timestamp};
use tokio::sync::watch;

use crate::pool::Pool;
use agenda::Agenda;

/// How many pools that time has changed are published before readers have their turn.
const BATCH_POOLS: usize = 1_000;
/// How many pages back it is known until when memory had stood there. Tables are some pages behind, as a rule.
const COURSE_PAGES: usize = 64;

/// So much behind what it showed before, the log's clock was set back, or another server's is the log's now. Less is two
/// looks that met.
const SET_BACK_MIN: Duration = Duration::from_secs(2);

/// Whether the log's clock, which shows `now`, was set back since it showed `before`.
pub(crate) fn was_set_back(before: Timestamp, now: Timestamp) -> bool {
    before.since(now) >= SET_BACK_MIN
}

/// How far memory has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The last position that is included.
    pub(crate) position: Position,
    /// Every event that was in the log at this time, by its clock, is included.
    pub(crate) time: Timestamp,
}

/// A pool as one page of the log left it, or one look at the log's clock.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) pool: Arc<Pool>,
    /// How far memory was with that page or look.
    pub(crate) progress: Progress,
    frame: OnceLock<Bytes>,
}

impl Snapshot {
    /// The snapshot as it is sent; encoded by whoever comes first, for all.
    pub(crate) fn frame(&self, encode: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.frame.get_or_init(|| encode(self)).clone()
    }
}

/// Pools that changed after some position, and how far memory is: each pool exactly as it is there.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) progress: Progress,
    pub(crate) pools: Vec<Arc<Pool>>,
}

/// The newest state of every pool, which one writer changes and many read.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    memory: RwLock<Memory>,
    progress: watch::Sender<Progress>,
    /// The number of the tables that memory was loaded from.
    generation: AtomicI32,
}

#[derive(Debug, Default)]
struct Memory {
    progress: Progress,
    /// What the log's clock showed before it was set back, until it has come there again.
    set_back_from: Option<Timestamp>,
    /// Where it stood before each of the last pages, and until when, oldest first.
    course: VecDeque<Progress>,
    pools: HashMap<PoolId, watch::Sender<Arc<Snapshot>>>,
    /// Each pool once, by the position of its last event.
    by_position: BTreeMap<Position, PoolId>,
    /// When time changes the pools that somebody watches.
    agenda: Agenda,
}

impl Hub {
    /// Takes over what a page changed, and what time changed meanwhile.
    pub(crate) fn publish(&self, changed: impl IntoIterator<Item = Arc<Pool>>, now: Progress) {
        let progress = self.write(|memory| memory.take_over(changed, now));
        while self.write(Memory::pass_time) {}
        self.progress.send_replace(progress);
    }

    /// Follows the log's clock if it was set back: what time had done since the moment that it shows is still to come. (A price
    /// that an event has locked stays.)
    pub(crate) fn follow_clock(&self, now: Timestamp) {
        self.write(|memory| memory.follow_clock(now));
    }

    /// Whether a time that somebody was shown is of before the clock was set back, and still to come.
    pub(crate) fn is_undone(&self, time: Timestamp) -> bool {
        self.read(|memory| memory.set_back_from.is_some() && time > memory.progress.time)
    }

    /// The number of the tables that memory was loaded from last; 0 before that.
    pub(crate) fn generation(&self) -> i32 {
        self.generation.load(Ordering::Acquire)
    }

    /// Memory was loaded from these tables.
    pub(crate) fn come_from(&self, generation: i32) {
        self.generation.store(generation, Ordering::Release);
    }

    /// How far memory has come.
    pub(crate) fn progress(&self) -> Progress {
        self.read(|memory| memory.progress)
    }

    /// Until when a table is complete that includes the log up to `table.position`: its checkpoint rests while nothing is
    /// recorded, but time goes on. One from before the clock was set back shows no later time than memory.
    pub(crate) fn as_fresh_as(&self, table: Progress) -> Progress {
        self.read(|memory| {
            let course = memory.course.iter().chain([&memory.progress]);
            let mut reached = course
                .rev()
                .filter(|stood| stood.position <= table.position);
            let own = match memory.set_back_from {
                Some(_) => table.time.min(memory.progress.time),
                None => table.time,
            };
            let time = reached.next().map_or(own, |stood| stood.time);
            Progress {
                time: own.max(time),
                ..table
            }
        })
    }

    /// Up to where all that events and time changed is with the subscribers. Time may have come further; it goes back only
    /// with the log's clock.
    pub(crate) fn published(&self) -> Progress {
        self.read(|memory| Progress {
            time: memory.agenda.settled(memory.progress.time),
            ..memory.progress
        })
    }

    /// Follows how far memory has come.
    pub(crate) fn subscribe_progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// A pool, and how far memory is.
    pub(crate) fn get(&self, pool: &PoolId) -> Option<(Arc<Pool>, Progress)> {
        self.read(|memory| {
            let snapshot = memory.pools.get(pool)?.borrow().pool.clone();
            Some((snapshot, memory.progress))
        })
    }

    /// Follows a pool: what events change from here on, and what time does.
    pub(crate) fn subscribe(&self, pool: &PoolId) -> Option<watch::Receiver<Arc<Snapshot>>> {
        self.write(|memory| {
            let subscriber = memory.pools.get(pool)?.subscribe();
            // A moment that is noted may have come just now: others are still to be told.
            if !memory.agenda.has(pool) {
                let known = Arc::clone(&subscriber.borrow().pool);
                memory.plan(&known);
            }
            Some(subscriber)
        })
    }

    /// What changed after `position`.
    pub(crate) fn changed_since(&self, position: Position) -> Cut {
        self.read(|memory| {
            let changed = memory
                .by_position
                .range((Bound::Excluded(position), Bound::Unbounded));
            let pools = changed.filter_map(|(_, pool)| memory.pools.get(pool));
            Cut {
                progress: memory.progress,
                pools: pools.map(|sender| sender.borrow().pool.clone()).collect(),
            }
        })
    }

    fn read<T>(&self, look: impl FnOnce(&Memory) -> T) -> T {
        look(&self.memory.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Memory) -> T) -> T {
        change(&mut self.memory.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Memory {
    /// All of a page, as one.
    fn take_over(
        &mut self,
        changed: impl IntoIterator<Item = Arc<Pool>>,
        now: Progress,
    ) -> Progress {
        if now.position > self.progress.position {
            if self.course.len() == COURSE_PAGES {
                self.course.pop_front();
            }
            self.course.push_back(self.progress);
        }
        self.progress = Progress {
            position: now.position,
            time: now.time.max(self.progress.time),
        };
        for pool in changed {
            self.put(&pool);
        }
        self.progress
    }

    fn follow_clock(&mut self, now: Timestamp) {
        let before = self.progress.time;
        if !was_set_back(before, now) {
            // Once the clock has passed what it showed before, nothing is from then any more.
            self.set_back_from = self.set_back_from.filter(|from| *from > now);
            return;
        }
        tracing::warn!(%before, %now, "the clock of the log was set back; time goes on from there");
        // Set back twice, the latest that it has shown counts.
        self.set_back_from = self.set_back_from.max(Some(before));
        self.progress.time = now;
        self.course.clear();
        // Who begins to watch one later must not see it as of then, either.
        let pools = self.pools.values();
        let pools: Vec<_> = pools.map(|pool| Arc::clone(&pool.borrow().pool)).collect();
        for pool in pools {
            self.put(&pool);
        }
    }

    /// Publishes pools that time has changed; whether there are more.
    fn pass_time(&mut self) -> bool {
        for _ in 0..BATCH_POOLS {
            let Some(id) = self.agenda.take_due(self.progress.time) else {
                return false;
            };
            let watched = self.pools.get(&id).filter(|pool| is_watched(pool));
            let watched = watched.map(|watched| Arc::clone(&watched.borrow().pool));
            if let Some(pool) = watched {
                self.put(&pool);
            }
        }
        true
    }

    fn put(&mut self, pool: &Arc<Pool>) {
        let (id, position) = (pool.id.clone(), pool.position);
        let snapshot = Arc::new(Snapshot {
            pool: Arc::clone(pool),
            progress: self.progress,
            frame: OnceLock::new(),
        });
        if let Some(sender) = self.pools.get(&id) {
            let before = sender.send_replace(snapshot);
            self.by_position.remove(&before.pool.position);
        } else {
            let sender = watch::Sender::new(snapshot);
            self.pools.insert(id.clone(), sender);
        }
        self.plan(pool);
        self.by_position.insert(position, id);
    }

    /// Notes when time changes a pool next, if somebody wants to know.
    fn plan(&mut self, pool: &Pool) {
        let watched = self.pools.get(&pool.id).is_some_and(is_watched);
        let next = watched.then(|| pool.next_change_after(pool.moment(self.progress.time)));
        self.agenda.set(&pool.id, next.flatten());
    }
}

fn is_watched(pool: &watch::Sender<Arc<Snapshot>>) -> bool {
    pool.receiver_count() > 0
}

#[cfg(test)]
pub(crate) mod tests;
