//! Spans and times as messages have them.

use prost_types::{Duration, Timestamp};

/// Whole seconds.
pub(crate) const fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}

/// A time.
pub(crate) const fn time(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}
