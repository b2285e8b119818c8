//! The times of an append and of a pool's load.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use onsale_shared::log::{EventLog as _, Version, postgres::PostgresLog};

use super::{EVENTS_PER_POOL, log::GrowingLog, millis};

/// Appends in one turn ...
const APPENDS: usize = 20;
/// ... each of one purchase, four events, in so many pools.
const POOLS_PER_APPEND: usize = 30;
/// Pools that are loaded in one turn.
const LOADS: usize = 20;
/// Pools are taken far from each other: a prime, which no number of pools divides.
const STRIDE: usize = 7_919;

/// What was measured of a log.
#[derive(Debug, Default)]
pub(super) struct Times {
    appends: Vec<Duration>,
    loads: Vec<Duration>,
}

impl Times {
    pub(super) const fn is_empty(&self) -> bool {
        self.appends.is_empty()
    }
}

/// Measures a log.
#[derive(Debug)]
pub(super) struct Probe {
    log: GrowingLog,
    next: usize,
}

impl Probe {
    pub(super) const fn new(log: GrowingLog) -> Self {
        Self { log, next: 0 }
    }

    pub(super) fn reconnect(&mut self, log: Arc<PostgresLog>) {
        self.log.reconnect(log);
    }

    /// Which pools come next.
    pub(super) const fn place(&self) -> usize {
        self.next
    }

    /// The next pools are those again that came next there.
    pub(super) const fn go_back_to(&mut self, place: usize) {
        self.next = place;
    }

    pub(super) fn events(&self) -> i64 {
        self.log.events()
    }

    /// One turn of appends, then of loads.
    pub(super) async fn measure(&mut self, times: &mut Times) -> anyhow::Result<()> {
        let log = self.log.log();
        for _ in 0..APPENDS {
            let pools: Vec<_> = (0..POOLS_PER_APPEND).map(|_| self.next_pool()).collect();
            let batch = self.log.purchases(&pools)?;
            let began = Instant::now();
            log.append(&batch).await?;
            times.appends.push(began.elapsed());
        }
        for _ in 0..LOADS {
            let stream = GrowingLog::stream(self.next_pool())?;
            let limit = usize::try_from(EVENTS_PER_POOL)?;
            let began = Instant::now();
            let events = log.read_stream(&stream, Version::START, limit).await?;
            times.loads.push(began.elapsed());
            ensure!(
                events.len() == limit,
                "{stream} has {} events",
                events.len()
            );
        }
        Ok(())
    }

    fn next_pool(&mut self) -> usize {
        self.next = (self.next + STRIDE) % self.log.pools();
        self.next
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |times: &[Duration], percent: usize| {
            let mut times = times.to_vec();
            times.sort_unstable();
            let found = times.get(times.len().saturating_sub(1) * percent / 100);
            millis(found.copied().unwrap_or_default())
        };
        write!(
            f,
            "append of {POOLS_PER_APPEND} purchases p50 {}, p95 {}; load of {EVENTS_PER_POOL} events p50 {}, p95 {}",
            at(&self.appends, 50),
            at(&self.appends, 95),
            at(&self.loads, 50),
            at(&self.loads, 95),
        )
    }
}
