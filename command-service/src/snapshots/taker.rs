//! Makes snapshots in the background: the last one, and the events after it. One at a time, and never for long in a row,
//! so that sales do not feel it. Two instances that do so at once are harmless: the newer snapshot stays.

use std::{sync::Arc, time::Instant};

use onsale_shared::{
    id::{EventId, PoolId},
    log::{EventLog, ReadError, StreamName, Version},
};
use tokio::{sync::mpsc, task::JoinError, task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    Asked, Snapshots,
    store::{Store, StoreError},
};
use crate::{
    domain::{
        Pool,
        snapshot::{STATE_VERSION, Unwritable},
    },
    pools::history::{PAGE_EVENTS, fold},
};

/// The taker rests so many times as long as it worked.
const REST: u32 = 9;

/// See the module.
#[derive(Debug)]
pub struct Taker {
    log: Arc<dyn EventLog>,
    snapshots: Snapshots,
    asked: mpsc::Receiver<Asked>,
}

/// Why a snapshot was not taken.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    #[error("the fold did not end")]
    Ended(#[from] JoinError),
}

impl Taker {
    /// A taker, and how actors ask for snapshots and use them. One is worth its while after `events` events.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, store: Store, events: u32) -> (Self, Snapshots) {
        let (snapshots, asked) = Snapshots::new(store, events);
        let taker = Self {
            log,
            snapshots: snapshots.clone(),
            asked,
        };
        (taker, snapshots)
    }

    /// Takes snapshots until `stop`. What fails is said, and asked for again when the pool has gained more events.
    pub async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = async {
                while let Some(asked) = self.asked.recv().await {
                    let began = Instant::now();
                    if let Err(error) = self.take(&asked).await {
                        tracing::warn!(pool = %asked.pool, error = &error as &dyn std::error::Error, "a snapshot was not taken");
                    }
                    sleep(began.elapsed() * REST).await;
                }
            } => {}
        }
    }

    async fn take(&self, asked: &Asked) -> Result<(), NotTaken> {
        let Asked { pool: id, version } = asked;
        let (log, snapshots) = (self.log.as_ref(), &self.snapshots);
        let is_worth_it =
            |known: Version| version.distance_from(known) >= snapshots.events_at_rest();
        let known = snapshots.store.header(id).await?;
        let known = known.filter(|header| header.state_version == STATE_VERSION);
        if known.is_some_and(|header| !is_worth_it(header.version)) {
            return Ok(());
        }
        let restored = snapshots.restore(log, id).await;
        let pool = restored.map(|restored| restored.pool).unwrap_or_default();
        let Some((pool, last_event)) = self.fold_until(id, pool, *version).await? else {
            return Ok(());
        };
        let Some(snapshot) = spawn_blocking(move || pool.to_snapshot()).await?? else {
            return Ok(());
        };
        let parts = [&snapshot.lasting, &snapshot.claims, &snapshot.requests];
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let version = snapshot.version;
        snapshots.store.write(id, snapshot, last_event).await?;
        tracing::info!(pool = %id, %version, bytes, "snapshot taken");
        Ok(())
    }

    /// Folds what the log has up to a version at least; none if it has nothing. Pages are folded aside: this thread
    /// serves others.
    async fn fold_until(
        &self,
        id: &PoolId,
        mut pool: Pool,
        version: Version,
    ) -> Result<Option<(Pool, EventId)>, NotTaken> {
        let stream = StreamName::of_pool(id);
        let mut last_event = None;
        loop {
            // The last event is read once more at first: its id goes with the snapshot.
            let after = match last_event {
                Some(_) => pool.version(),
                None => Version::new(pool.version().get() - 1).unwrap_or_default(),
            };
            let page = self.log.read_stream(&stream, after, PAGE_EVENTS).await?;
            last_event = page.last().map(|event| event.id).or(last_event);
            let is_last = page.len() < PAGE_EVENTS;
            pool = spawn_blocking(move || {
                let known = pool.version();
                let new = page.partition_point(|event| event.version <= known);
                fold(&mut pool, &page[new..]);
                pool
            })
            .await?;
            if is_last || pool.version() >= version {
                return Ok(last_event.map(|last_event| (pool, last_event)));
            }
        }
    }
}
