//! The figures of a load.

#![expect(
    clippy::float_arithmetic,
    reason = "figures for people; nothing is decided on them"
)]

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::bench::load::tally::Measured;

/// What a load reached, and what it cost. An answer is one that was expected.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    /// Answers in a second.
    pub per_second: u64,
    /// Half of the answers took no longer, in microseconds.
    pub p50_us: u64,
    /// 99 of 100.
    pub p99_us: u64,
    /// 999 of 1,000.
    pub p999_us: u64,
    /// All.
    pub max_us: u64,
    /// Answers that were counted.
    pub answers: u64,
    /// Other answers than expected, and broken calls.
    pub unexpected: u64,
    /// Calls that were due and were not sent in time (open loop only).
    pub dropped: u64,
    /// What the first unexpected answer said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_unexpected: Option<String>,
    /// Answers for each transaction that wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers_per_commit: Option<f64>,
    /// Seconds of processor time for 1,000 answers: of the engine ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_cpu: Option<f64>,
    /// ... of PostgreSQL ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres_cpu: Option<f64>,
    /// ... and of the load generator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator_cpu: Option<f64>,
    /// Bytes of write-ahead log for each answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wal_bytes: Option<f64>,
}

impl Figures {
    /// Of a load that took `commits` transactions.
    #[must_use]
    pub fn new(measured: &Measured, commits: i64) -> Self {
        let answers = real(measured.latencies.len());
        let each = |sum: f64| (answers > 0.0).then(|| sum / answers);
        let cpu = |time: Option<Duration>| each(time?.as_secs_f64() * 1_000.0);
        let commits = u64::try_from(commits).unwrap_or(0);
        let wal = u64::try_from(measured.usage.wal).unwrap_or(0);
        Self {
            answers_per_commit: (commits > 0).then(|| answers / real(commits)),
            engine_cpu: cpu(measured.usage.engine),
            postgres_cpu: cpu(measured.usage.postgres),
            generator_cpu: cpu(measured.usage.generator),
            wal_bytes: each(real(wal)),
            ..Self::of_latencies(measured)
        }
    }

    /// Of a load whose cost is not counted.
    #[must_use]
    pub fn of_latencies(measured: &Measured) -> Self {
        let at = |quantile| measured.latencies.value_at_quantile(quantile);
        Self {
            per_second: measured.per_second(),
            p50_us: at(0.5),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: measured.latencies.max(),
            answers: measured.latencies.len(),
            unexpected: measured.unexpected,
            dropped: measured.dropped,
            first_unexpected: measured.first_unexpected.clone(),
            ..Self::default()
        }
    }

    /// Each figure's median over `rounds`.
    #[must_use]
    pub fn median(rounds: &[Self]) -> Self {
        let whole = |figure: fn(&Self) -> u64| middle(rounds.iter().map(figure).collect());
        let part = |figure: fn(&Self) -> Option<f64>| {
            let mut all: Vec<_> = rounds.iter().filter_map(figure).collect();
            all.sort_by(f64::total_cmp);
            let (low, high) = middles(&all)?;
            Some(f64::midpoint(low, high))
        };
        Self {
            per_second: whole(|f| f.per_second),
            p50_us: whole(|f| f.p50_us),
            p99_us: whole(|f| f.p99_us),
            p999_us: whole(|f| f.p999_us),
            max_us: whole(|f| f.max_us),
            answers: whole(|f| f.answers),
            unexpected: whole(|f| f.unexpected),
            dropped: whole(|f| f.dropped),
            first_unexpected: rounds.iter().find_map(|f| f.first_unexpected.clone()),
            answers_per_commit: part(|f| f.answers_per_commit),
            engine_cpu: part(|f| f.engine_cpu),
            postgres_cpu: part(|f| f.postgres_cpu),
            generator_cpu: part(|f| f.generator_cpu),
            wal_bytes: part(|f| f.wal_bytes),
        }
    }

    /// How much faster this is than `other`.
    #[must_use]
    pub fn ratio(&self, other: &Self) -> Option<f64> {
        ratio(self.per_second, other.per_second)
    }

    /// Whether nearly every call got the answer that was expected: at most one in a hundred did not.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.answers > 0 && (self.unexpected + self.dropped) * 100 <= self.answers
    }

    /// [`Self::answers_per_commit`] as a number of answers.
    #[must_use]
    pub fn whole_batch(&self) -> Option<u32> {
        // Through its text: there is no conversion that says what it does with the rest.
        format!("{:.0}", self.answers_per_commit?.max(1.0))
            .parse()
            .ok()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, p999] = [self.p50_us, self.p99_us, self.p999_us].map(millis);
        write!(
            f,
            "{}/s, p50 {p50} ms, p99 {p99} ms, p99.9 {p999} ms",
            self.per_second
        )?;
        if self.unexpected + self.dropped > 0 {
            let (unexpected, dropped) = (self.unexpected, self.dropped);
            write!(f, ", {unexpected} unexpected, {dropped} dropped")?;
        }
        if let Some(said) = &self.first_unexpected {
            write!(f, " ({said})")?;
        }
        Ok(())
    }
}

/// One number over another.
#[must_use]
pub fn ratio(number: u64, other: u64) -> Option<f64> {
    (other > 0).then(|| real(number) / real(other))
}

/// Microseconds as milliseconds, with as many digits as are worth reading.
#[must_use]
pub fn millis(micros: u64) -> String {
    match real(micros) / 1_000.0 {
        few if few < 10.0 => format!("{few:.2}"),
        some if some < 100.0 => format!("{some:.1}"),
        many => format!("{many:.0}"),
    }
}

fn middle(mut all: Vec<u64>) -> u64 {
    all.sort_unstable();
    middles(&all).map_or(0, |(low, high)| low.midpoint(high))
}

/// The two in the middle of what is sorted, or twice the one that is.
fn middles<T: Copy>(sorted: &[T]) -> Option<(T, T)> {
    let low = sorted.len().checked_sub(1)? / 2;
    Some((*sorted.get(low)?, *sorted.get(sorted.len() / 2)?))
}

/// Exact up to 2^53, which no figure reaches.
#[expect(
    clippy::cast_precision_loss,
    reason = "there is no lossless conversion, and no figure is that large"
)]
pub(super) const fn real(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_taken_figure_by_figure() {
        let round = |per_second, p99_us, wal_bytes| Figures {
            per_second,
            p99_us,
            wal_bytes,
            ..Figures::default()
        };
        let rounds = [
            round(3, 30, Some(2.0)),
            round(1, 10, None),
            round(2, 90, Some(1.0)),
        ];
        let median = Figures::median(&rounds);
        assert_eq!((median.per_second, median.p99_us), (2, 30));
        assert_eq!(median.wal_bytes, Some(1.5), "of two, the mean");
        assert_eq!(Figures::median(&[]).per_second, 0);
    }

    #[test]
    fn one_wrong_answer_in_a_hundred_is_borne() {
        let figures = |answers, unexpected, dropped| Figures {
            answers,
            unexpected,
            dropped,
            ..Figures::default()
        };
        assert!(figures(100, 1, 0).is_sound());
        assert!(!figures(100, 1, 1).is_sound());
        assert!(!figures(0, 0, 0).is_sound());
    }
}
