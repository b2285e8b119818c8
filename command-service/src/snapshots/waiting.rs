//! Pools that wait for a snapshot: first come, first served, and each of them once, whatever it has gained meanwhile.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use onsale_shared::{id::PoolId, log::Version};
use tokio::sync::Notify;

/// So many pools wait at most; who finds no room asks again later.
const WAITING_MAX: usize = 1_024;

/// A pool has come so far that a snapshot is worth its while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) pool: PoolId,
    pub(super) version: Version,
}

/// Pools that wait for a snapshot, each with the version that it is to reach.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pools: Mutex<VecDeque<Asked>>,
    came: Notify,
}

impl Waiting {
    /// Adds a pool, or has the one that waits already come further. Whether there was room.
    pub(super) fn add(&self, asked: Asked) -> bool {
        let mut pools = self.pools();
        if let Some(known) = pools.iter_mut().find(|known| known.pool == asked.pool) {
            known.version = known.version.max(asked.version);
            return true;
        }
        if pools.len() == WAITING_MAX {
            return false;
        }
        pools.push_back(asked);
        self.came.notify_one();
        true
    }

    /// Waits for a pool, and takes it out. For one who waits, not for several.
    pub(super) async fn next(&self) -> Asked {
        loop {
            let first = self.pools().pop_front();
            match first {
                Some(asked) => return asked,
                None => self.came.notified().await,
            }
        }
    }

    fn pools(&self) -> MutexGuard<'_, VecDeque<Asked>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn asked(pool: &str, version: i64) -> Asked {
        Asked {
            pool: PoolId::parse(pool).unwrap(),
            version: Version::new(version).unwrap(),
        }
    }

    async fn next(waiting: &Waiting) -> Asked {
        let next = timeout(Duration::from_secs(10), waiting.next()).await;
        next.expect("a pool waits")
    }

    #[tokio::test]
    async fn a_pool_that_waits_is_served_once_in_its_turn_and_as_far_as_it_has_come() {
        let waiting = Waiting::default();
        for (pool, version) in [("hot", 100), ("calm", 7), ("hot", 200), ("hot", 150)] {
            assert!(waiting.add(asked(pool, version)));
        }
        assert_eq!(next(&waiting).await, asked("hot", 200));
        assert!(waiting.add(asked("hot", 300)), "it comes again");
        assert_eq!(next(&waiting).await, asked("calm", 7));
        assert_eq!(next(&waiting).await, asked("hot", 300));
        let later = async { waiting.add(asked("late", 1)) };
        let (late, _) = tokio::join!(next(&waiting), later);
        assert_eq!(late, asked("late", 1), "what comes while one waits");
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_pools_and_for_what_they_gain() {
        let waiting = Waiting::default();
        for n in 0..WAITING_MAX {
            assert!(waiting.add(asked(&format!("pool-{n}"), 1)));
        }
        assert!(!waiting.add(asked("one-more", 1)));
        assert!(waiting.add(asked("pool-0", 2)));
        assert_eq!(next(&waiting).await, asked("pool-0", 2));
        assert!(waiting.add(asked("one-more", 1)));
    }
}
