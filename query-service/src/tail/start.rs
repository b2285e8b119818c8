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

/// Loads memory and publishes it.
pub(super) async fn start(sources: &Sources, hub: &Hub) -> Result<Started, TailStopped> {
    let loaded = load(sources).await?;
    take_over(sources, loaded, hub).await
}

/// Memory as the live tables have it, or an older cut of them; not published yet.
pub(super) struct FromTables {
    fold: Fold,
    head: Position,
    progress: Progress,
    generation: i32,
}

/// Loads the live tables, however often that has to be tried.
pub(super) async fn load(sources: &Sources) -> Result<FromTables, TailStopped> {
    let mut backoff = Backoff::new();
    loop {
        match from_tables(sources).await {
            Ok(loaded) => return Ok(loaded),
            Err(failure) => failure.pause(&mut backoff).await?,
        }
    }
}

/// Publishes what is new of memory. Memory does not go back: older tables are brought to where it is before. (A pool that
/// only the old tables had, and the log never, stays.)
pub(super) async fn take_over(
    sources: &Sources,
    mut loaded: FromTables,
    hub: &Hub,
) -> Result<Started, TailStopped> {
    let reached = hub.progress().position;
    let mut backoff = Backoff::new();
    while let Err(failure) = catch_up(sources, &mut loaded, reached).await {
        failure.pause(&mut backoff).await?;
    }
    let FromTables {
        fold,
        head,
        progress,
        generation,
    } = loaded;
    let progress = Progress {
        position: fold.position(),
        ..progress
    };
    let is_new = |pool: &&Arc<Pool>| {
        let known = hub.get(&pool.id);
        known.is_none_or(|(known, _)| known != **pool)
    };
    let new: Vec<_> = fold.pools().filter(is_new).cloned().collect();
    tracing::info!(
        pools = fold.pools().count(),
        new = new.len(),
        position = progress.position.get(),
        head = head.get(),
        generation,
        "memory is loaded"
    );
    hub.publish(new, progress);
    // Whoever writes these tables from memory may do so from here on.
    hub.come_from(generation);
    Ok(Started { fold, head })
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

impl Failure {
    /// Waits for the next attempt.
    async fn pause(self, backoff: &mut Backoff) -> Result<(), TailStopped> {
        let error = match self {
            Self::Final(stopped) => return Err(stopped),
            Self::Passing(error) => error,
        };
        if backoff.is_first() {
            tracing::warn!(
                error = &*error as &dyn std::error::Error,
                "memory cannot be loaded; trying again"
            );
        }
        backoff.pause().await;
        Ok(())
    }
}

async fn from_tables(sources: &Sources) -> Result<FromTables, Failure> {
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
    // Read, so that what the tables have can be told from another history later.
    let newest = sources.log.read_at(&[progress.position]).await?;
    if newest.is_empty() && progress.position > Position::START {
        return Err(Failure::Final(TailStopped::AheadOfLog {
            checkpoint: progress.position,
            head,
        }));
    }
    Ok(FromTables {
        fold: Fold::resume(progress.position, pools.into_iter().map(Arc::new)),
        head,
        progress,
        generation,
    })
}

/// Folds what the log has up to `reached`; may be gone on with after a failure.
async fn catch_up(
    sources: &Sources,
    loaded: &mut FromTables,
    reached: Position,
) -> Result<(), Failure> {
    let fold = &mut loaded.fold;
    while fold.position() < reached {
        let page = sources.log.read(fold.position(), PAGE_EVENTS).await?;
        for event in page.iter().filter(|event| event.position <= reached) {
            fold.apply(event)?;
        }
        if page.is_empty() {
            return Err(Failure::Final(TailStopped::AheadOfLog {
                checkpoint: reached,
                head: loaded.head,
            }));
        }
    }
    Ok(())
}
