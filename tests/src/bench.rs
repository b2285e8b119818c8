//! Measurements, through the public interface of release builds on a durable database. Run by `make bench`.
//!
//! - [`latency`]: from the acknowledgement of a command to a subscriber's frame.
//! - [`expiry`]: what sales feel of a mass of claims that end at once.
//! - [`load`]: how many purchases and refusals one instance answers.
//! - [`load_time`]: how long a pool of a million events takes to load.
//! - [`many_pools`]: how much memory an instance takes over a log of many pools.

pub mod expiry;
mod filling;
pub mod latency;
pub mod load;
pub mod load_time;
pub mod many_pools;

use std::time::Duration;

/// Measured times, sorted.
#[derive(Clone, Debug)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// Sorts what was measured.
    #[must_use]
    pub fn new(mut measured: Vec<Duration>) -> Self {
        measured.sort_unstable();
        Self(measured)
    }

    /// The time that `per_mille` of the samples do not exceed; zero if there is none.
    #[must_use]
    pub fn at(&self, per_mille: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0
            .get((self.0.len() * per_mille / 1_000).min(last))
            .copied()
            .unwrap_or_default()
    }

    /// The percentiles that people ask for, in a line.
    #[must_use]
    pub fn summary(&self) -> String {
        let [p50, p99, p999, max] = [500, 990, 999, 1_000].map(|per_mille| self.at(per_mille));
        format!(
            "p50 {p50:.1?}, p99 {p99:.1?}, p99.9 {p999:.1?}, max {max:.1?} ({} samples)",
            self.0.len()
        )
    }
}
