//! Refusals leave a trace: how many there were for each pool, reason and second, with a few samples, for a day.
//!
//! A refusal costs a look into a map in memory, no more; once a second a task writes what there is, in one statement
//! ([`recorder`], [`store`]). Memory and table have limits: what is too much to be told apart is counted all the same. It is
//! a help for people and no proof: what an instance had not written when it was killed is lost.

pub mod recorder;
pub mod store;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use onsale_shared::{id::PoolId, log::LogClock, time::Timestamp};
use serde::{Deserialize, Serialize};

/// How many rows one write may have, so far as they can be told apart; others are counted by their reason alone.
const KEYS_MAX: usize = 256;
/// How many samples are kept of each second, pool and reason.
const SAMPLES_MAX: usize = 3;
/// A second, in microseconds.
const SECOND: i64 = 1_000_000;

/// What was refused since it was last written. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Refusals {
    tally: Arc<Mutex<Tally>>,
    clock: LogClock,
}

/// Counts by what they are told apart by.
pub type Tally = HashMap<Key, Counted, foldhash::fast::RandomState>;

/// What refusals are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The second in which they were answered.
    pub second: Timestamp,
    /// The pool; none for pools that do not exist, and for what was too much to be told apart.
    pub pool: Option<PoolId>,
    /// Why, as callers know it.
    pub reason: &'static str,
}

/// How many there were, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many.
    pub count: i64,
    /// The first few.
    pub samples: Vec<Sample>,
}

/// One refusal, as an operator needs it to find who was refused what. No address: that is personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was answered.
    pub time: Timestamp,
    /// Which command.
    pub command: String,
    /// The command's id.
    pub request_id: String,
    /// For whom, if it was an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The conversation.
    pub correlation_id: String,
    /// What the caller was told.
    pub message: String,
}

impl Refusals {
    /// Nothing yet.
    #[must_use]
    pub fn new(clock: LogClock) -> Self {
        Self {
            tally: Arc::default(),
            clock,
        }
    }

    /// Counts a refusal; `sample` is asked for only if it is one of the first.
    pub fn note(
        &self,
        pool: Option<&PoolId>,
        reason: &'static str,
        sample: impl FnOnce(Timestamp) -> Sample,
    ) {
        let now = self.clock.now();
        let key = Key {
            second: Timestamp::from_micros(now.as_micros() - now.as_micros().rem_euclid(SECOND)),
            pool: pool.cloned(),
            reason,
        };
        let mut tally = self.tally();
        let counted = entry(&mut tally, key);
        counted.count += 1;
        if counted.samples.len() < SAMPLES_MAX {
            counted.samples.push(sample(now));
        }
    }

    /// What there is, to be written.
    #[must_use]
    pub fn take(&self) -> Tally {
        std::mem::take(&mut *self.tally())
    }

    /// Takes back what could not be written.
    pub fn put_back(&self, unwritten: Tally) {
        let mut tally = self.tally();
        for (key, old) in unwritten {
            let counted = entry(&mut tally, key);
            counted.count += old.count;
            counted.samples.splice(0..0, old.samples);
            counted.samples.truncate(SAMPLES_MAX);
        }
    }

    /// The log's clock.
    #[must_use]
    pub const fn clock(&self) -> &LogClock {
        &self.clock
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where to count. If there are as many as may be, where only the reason counts: there are few of those, and the second
/// is left out as well then, so that an outage of the database does not fill memory.
fn entry(tally: &mut Tally, key: Key) -> &mut Counted {
    if tally.len() < KEYS_MAX || tally.contains_key(&key) {
        return tally.entry(key).or_default();
    }
    let reason = key.reason;
    let rest = |key: &&Key| key.pool.is_none() && key.reason == reason;
    let rest = tally
        .keys()
        .find(rest)
        .cloned()
        .unwrap_or(Key { pool: None, ..key });
    tally.entry(rest).or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn refusals() -> Refusals {
        let now = Instant::now();
        Refusals::new(LogClock::new(now, Timestamp::from_micros(7_100_000), now))
    }

    fn sample(time: Timestamp) -> Sample {
        Sample {
            time,
            command: "ClaimTickets".to_owned(),
            request_id: "1".to_owned(),
            customer: None,
            correlation_id: "1".to_owned(),
            message: "all are sold".to_owned(),
        }
    }

    #[test]
    fn refusals_are_counted_by_pool_reason_and_second_with_a_few_samples() {
        let refusals = refusals();
        let [a, b] = ["pool-a", "pool-b"].map(|id| PoolId::parse(id).unwrap());
        for _ in 0..5 {
            refusals.note(Some(&a), "SOLD_OUT", sample);
        }
        refusals.note(Some(&b), "SOLD_OUT", sample);
        refusals.note(Some(&a), "PRICE_CHANGED", sample);
        refusals.note(None, "POOL_NOT_FOUND", sample);
        let tally = refusals.take();
        let total: i64 = tally.values().map(|counted| counted.count).sum();
        assert_eq!(total, 8);
        let sold_out = tally
            .iter()
            .find(|(_, counted)| counted.count == 5)
            .unwrap();
        assert_eq!(
            (sold_out.0.pool.as_ref(), sold_out.0.reason),
            (Some(&a), "SOLD_OUT")
        );
        assert_eq!(sold_out.1.samples.len(), SAMPLES_MAX);
        assert_eq!(sold_out.0.second.as_micros() % SECOND, 0);
        assert!(refusals.take().is_empty());
    }

    #[test]
    fn what_could_not_be_written_is_kept_within_the_limit_and_nothing_goes_uncounted() {
        let refusals = refusals();
        for round in 0..3 {
            for number in 0..KEYS_MAX * 2 {
                let pool = PoolId::parse(&format!("pool-{round}-{number}")).unwrap();
                refusals.note(Some(&pool), "SOLD_OUT", sample);
                refusals.note(Some(&pool), "OVERLOADED", sample);
            }
            refusals.put_back(refusals.take());
        }
        let tally = refusals.take();
        assert!(tally.len() <= KEYS_MAX + 2, "{}", tally.len());
        let total: i64 = tally.values().map(|counted| counted.count).sum();
        assert_eq!(total, i64::try_from(3 * KEYS_MAX * 2 * 2).unwrap());
        assert!(
            tally
                .values()
                .all(|counted| counted.samples.len() <= SAMPLES_MAX)
        );
    }
}
