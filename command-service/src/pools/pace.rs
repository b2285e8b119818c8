//! How fast long work is done beside what others wait for.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::{runtime::Handle, time::sleep};

/// Where long work is done, and how long it rests in between.
#[derive(Debug)]
pub struct Pace {
    /// Where the processor is used for long: the thread that reads and writes serves others.
    pub aside: Handle,
    rest: Duration,
    rests: AtomicU32,
}

impl Pace {
    /// As fast as it can be: somebody waits.
    #[must_use]
    pub fn at_once() -> Self {
        Self::with_rests(Handle::current(), Duration::ZERO)
    }

    /// So long a rest after each piece of work: what PostgreSQL does for it gives way to nobody.
    #[must_use]
    pub const fn with_rests(aside: Handle, rest: Duration) -> Self {
        Self {
            aside,
            rest,
            rests: AtomicU32::new(0),
        }
    }

    /// Whether there are no rests.
    #[must_use]
    pub const fn is_at_once(&self) -> bool {
        self.rest.is_zero()
    }

    /// A piece of work is done, and another follows.
    pub async fn rest(&self) {
        // A timer takes a millisecond even for nothing.
        if !self.is_at_once() {
            self.rests.fetch_add(1, Ordering::Relaxed);
            sleep(self.rest).await;
        }
    }

    /// All rests so far.
    #[must_use]
    pub fn rested(&self) -> Duration {
        self.rest.saturating_mul(self.rests.load(Ordering::Relaxed))
    }
}
