//! Makes snapshots in the background: the last one, and the events after it. One at a time, never for long in a row, and
//! on threads that give way, so that sales do not feel it. Two instances that do so at once are harmless: the newer
//! snapshot stays.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use onsale_shared::log::{EventLog, ReadError, StreamName, Version};
use tokio::{task::JoinError, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    Snapshots,
    background::Background,
    store::{Store, StoreError},
    waiting::Asked,
};
use crate::{
    domain::snapshot::{STATE_VERSION, Unwritable},
    pools::{history::follow, pace::Pace},
};

/// The taker rests so many times as long as it worked.
const REST: u32 = 9;
/// It rests so long after each page of events, and each piece of a large snapshot.
const PIECE_REST: Duration = Duration::from_millis(50);

/// Makes the snapshots that actors ask for, one at a time.
#[derive(Debug)]
pub struct Taker {
    log: Arc<dyn EventLog>,
    snapshots: Snapshots,
    background: Background,
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
    ///
    /// # Errors
    /// The system has no room for its threads.
    pub fn new(log: Arc<dyn EventLog>, store: Store, events: u32) -> io::Result<(Self, Snapshots)> {
        let snapshots = Snapshots::new(store, events);
        let taker = Self {
            log,
            snapshots: snapshots.clone(),
            background: Background::new()?,
        };
        Ok((taker, snapshots))
    }

    /// Takes snapshots until `stop`. What fails is said, and asked for again when the pool has gained more events.
    pub async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(async {
            if let Err(error) = self.snapshots.store.remove_abandoned(&self.pace()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "what was written of abandoned snapshots was not removed");
            }
            loop {
                let asked = self.snapshots.waiting.next().await;
                let (began, pace) = (Instant::now(), self.pace());
                if let Err(error) = Box::pin(self.take(&asked, &pace)).await {
                    tracing::warn!(pool = %asked.pool, error = &error as &dyn std::error::Error, "a snapshot was not taken");
                }
                sleep(began.elapsed().saturating_sub(pace.rested()) * REST).await;
            }
        })
        .await;
    }

    fn pace(&self) -> Pace {
        Pace::with_rests(self.background.handle(), PIECE_REST)
    }

    /// Takes a snapshot if it is worth it.
    async fn take(&self, asked: &Asked, pace: &Pace) -> Result<(), NotTaken> {
        let Asked { pool: id, version } = asked;
        let (log, snapshots) = (self.log.as_ref(), &self.snapshots);
        let is_worth_it =
            |known: Version| version.distance_from(known) >= snapshots.events_at_rest();
        let known = snapshots.store.header(id).await?;
        let known = known.filter(|header| header.state_version == STATE_VERSION);
        if known.is_some_and(|header| !is_worth_it(header.version)) {
            return Ok(());
        }
        let restored = snapshots.restore(log, id, pace).await;
        let pool = restored.map(|restored| restored.pool).unwrap_or_default();
        let stream = StreamName::of_pool(id);
        let pool = follow(log, &stream, pool, Some(*version), pace).await?;
        // Its id goes with the snapshot.
        let before = Version::new(pool.version().get() - 1).unwrap_or_default();
        let Some(last_event) = log.read_stream(&stream, before, 1).await?.pop() else {
            return Ok(());
        };
        let writing = pace.aside.spawn_blocking(move || pool.to_snapshot());
        let Some(snapshot) = writing.await?? else {
            return Ok(());
        };
        snapshots
            .store
            .write(id, &snapshot, last_event.id, log.clock().now(), pace)
            .await?;
        let parts = [&snapshot.lasting, &snapshot.claims, &snapshot.requests];
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        tracing::info!(pool = %id, version = %snapshot.version, bytes, "snapshot taken");
        Ok(())
    }
}
