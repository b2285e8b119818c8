//! When time alone changes a pool next, for many pools. It tells moments and nothing of pools.

use std::collections::{BTreeSet, HashMap};

use onsale_shared::{id::PoolId, time::Timestamp};

/// At most one moment for each pool.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    by_moment: BTreeSet<(Timestamp, PoolId)>,
    by_pool: HashMap<PoolId, Timestamp>,
}

impl Agenda {
    /// Notes the moment of a pool, or that it has none, instead of what was noted before.
    pub(super) fn set(&mut self, pool: &PoolId, moment: Option<Timestamp>) {
        if let Some(before) = self.by_pool.remove(pool) {
            self.by_moment.remove(&(before, pool.clone()));
        }
        if let Some(moment) = moment {
            self.by_pool.insert(pool.clone(), moment);
            self.by_moment.insert((moment, pool.clone()));
        }
    }

    /// Whether the pool has a moment.
    pub(super) fn has(&self, pool: &PoolId) -> bool {
        self.by_pool.contains_key(pool)
    }

    /// A pool whose moment has come by `now`, the earliest first; it has none from here on.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<PoolId> {
        let (moment, _) = self.by_moment.first()?;
        if *moment > now {
            return None;
        }
        let (_, pool) = self.by_moment.pop_first()?;
        self.by_pool.remove(&pool);
        Some(pool)
    }

    /// The last time, at most `now`, by which no moment is still to be taken.
    pub(super) fn settled(&self, now: Timestamp) -> Timestamp {
        let first = self.by_moment.first();
        let before = first.map(|(moment, _)| moment.as_micros().saturating_sub(1));
        before.map_or(now, |before| now.min(Timestamp::from_micros(before)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn due(agenda: &mut Agenda, now: i64) -> Vec<String> {
        let due = std::iter::from_fn(|| agenda.take_due(at(now)));
        due.map(|pool| pool.to_string()).collect()
    }

    #[test]
    fn pools_come_at_their_moments_and_once() {
        let mut agenda = Agenda::default();
        for (pool, moment) in [("aaa", 30), ("bbb", 10), ("ccc", 20), ("ddd", 10)] {
            agenda.set(&PoolId::parse(pool).unwrap(), Some(at(moment)));
        }
        agenda.set(&PoolId::parse("ccc").unwrap(), Some(at(40)));
        agenda.set(&PoolId::parse("ddd").unwrap(), None);
        assert_eq!(agenda.settled(at(5)), at(5));
        assert_eq!(agenda.settled(at(35)), at(9));
        assert_eq!(due(&mut agenda, 9), [""; 0]);
        assert_eq!(due(&mut agenda, 35), ["bbb", "aaa"]);
        assert_eq!(due(&mut agenda, 99), ["ccc"]);
        assert_eq!(agenda.settled(at(99)), at(99));
        assert!(agenda.by_pool.is_empty());
    }
}
