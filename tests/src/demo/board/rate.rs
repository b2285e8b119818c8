//! How fast tickets are sold.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Tickets sold per second, over the last second or a little more.
#[derive(Debug, Default)]
pub(in crate::demo) struct Rate(VecDeque<(Instant, i64)>);

impl Rate {
    pub(super) fn of(&mut self, now: Instant, sold: i64) -> i64 {
        self.0.push_back((now, sold));
        // The oldest that stays is the newest that is a second old.
        while self
            .0
            .get(1)
            .is_some_and(|(time, _)| now.duration_since(*time) >= Duration::from_secs(1))
        {
            self.0.pop_front();
        }
        let Some((time, before)) = self.0.front() else {
            return 0;
        };
        let milliseconds = i64::try_from(now.duration_since(*time).as_millis()).unwrap_or(i64::MAX);
        (sold - before) * 1_000 / milliseconds.max(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_second() {
        let mut rate = Rate::default();
        let mut now = Instant::now();
        for sold in [0, 5, 10] {
            assert_eq!(rate.of(now, sold), sold);
            now += Duration::from_millis(500);
        }
        assert_eq!(rate.of(now, 10), 5);
    }
}
