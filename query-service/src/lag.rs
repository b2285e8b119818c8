//! How long one thing has been behind another. No wall clock: it looks from time to time, and remembers where the other
//! was when it last found it reached.

use std::time::Duration;

use onsale_shared::log::Position;
use tokio::time::Instant;

/// Watches a follower.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LagWatch {
    target: Position,
    since: Instant,
}

impl LagWatch {
    /// Nothing is behind yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            target: Position::START,
            since: now,
        }
    }

    /// For how long `follower` has not reached where `leader` was; zero if it has reached what was looked at last.
    pub(crate) fn look(&mut self, leader: Position, follower: Position, now: Instant) -> Duration {
        if follower >= self.target {
            self.target = leader;
            self.since = now;
            return Duration::ZERO;
        }
        now.saturating_duration_since(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_keeps_moving_is_not_behind_and_who_stands_still_is() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let position = |number| Position::new(number).unwrap();
        let mut lag = LagWatch::new(start);
        let mut look = |leader, follower, seconds| {
            lag.look(position(leader), position(follower), at(seconds))
                .as_secs()
        };
        assert_eq!(look(10, 0, 1), 0);
        assert_eq!(look(20, 11, 2), 0, "10 was reached");
        assert_eq!(look(30, 19, 5), 3);
        assert_eq!(look(40, 19, 9), 7);
        assert_eq!(look(40, 20, 10), 0);
        assert_eq!(look(40, 40, 99), 0);
        assert_eq!(look(40, 40, 100), 0);
    }
}
