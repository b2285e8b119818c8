//! What the customers noticed: what they were answered, how long it took, and what they sent again.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How a customer's visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    Bought,
    GaveBack,
    LetExpire,
    PaidTooLate,
    FoundSoldOut,
    GaveUp,
    NoAnswer,
    Odd,
}

impl Ending {
    /// What such customers did.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Bought => "bought tickets",
            Self::GaveBack => "gave their tickets back",
            Self::LetExpire => "let their claim expire",
            Self::PaidTooLate => "wanted to pay after the deadline",
            Self::FoundSoldOut => "found it sold out",
            Self::GaveUp => "gave up after asking several times",
            Self::NoAnswer => "got no answer",
            Self::Odd => "got an answer that they cannot explain",
        }
    }
}

/// A ticket whose purchase was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Bought {
    pub(super) request_id: String,
    pub(super) ticket: String,
}

/// The counts; see the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) arrived: u32,
    pub(super) endings: BTreeMap<Ending, u32>,
    /// Of each answered attempt, in microseconds, by command.
    pub(super) latencies: BTreeMap<&'static str, Vec<u32>>,
    /// Refusals by reason.
    pub(super) refusals: BTreeMap<String, u32>,
    /// Attempts that ended without an answer, by cause.
    pub(super) unanswered_attempts: BTreeMap<String, u32>,
    /// Commands that were sent more than once and then answered with success.
    pub(super) repeated: Vec<String>,
    /// Commands that were refused in the end, each with the reason.
    pub(super) refused: BTreeMap<String, String>,
    /// Commands that never got an answer.
    pub(super) unanswered: Vec<String>,
    pub(super) bought: Vec<Bought>,
    /// Answers that contradict what was asked.
    pub(super) odd: Vec<String>,
    /// The newest version of the pool in any answer.
    pub(super) version: i64,
}

impl Figures {
    /// How many customers are through.
    pub(super) fn through(&self) -> u32 {
        self.endings.values().sum()
    }
}

/// The figures, shared by all customers.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Figures>);

impl Tally {
    /// Changes the figures, or reads some.
    pub(super) fn note<T>(&self, change: impl FnOnce(&mut Figures) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn answered(&self, command: &'static str, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        self.note(|figures| figures.latencies.entry(command).or_default().push(micros));
    }
}

/// The value below which `per_mille` of all lie (nearest rank); `sorted` is.
pub(super) fn percentile(sorted: &[u32], per_mille: usize) -> u32 {
    let rank = (sorted.len() * per_mille).div_ceil(1_000).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let sorted: Vec<u32> = (1..=200).collect();
        assert_eq!(
            [500, 990, 1_000].map(|rank| percentile(&sorted, rank)),
            [100, 198, 200]
        );
        assert_eq!((percentile(&[7], 500), percentile(&[], 500)), (7, 0));
    }
}
