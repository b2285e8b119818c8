//! Snapshots: the state of a long stream at a version, so that its pool is loaded without all of its events. They follow
//! from the log, which stays whole; one that is missing, damaged or of another history costs time and nothing else.
//!
//! - [`store`]: their table.
//! - [`restore`]: a snapshot, checked against the log.
//! - `waiting`: pools of which one is to be made.
//! - `background`: threads that give way to those that serve.
//! - [`taker`]: makes them in the background from the last one and later events, never from an actor.

mod background;
pub mod restore;
pub mod store;
pub mod taker;
mod waiting;

pub use store::Store;
pub use taker::Taker;

use std::sync::Arc;

use onsale_shared::{id::PoolId, log::Version};
use tokio::sync::Semaphore;

use waiting::{Asked, Waiting};

/// So many pools are restored at once for their actors; a large state is in memory twice meanwhile.
const RESTORED_AT_ONCE_MAX: usize = 2;

/// What actors know of snapshots. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Snapshots {
    store: Store,
    /// A snapshot is worth its while after so many events.
    events: u32,
    restoring: Arc<Semaphore>,
    waiting: Arc<Waiting>,
}

impl Snapshots {
    /// For actors and the taker. A snapshot is worth its while after `events` events.
    fn new(store: Store, events: u32) -> Self {
        Self {
            store,
            events,
            restoring: Arc::new(Semaphore::new(RESTORED_AT_ONCE_MAX)),
            waiting: Arc::default(),
        }
    }

    /// After so many events a snapshot is worth its while.
    #[must_use]
    pub fn events(&self) -> i64 {
        self.events.into()
    }

    /// As [`events`](Self::events), for a pool that will not gain more for now.
    #[must_use]
    pub fn events_at_rest(&self) -> i64 {
        i64::from(self.events / 10).max(1)
    }

    /// Has a snapshot made of a pool that has come to a version; when there is time.
    pub fn ask(&self, pool: &PoolId, version: Version) {
        let pool = pool.clone();
        if !self.waiting.add(Asked { pool, version }) {
            tracing::debug!("too many pools wait for a snapshot");
        }
    }
}
