//! What was refused since it was last written down.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use foldhash::fast::RandomState;
use onsale_shared::{
    id::PoolId,
    log::LogClock,
    refusals::{Refusals, Sample},
    time::Timestamp,
};

/// So many kinds (a second, a pool, a reason) are told apart before they are written down; any pool beyond them counts
/// under no name.
const KINDS_MAX: usize = 2_000;
const SECOND_MICROS: i64 = 1_000_000;

/// Counts what was refused, with a few samples of each kind, until it is written down. Cheap to clone; clones share what
/// they count.
#[derive(Clone, Debug)]
pub struct Trace {
    clock: LogClock,
    counted: Arc<Mutex<Kinds>>,
}

/// Hashed fast: every refusal looks into it.
type Kinds = HashMap<Kind, Counted, RandomState>;

/// A refusal as it is answered.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// The pool; none if there is no such pool: names that anybody can make up are not told apart.
    pub pool: Option<&'a PoolId>,
    /// Why, as the catalogue names it.
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    /// Since 1970, by the log's clock.
    second: i64,
    pool: Option<PoolId>,
    reason: &'static str,
}

#[derive(Clone, Debug, Default)]
struct Counted {
    count: u64,
    samples: Vec<Sample>,
}

impl Trace {
    /// Nothing yet.
    #[must_use]
    pub fn new(clock: LogClock) -> Self {
        Self {
            clock,
            counted: Arc::default(),
        }
    }

    /// Counts a refusal; `sample` says all of it, and is asked only for the first few of a kind.
    pub fn count(&self, refused: Refused<'_>, sample: impl FnOnce(Timestamp) -> Sample) {
        let now = self.clock.now();
        let mut kind = Kind {
            second: now.as_micros().div_euclid(SECOND_MICROS),
            pool: refused.pool.cloned(),
            reason: refused.reason,
        };
        let mut counted = self.counted();
        if counted.len() >= KINDS_MAX && !counted.contains_key(&kind) {
            kind.pool = None;
        }
        let counted = counted.entry(kind).or_default();
        counted.count += 1;
        if counted.samples.len() < Refusals::SAMPLES_MAX {
            counted.samples.push(sample(now));
        }
    }

    /// All that was counted since the last call.
    pub fn take(&self, instance: &str) -> Vec<Refusals> {
        let counted = mem::take(&mut *self.counted());
        let refusals = counted.into_iter().map(|(kind, counted)| Refusals {
            second: Timestamp::from_micros(kind.second.saturating_mul(SECOND_MICROS)),
            pool: kind.pool.map(|pool| pool.to_string()).unwrap_or_default(),
            reason: kind.reason.to_owned(),
            instance: instance.to_owned(),
            count: counted.count,
            samples: counted.samples,
        });
        refusals.collect()
    }

    fn counted(&self) -> MutexGuard<'_, Kinds> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn trace() -> Trace {
        let now = Instant::now();
        Trace::new(LogClock::new(now, Timestamp::from_micros(7_999_999), now))
    }

    fn sample(time: Timestamp) -> Sample {
        Sample {
            time,
            command: "ClaimTickets".to_owned(),
            request_id: String::new(),
            correlation_id: None,
            actor: "anonymous".to_owned(),
            customer: None,
            message: "all tickets are sold".to_owned(),
        }
    }

    #[test]
    fn the_first_few_of_a_kind_are_kept_whole_and_all_are_counted() {
        let trace = trace();
        let pool = PoolId::parse("a-pool").unwrap();
        let refuse = |reason| {
            let refused = Refused {
                pool: Some(&pool),
                reason,
            };
            trace.count(refused, sample);
        };
        for _ in 0..10 {
            refuse("SOLD_OUT");
        }
        refuse("SALES_STOPPED");
        let taken = trace.take("here");
        let of = |reason: &str| {
            let mut rows = taken.iter().filter(|row| row.reason == reason);
            rows.by_ref()
                .map(|row| (row.count, row.samples.len()))
                .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
        };
        // The second may turn over meanwhile.
        let (count, samples) = of("SOLD_OUT");
        assert_eq!(count, 10);
        assert!(
            (Refusals::SAMPLES_MAX..=2 * Refusals::SAMPLES_MAX).contains(&samples),
            "{samples}"
        );
        assert_eq!(of("SALES_STOPPED"), (1, 1));
        assert!(
            taken
                .iter()
                .all(|row| row.pool == "a-pool" && row.instance == "here")
        );
        assert!(trace.take("here").is_empty(), "it is told once");
    }

    #[test]
    fn pools_without_end_take_no_memory_without_end() {
        let trace = trace();
        for n in 0..KINDS_MAX + 500 {
            let pool = PoolId::parse(&format!("pool-{n}")).unwrap();
            let refused = Refused {
                pool: Some(&pool),
                reason: "SALES_ENDED",
            };
            trace.count(refused, sample);
        }
        let taken = trace.take("here");
        // One without a name for each second that was met.
        assert!(taken.len() <= KINDS_MAX + 10, "{}", taken.len());
        let all: u64 = taken.iter().map(|row| row.count).sum();
        assert_eq!(all, u64::try_from(KINDS_MAX + 500).unwrap());
        assert!(
            taken
                .iter()
                .any(|row| row.pool.is_empty() && row.count > 100)
        );
    }
}
