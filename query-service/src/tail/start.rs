//! Where memory starts from: the rows of the read model and their checkpoint, of one snapshot. An outage is waited for.

use std::sync::Arc;

use onsale_shared::log::Position;

use super::{Backoff, Sources, TailStopped};
use crate::{
    availability::{Fold, Hub, Progress},
    read_models::{
        is_unreadable,
        pools::{self, Loaded},
    },
};

/// A fold to go on with, and what it has to reach before memory may be believed.
pub(super) struct Started {
    pub(super) fold: Fold,
    pub(super) head: Position,
}

/// Loads memory and publishes it.
pub(super) async fn start(sources: &Sources, hub: &Hub) -> Result<Started, TailStopped> {
    let mut backoff = Backoff::new();
    loop {
        let error = match attempt(sources).await {
            Ok((started, progress, generation)) => {
                hub.come_from(generation);
                hub.publish(started.fold.pools().cloned(), progress);
                return Ok(started);
            }
            Err(Failure::Final(stopped)) => return Err(stopped),
            Err(Failure::Passing(error)) => error,
        };
        if backoff.is_first() {
            tracing::warn!(
                error = &*error as &dyn std::error::Error,
                "memory cannot be loaded; trying again"
            );
        }
        backoff.pause().await;
    }
}

enum Failure {
    Passing(Box<dyn std::error::Error + Send + Sync>),
    Final(TailStopped),
}

async fn attempt(sources: &Sources) -> Result<(Started, Progress, i32), Failure> {
    let loaded = pools::load(&sources.database).await;
    let Loaded {
        progress,
        pools,
        generation,
    } = loaded.map_err(|error| {
        if is_unreadable(&error) {
            Failure::Final(TailStopped::ReadModel(error))
        } else {
            Failure::Passing(error.into())
        }
    })?;
    let head = sources.log.head().await;
    let head = head
        .map_err(|error| Failure::Passing(error.into()))?
        .position;
    if progress.position > head {
        return Err(Failure::Final(TailStopped::AheadOfLog {
            checkpoint: progress.position,
            head,
        }));
    }
    tracing::info!(
        pools = pools.len(),
        position = progress.position.get(),
        head = head.get(),
        "memory is loaded"
    );
    let fold = Fold::resume(progress.position, pools.into_iter().map(Arc::new));
    Ok((Started { fold, head }, progress, generation))
}
