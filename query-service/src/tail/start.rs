//! Where memory starts from: the rows of the read model and their checkpoint, of one snapshot. An outage is waited for. It
//! starts again when other tables are live: they were built anew, perhaps since the ones that memory comes from were wrong.

use std::sync::Arc;

use onsale_shared::log::{Position, ReadError};

use super::{Backoff, Sources, TailStopped};
use crate::{
    availability::{Fold, FoldError, Hub, Progress},
    pool::Pool,
    projections::pools::POOLS,
    read_models::{
        is_unreadable,
        pools::{self, Loaded},
    },
};

/// How many events are read at once to bring tables to where memory is.
const PAGE_EVENTS: usize = 1_000;

/// A fold to go on with, and what it has to reach before memory may be believed.
pub(super) struct Started {
    pub(super) fold: Fold,
    pub(super) head: Position,
}

/// Whether memory comes from other tables than those that are live. Tables of another version than this program are not
/// read: memory goes on with what it has.
pub(super) fn is_due(sources: &Sources, hub: &Hub) -> bool {
    let live = sources.board.get(POOLS.name);
    live.version == POOLS.version && live.generation > hub.generation()
}

/// Loads memory and publishes what is new of it. Memory does not go back: older tables are brought to where it is before.
/// (A pool that only the old tables had, and the log never, stays.)
pub(super) async fn start(sources: &Sources, hub: &Hub) -> Result<Started, TailStopped> {
    let mut backoff = Backoff::new();
    loop {
        let error = match attempt(sources, hub.progress().position).await {
            Ok((started, progress, generation)) => {
                let is_new = |pool: &&Arc<Pool>| {
                    let known = hub.get(&pool.id);
                    known.is_none_or(|(known, _)| known != **pool)
                };
                let new: Vec<_> = started.fold.pools().filter(is_new).cloned().collect();
                tracing::info!(
                    pools = started.fold.pools().count(),
                    new = new.len(),
                    position = progress.position.get(),
                    head = started.head.get(),
                    generation,
                    "memory is loaded"
                );
                hub.publish(new, progress);
                // Whoever writes these tables from memory may do so from here on.
                hub.come_from(generation);
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

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Passing(error.into())
    }
}

impl From<FoldError> for Failure {
    fn from(error: FoldError) -> Self {
        Self::Final(error.into())
    }
}

/// The tables, at `reached` or further.
async fn attempt(
    sources: &Sources,
    reached: Position,
) -> Result<(Started, Progress, i32), Failure> {
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
    let head = sources.log.head().await?.position;
    if progress.position > head {
        return Err(Failure::Final(TailStopped::AheadOfLog {
            checkpoint: progress.position,
            head,
        }));
    }
    let mut fold = Fold::resume(progress.position, pools.into_iter().map(Arc::new));
    while fold.position() < reached {
        let page = sources.log.read(fold.position(), PAGE_EVENTS).await?;
        for event in page.iter().filter(|event| event.position <= reached) {
            fold.apply(event)?;
        }
        if page.is_empty() {
            return Err(Failure::Final(TailStopped::AheadOfLog {
                checkpoint: reached,
                head,
            }));
        }
    }
    let progress = Progress {
        position: fold.position(),
        ..progress
    };
    Ok((Started { fold, head }, progress, generation))
}
