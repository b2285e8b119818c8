//! The projection `history`: each pool's newest state, what it was every so many versions, and every change of its price
//! with the cause. All of it follows from the log alone, so that a rebuild writes the same rows.
//!
//! A pool is folded as everywhere on the read side, by its counts: which tickets it holds and has sold is not known here.

mod prices;

use std::collections::HashMap;

use async_trait::async_trait;
use onsale_shared::{id::PoolId, log::Version};
use sqlx::PgConnection;

pub(crate) use prices::{Cause, PriceChange, changes_by_time};

use super::{ApplyError, Blocked, Entry, Projection, Projector, Table};
use crate::{pool::Pool, read_models::history};

/// The projection `history`.
pub(crate) static HISTORY: Projection = Projection {
    name: "history",
    version: 1,
    tables_sql: include_str!("../read_models/history/tables.sql"),
    indexes_sql: include_str!("../read_models/history/indexes.sql"),
    tables: &[
        Table {
            name: "pool_states",
            key: "pool",
        },
        Table {
            name: "pool_history",
            key: "pool,version",
        },
        Table {
            name: "price_changes",
            key: "pool,time,position,ordinal",
        },
    ],
    projector: || Box::new(HistoryProjector::default()),
};

/// A pool is kept as it was at version 1 and at every version that this divides; so what it was at any version is at most
/// as many events away.
pub(crate) const KEPT_EVERY: u32 = 1_000;

/// The most pools that are remembered; one that is not is read from its table.
const POOLS_MAX: usize = 20_000;

/// Remembers what the tables say of the pools that had events of late.
#[derive(Debug, Default)]
struct HistoryProjector {
    pools: HashMap<PoolId, Remembered>,
    /// Numbers the batches.
    batch: u64,
}

#[derive(Debug)]
struct Remembered {
    pool: Pool,
    /// The last batch that changed it.
    batch: u64,
}

/// What a batch writes.
#[derive(Debug, Default)]
struct Written {
    changed: Vec<PoolId>,
    kept: Vec<Pool>,
    prices: Vec<PriceChange>,
}

#[async_trait]
impl Projector for HistoryProjector {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        if self.pools.len() > POOLS_MAX {
            self.pools.clear();
        }
        let missing = self.missing(entries);
        for pool in history::states(connection, &missing).await? {
            self.remember(pool);
        }
        let written = self.fold(entries)?;
        let states: Vec<&Pool> = written
            .changed
            .iter()
            .filter_map(|id| self.pools.get(id))
            .map(|remembered| &remembered.pool)
            .collect();
        history::write_states(connection, &states).await?;
        history::write_kept(connection, &written.kept).await?;
        history::write_prices(connection, &written.prices).await?;
        Ok(())
    }

    fn forget(&mut self) {
        self.pools.clear();
    }
}

impl HistoryProjector {
    /// The pools of a batch that are not remembered, each once.
    fn missing<'a>(&self, entries: &[&'a Entry]) -> Vec<&'a PoolId> {
        let pools = entries.iter().filter_map(|entry| entry.pool.as_ref());
        let mut missing: Vec<_> = pools
            .filter(|pool| !self.pools.contains_key(*pool))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    fn remember(&mut self, pool: Pool) {
        let id = pool.id.clone();
        self.pools.insert(id, Remembered { pool, batch: 0 });
    }

    fn fold(&mut self, entries: &[&Entry]) -> Result<Written, Blocked> {
        self.batch += 1;
        let mut written = Written::default();
        for entry in entries {
            let Some(id) = &entry.pool else { continue };
            if !self.pools.contains_key(id) {
                self.remember(Pool::unknown(id.clone(), entry.event.time));
            }
            let Some(remembered) = self.pools.get_mut(id) else {
                continue;
            };
            let pool = &mut remembered.pool;
            if entry.event.version != pool.version.next() {
                return Err(not_next(entry, pool.version));
            }
            let fact = entry.fact()?;
            prices::follow(pool, &entry.event, fact, &mut written.prices);
            if is_kept(pool.version) {
                written.kept.push(pool.clone());
            }
            if remembered.batch != self.batch {
                remembered.batch = self.batch;
                written.changed.push(id.clone());
            }
        }
        Ok(written)
    }
}

/// Whether `pool_history` has a pool of this version.
fn is_kept(version: Version) -> bool {
    version == Version::START.next() || version.get() % i64::from(KEPT_EVERY) == 0
}

fn not_next(entry: &Entry, known: Version) -> Blocked {
    Blocked {
        position: entry.event.position,
        reason: format!(
            "it is version {} of {}, which the tables have at version {known}",
            entry.event.version, entry.event.stream
        ),
    }
}

#[cfg(test)]
mod tests;
