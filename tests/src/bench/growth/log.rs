//! A log that grows as sales make it grow: many pools, each a few events at a time.

use std::{sync::Arc, time::Duration};

use onsale_command_service::domain::{Command, commands::PurchaseTickets};
use onsale_shared::{
    id::PoolId,
    log::{AppendBatch, EventLog as _, StreamName, postgres::PostgresLog},
    time::Timestamp,
};
use tokio::sync::mpsc;

use crate::bench::{
    filling::{Filling, create, order},
    report::progress,
};

/// Events of a pool in one append while the log grows; so a pool's events lie far from each other.
const AT_ONCE: u32 = 50;
/// Pools of one append while the log grows.
const POOLS_AT_ONCE: usize = 10;
/// Batches that wait for the log.
const WAITING_MAX: usize = 4;

/// See the module.
#[derive(Debug)]
pub(in crate::bench) struct GrowingLog {
    log: Arc<PostgresLog>,
    began: Timestamp,
    events_per_pool: u32,
    pools: Vec<Filling>,
}

impl GrowingLog {
    pub(in crate::bench) fn new(
        log: Arc<PostgresLog>,
        events_per_pool: u32,
    ) -> anyhow::Result<Self> {
        // Long enough ago that times do not run ahead of the log's clock.
        let began = log.clock().now().minus(Duration::from_hours(1));
        Ok(Self {
            log,
            began,
            events_per_pool,
            pools: Vec::new(),
        })
    }

    /// Adds pools until there are so many; those that are added grow in turns.
    pub(in crate::bench) async fn grow_to(&mut self, pools: u32) -> anyhow::Result<()> {
        let first = self.pools.len();
        for n in u32::try_from(first)?..pools {
            let id = PoolId::parse(&format!("pool-{n}"))?;
            self.pools
                .push(Filling::new(id, self.began, Duration::from_millis(1)));
        }
        let (batches, mut waiting) = mpsc::channel::<AppendBatch>(WAITING_MAX);
        let log = Arc::clone(&self.log);
        let appending = tokio::spawn(async move {
            while let Some(batch) = waiting.recv().await {
                log.append(&batch).await?;
            }
            anyhow::Ok(())
        });
        let rounds = self.events_per_pool.div_ceil(AT_ONCE);
        for round in 1..=rounds {
            let until = i64::from(self.events_per_pool.min(round * AT_ONCE));
            for some in self
                .pools
                .get_mut(first..)
                .unwrap_or_default()
                .chunks_mut(POOLS_AT_ONCE)
            {
                for pool in &mut *some {
                    sell(pool, until)?;
                }
                let groups = some.iter_mut().map(Filling::take).collect();
                if batches.send(AppendBatch::new(groups)?).await.is_err() {
                    break;
                }
            }
            progress(&format!("  {round} of {rounds}"));
        }
        drop(batches);
        appending.await?
    }

    pub(in crate::bench) fn log(&self) -> Arc<PostgresLog> {
        Arc::clone(&self.log)
    }

    pub(in crate::bench) fn pools(&self) -> usize {
        self.pools.len()
    }

    /// A batch of one purchase in each of some pools.
    pub(in crate::bench) fn purchases(&mut self, pools: &[usize]) -> anyhow::Result<AppendBatch> {
        let mut groups = Vec::new();
        for pool in pools {
            if let Some(pool) = self.pools.get_mut(*pool) {
                sell(pool, pool.version().get() + 1)?;
                groups.push(pool.take());
            }
        }
        Ok(AppendBatch::new(groups)?)
    }

    /// The stream of a pool, by its number.
    pub(in crate::bench) fn stream(pool: usize) -> anyhow::Result<StreamName> {
        Ok(StreamName::of_pool(&PoolId::parse(&format!(
            "pool-{pool}"
        ))?))
    }

    pub(in crate::bench) fn events(&self) -> i64 {
        self.pools.iter().map(|pool| pool.version().get()).sum()
    }

    /// Goes on with another connection to the same log.
    pub(in crate::bench) fn reconnect(&mut self, log: Arc<PostgresLog>) {
        self.log = log;
    }
}

/// Purchases of two tickets, four events each, until the pool has at least so many events.
fn sell(pool: &mut Filling, until: i64) -> anyhow::Result<()> {
    if pool.version().get() == 0 {
        pool.tell(create()?)?;
    }
    while pool.version().get() < until {
        let customer = format!("customer-{}", pool.version());
        pool.tell(Command::PurchaseTickets(PurchaseTickets {
            order: order(&customer)?,
            payment_reference: None,
        }))?;
    }
    Ok(())
}
