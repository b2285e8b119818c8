//! The times of an append and of a pool's load.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use onsale_shared::log::{EventLog as _, Version, postgres::PostgresLog};

use super::{EVENTS_PER_POOL, log::GrowingLog, millis};

/// Appends in one warm turn ...
const APPENDS: usize = 21;
/// ... each of one purchase, four events, in so many pools ...
const POOLS_PER_APPEND: usize = 30;
/// ... of so many that are on sale: as many in any log, for what is touched again and again is in the processor's caches.
const POOLS_ON_SALE: usize = 90;
/// Pools that are loaded in one warm turn.
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

    pub(super) fn events(&self) -> i64 {
        self.log.events()
    }

    /// Appends to pools that are on sale, and loads of them. What is touched for the first time is in no cache; so all is done
    /// twice, and the second time counts.
    pub(super) async fn measure_warm(&mut self, times: &mut Times) -> anyhow::Result<()> {
        let on_sale = self.next_pools(POOLS_ON_SALE);
        self.sell(&on_sale, &mut Times::default()).await?;
        self.sell(&on_sale, times).await
    }

    async fn sell(&mut self, on_sale: &[usize], times: &mut Times) -> anyhow::Result<()> {
        for pools in on_sale.chunks(POOLS_PER_APPEND).cycle().take(APPENDS) {
            times.appends.push(self.append(pools).await?);
        }
        for pool in on_sale.iter().take(LOADS) {
            times.loads.push(self.load(*pool).await?);
        }
        Ok(())
    }

    /// What an instance does when it and PostgreSQL have just started: it loads pools, and then appends to them. The first
    /// that is loaded counts: its pages may have those of others on them. What a session does once (it reads the catalogue,
    /// and plans) is done before, with another pool: it takes longer than what is measured, and as long with any log.
    pub(super) async fn measure_cold(&mut self, times: &mut Times) -> anyhow::Result<()> {
        let another = self.next_pools(1);
        for pool in &another {
            self.load(*pool).await?;
        }
        self.append(&another).await?;
        let pools = self.next_pools(POOLS_PER_APPEND);
        let mut loads = Vec::new();
        for pool in &pools {
            loads.push(self.load(*pool).await?);
        }
        times.loads.extend(loads.first());
        times.appends.push(self.append(&pools).await?);
        Ok(())
    }

    /// A purchase in each pool, in one append.
    async fn append(&mut self, pools: &[usize]) -> anyhow::Result<Duration> {
        let batch = self.log.purchases(pools)?;
        let began = Instant::now();
        self.log.log().append(&batch).await?;
        Ok(began.elapsed())
    }

    /// What it takes to load a pool.
    async fn load(&self, pool: usize) -> anyhow::Result<Duration> {
        let stream = GrowingLog::stream(pool)?;
        let limit = usize::try_from(EVENTS_PER_POOL)?;
        let log = self.log.log();
        let began = Instant::now();
        let events = log.read_stream(&stream, Version::START, limit).await?;
        let took = began.elapsed();
        ensure!(
            events.len() == limit,
            "{stream} has {} events",
            events.len()
        );
        Ok(took)
    }

    fn next_pools(&mut self, number: usize) -> Vec<usize> {
        let pools = self.log.pools();
        let strides = (0..number).map(|_| {
            self.next = (self.next + STRIDE) % pools;
            self.next
        });
        strides.collect()
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
