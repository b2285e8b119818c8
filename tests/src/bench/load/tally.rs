//! What a load counts while it runs.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use crate::bench::meter::Usage;

/// Latencies are told apart in microseconds up to here; what takes longer counts as this long.
const LATENCY_MAX_US: u64 = 60_000_000;
/// With so many digits.
const DIGITS: u8 = 3;

/// What a load measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// How long it was counted.
    pub elapsed: Duration,
    /// Of the answers that were expected, in microseconds.
    pub latencies: Histogram<u64>,
    /// Other answers, and calls that broke.
    pub unexpected: u64,
    /// Calls that were due and were not sent in time.
    pub dropped: u64,
    /// What the first unexpected answer said.
    pub first_unexpected: Option<String>,
    /// What it cost.
    pub usage: Usage,
}

/// Counts the calls of a load.
#[derive(Debug)]
pub struct Tally {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    began: Instant,
    ended: Instant,
    latencies: Histogram<u64>,
    unexpected: u64,
    dropped: u64,
    first_unexpected: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    WarmingUp,
    Counting,
    /// Nothing further is sent.
    Ended,
}

impl Tally {
    /// Nothing yet.
    ///
    /// # Errors
    /// None in practice: the bounds are constants.
    pub fn new() -> anyhow::Result<Self> {
        let now = Instant::now();
        Ok(Self {
            state: Mutex::new(State {
                phase: Phase::WarmingUp,
                began: now,
                ended: now,
                latencies: histogram()?,
                unexpected: 0,
                dropped: 0,
                first_unexpected: None,
            }),
        })
    }

    /// From now on it counts.
    pub fn begin(&self) {
        let mut state = self.state();
        state.phase = Phase::Counting;
        state.began = Instant::now();
    }

    /// From now on nothing counts, and nothing is sent.
    pub fn end(&self) {
        let mut state = self.state();
        state.phase = Phase::Ended;
        state.ended = Instant::now();
    }

    /// Whether nothing is to be sent any more.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state().phase == Phase::Ended
    }

    /// A call has ended, as expected or with something else.
    pub fn count(&self, latency: Duration, outcome: Result<(), String>) {
        let mut state = self.state();
        if state.phase != Phase::Counting {
            return;
        }
        match outcome {
            Ok(()) => {
                state.latencies.saturating_record(micros(latency));
            }
            Err(said) => {
                state.unexpected += 1;
                state.first_unexpected.get_or_insert(said);
            }
        }
    }

    /// A call was due and is not sent.
    pub fn drop_call(&self) {
        let mut state = self.state();
        if state.phase == Phase::Counting {
            state.dropped += 1;
        }
    }

    /// What was counted, at this cost.
    #[must_use]
    pub fn measured(&self, usage: Usage) -> Measured {
        let state = self.state();
        Measured {
            elapsed: state.ended.saturating_duration_since(state.began),
            latencies: state.latencies.clone(),
            unexpected: state.unexpected,
            dropped: state.dropped,
            first_unexpected: state.first_unexpected.clone(),
            usage,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No latencies yet, in microseconds.
///
/// # Errors
/// None in practice: the bounds are constants.
pub fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_max(LATENCY_MAX_US, DIGITS)?)
}

/// A latency, as histograms count it.
#[must_use]
pub fn micros(latency: Duration) -> u64 {
    u64::try_from(latency.as_micros()).unwrap_or(LATENCY_MAX_US)
}

impl Measured {
    /// Latencies that were measured one by one, at no counted cost.
    #[must_use]
    pub fn of_latencies(latencies: Histogram<u64>, unexpected: u64, elapsed: Duration) -> Self {
        Self {
            elapsed,
            latencies,
            unexpected,
            dropped: 0,
            first_unexpected: None,
            usage: Usage::default(),
        }
    }

    /// Expected answers in a second.
    #[must_use]
    pub fn per_second(&self) -> u64 {
        let millis = u64::try_from(self.elapsed.as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        self.latencies.len() * 1_000 / millis
    }
}
