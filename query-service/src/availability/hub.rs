//! The newest state of every pool, for readers, subscribers and projections. Written by the tail, a page at a time: all
//! of a page or nothing of it is seen, so what is read together is one cut of the log.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use bytes::Bytes;
use onsale_shared::{id::PoolId, log::Position, time::Timestamp};
use tokio::sync::watch;

use crate::pool::Pool;

/// How far memory has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The last position that is included.
    pub(crate) position: Position,
    /// Every event that was in the log at this time, by its clock, is included.
    pub(crate) time: Timestamp,
}

/// A pool as one page of the log left it.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) pool: Arc<Pool>,
    /// How far memory was with that page.
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

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    memory: RwLock<Memory>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct Memory {
    progress: Progress,
    pools: HashMap<PoolId, watch::Sender<Arc<Snapshot>>>,
    /// Each pool once, by the position of its last event.
    by_position: BTreeMap<Position, PoolId>,
}

impl Hub {
    /// Takes over what a page changed.
    pub(crate) fn publish(&self, changed: impl IntoIterator<Item = Arc<Pool>>, now: Progress) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        let progress = Progress {
            position: now.position,
            time: now.time.max(memory.progress.time),
        };
        for pool in changed {
            memory.put(pool, progress);
        }
        memory.progress = progress;
        drop(memory);
        self.progress.send_replace(progress);
    }

    /// How far memory has come.
    pub(crate) fn progress(&self) -> Progress {
        self.read(|memory| memory.progress)
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

    /// Follows a pool.
    pub(crate) fn subscribe(&self, pool: &PoolId) -> Option<watch::Receiver<Arc<Snapshot>>> {
        self.read(|memory| Some(memory.pools.get(pool)?.subscribe()))
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
}

impl Memory {
    fn put(&mut self, pool: Arc<Pool>, progress: Progress) {
        let (id, position) = (pool.id.clone(), pool.position);
        let snapshot = Arc::new(Snapshot {
            pool,
            progress,
            frame: OnceLock::new(),
        });
        if let Some(sender) = self.pools.get(&id) {
            let before = sender.send_replace(snapshot);
            self.by_position.remove(&before.pool.position);
        } else {
            self.pools.insert(id.clone(), watch::Sender::new(snapshot));
        }
        self.by_position.insert(position, id);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(position: i64) -> Progress {
        Progress {
            position: Position::new(position).unwrap(),
            time: Timestamp::from_micros(position),
        }
    }

    pub(crate) fn pool(name: &str, position: i64) -> Arc<Pool> {
        let id = PoolId::parse(name).unwrap();
        Arc::new(Pool {
            position: Position::new(position).unwrap(),
            ..Pool::unknown(id, Timestamp::default())
        })
    }

    fn names(cut: &Cut) -> Vec<&str> {
        cut.pools.iter().map(|pool| pool.id.as_str()).collect()
    }

    #[test]
    fn what_changed_since_a_position_is_one_cut() {
        let hub = Hub::default();
        hub.publish([pool("aaa", 1), pool("bbb", 2), pool("ccc", 3)], at(3));
        hub.publish([pool("aaa", 5)], at(5));
        hub.publish([], at(6));
        let since = |position| hub.changed_since(Position::new(position).unwrap());
        assert_eq!(names(&since(0)), ["bbb", "ccc", "aaa"]);
        assert_eq!(names(&since(2)), ["ccc", "aaa"]);
        assert_eq!(names(&since(5)), [""; 0]);
        assert_eq!(since(0).progress, at(6));
    }

    #[test]
    fn time_never_goes_back() {
        let hub = Hub::default();
        hub.publish([], at(5));
        let earlier = Progress {
            time: Timestamp::from_micros(1),
            ..at(6)
        };
        hub.publish([], earlier);
        assert_eq!(hub.progress().position.get(), 6);
        assert_eq!(hub.progress().time, Timestamp::from_micros(5));
    }

    #[test]
    fn a_frame_is_encoded_once() {
        let hub = Hub::default();
        hub.publish([pool("aaa", 1)], at(1));
        let subscriber = hub.subscribe(&PoolId::parse("aaa").unwrap()).unwrap();
        let snapshot = subscriber.borrow().clone();
        let first = snapshot.frame(|_| Bytes::from_static(b"first"));
        let second = snapshot.frame(|_| Bytes::from_static(b"second"));
        assert_eq!(
            (first.as_ref(), second.as_ref()),
            (&b"first"[..], &b"first"[..])
        );
    }
}
