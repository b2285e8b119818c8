//! One clock: the log's. A process knows it by its own monotonic clock and a learnt offset; it never asks its wall clock.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::time::Timestamp;

/// The log's clock, as this process knows it. Cheap to clone; clones share what they learn.
#[derive(Clone)]
pub struct LogClock {
    /// The origin of the monotonic axis that offsets refer to.
    started: Instant,
    estimate: Arc<Mutex<Estimate>>,
}

impl LogClock {
    /// A clock that knows one sample; see [`Self::learn`].
    #[must_use]
    pub fn new(sent: Instant, time: Timestamp, received: Instant) -> Self {
        let clock = Self {
            started: sent,
            estimate: Arc::default(),
        };
        clock.learn(sent, time, received);
        clock
    }

    /// Learns that the log's clock showed `time` at some moment between `sent` and `received`.
    pub fn learn(&self, sent: Instant, time: Timestamp, received: Instant) {
        let (sent, received) = (self.micros(sent), self.micros(received));
        let sample = Estimate {
            // At `received` the clock showed `time` or later; at `sent` it showed `time` or earlier.
            offset_min: time.as_micros().saturating_sub(received),
            offset_max: time.as_micros().saturating_sub(sent),
            at: received,
        };
        let mut estimate = self.estimate.lock().unwrap_or_else(PoisonError::into_inner);
        *estimate = estimate.learn(sample);
    }

    /// The time now, by the log's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The time at a moment of the monotonic clock, by the log's clock.
    #[must_use]
    pub fn at(&self, moment: Instant) -> Timestamp {
        let estimate = *self.estimate.lock().unwrap_or_else(PoisonError::into_inner);
        Timestamp::from_micros(self.micros(moment).saturating_add(estimate.offset()))
    }

    /// How long from now until the log's clock shows `time`; zero if it did already.
    #[must_use]
    pub fn until(&self, time: Timestamp) -> Duration {
        time.since(self.now())
    }

    fn micros(&self, moment: Instant) -> i64 {
        let since = moment.saturating_duration_since(self.started).as_micros();
        i64::try_from(since).unwrap_or(i64::MAX)
    }
}

impl fmt::Debug for LogClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogClock").field(&self.now()).finish()
    }
}

/// Between which bounds the offset (log time − monotonic time, microseconds) lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Estimate {
    offset_min: i64,
    offset_max: i64,
    /// Up to which monotonic moment the bounds account for drift.
    at: i64,
}

impl Default for Estimate {
    fn default() -> Self {
        Self {
            offset_min: i64::MIN,
            offset_max: i64::MAX,
            at: 0,
        }
    }
}

impl Estimate {
    /// In this time two clocks may drift apart by a microsecond: 200 parts in a million, twice what cheap crystals do.
    const MICROS_PER_DRIFT: i64 = 5_000;

    /// Narrows the bounds by a sample. One that contradicts them means that the log's clock was set, or that another
    /// primary took over: the sample is the truth then.
    fn learn(self, sample: Self) -> Self {
        let drift = (sample.at - self.at).max(0) / Self::MICROS_PER_DRIFT;
        let offset_min = self.offset_min.saturating_sub(drift).max(sample.offset_min);
        let offset_max = self.offset_max.saturating_add(drift).min(sample.offset_max);
        if offset_min > offset_max {
            return sample;
        }
        Self {
            offset_min,
            offset_max,
            // The rest of the division is left for the next sample, however soon it comes.
            at: self.at + drift * Self::MICROS_PER_DRIFT,
        }
    }

    const fn offset(self) -> i64 {
        self.offset_min.midpoint(self.offset_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn time(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn samples_narrow_the_offset() {
        let start = Instant::now();
        // Log time = monotonic + 1,000,000 ms; the first answer took 20 ms, the second 2 ms.
        let clock = LogClock::new(start, time(1_000_001), start + 20 * MILLISECOND);
        let sent = start + 30 * MILLISECOND;
        clock.learn(sent, time(1_000_031), sent + 2 * MILLISECOND);
        let error = clock.at(start + 100 * MILLISECOND).as_micros() - time(1_000_100).as_micros();
        assert!(error.abs() <= 1_000, "{error} µs");
    }

    #[test]
    fn a_clock_that_was_set_is_followed() {
        let start = Instant::now();
        let clock = LogClock::new(start, time(5_000), start + MILLISECOND);
        clock.learn(
            start + 10 * MILLISECOND,
            time(1_005),
            start + 11 * MILLISECOND,
        );
        let now = clock.at(start + 11 * MILLISECOND);
        assert!(now <= time(1_006) && now >= time(1_004), "{now}");
    }

    /// Drift is slow, so it must not be lost between samples that come often.
    #[test]
    fn frequent_samples_account_for_drift() {
        let first = Estimate {
            offset_min: 0,
            offset_max: 10,
            at: 0,
        };
        let wide = |at| Estimate {
            offset_min: -1_000_000,
            offset_max: 1_000_000,
            at,
        };
        let often = (1..=10_000).fold(first, |estimate, milliseconds| {
            estimate.learn(wide(milliseconds * 1_000))
        });
        assert_eq!((often.offset_min, often.offset_max), (-2_000, 2_010));
        assert_eq!(often, first.learn(wide(10_000_000)));
    }

    #[test]
    fn until_is_zero_for_the_past() {
        let start = Instant::now();
        let clock = LogClock::new(start, time(5_000), start);
        assert_eq!(clock.until(time(4_000)), Duration::ZERO);
        assert!(clock.until(time(1_000_000)) > Duration::from_secs(900));
    }
}
