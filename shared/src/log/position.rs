//! Places in a log and in a stream: two types, since a position is not a version.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ordinal {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Before the first event.
            pub const START: Self = Self(0);

            /// From a number; `None` below 0.
            #[must_use]
            pub const fn new(number: i64) -> Option<Self> {
                if number < 0 { None } else { Some(Self(number)) }
            }

            /// The number; 0 is before the first event.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The next one.
            #[must_use]
            pub const fn next(self) -> Self {
                self.plus(1)
            }

            /// `count` further.
            #[must_use]
            pub const fn plus(self, count: u32) -> Self {
                // A log of 2^63 events is out of reach; saturation keeps the arithmetic total.
                Self(self.0.saturating_add(count as i64))
            }

            /// How much further this is than `earlier`; 0 if it is not.
            #[must_use]
            pub const fn distance_from(self, earlier: Self) -> i64 {
                let distance = self.0.saturating_sub(earlier.0);
                if distance < 0 { 0 } else { distance }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

ordinal! {
    /// A place in the log: all events in commit order, numbered densely from 1.
    Position
}
ordinal! {
    /// A place in a stream: its events, numbered densely from 1. 0 is the version of a stream that does not exist.
    Version
}
