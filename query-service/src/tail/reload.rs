//! Memory as other tables have it: they were built anew, perhaps since the old ones, which memory comes from, were wrong.

use std::sync::Arc;

use onsale_shared::log::Position;

use super::{Sources, TailStopped};
use crate::{
    availability::{Fold, Hub},
    pool::Pool,
    projections::pools::POOLS,
    read_models::pools::{self, Loaded},
};

/// How many events are read at once.
const PAGE_EVENTS: usize = 1_000;

/// Whether memory comes from other tables than those that are live. Tables of another version than this program are not read:
/// memory goes on with what it has.
pub(super) fn is_due(sources: &Sources, hub: &Hub) -> bool {
    let live = sources.board.get(POOLS.name);
    live.version == POOLS.version && live.generation > hub.generation()
}

/// Loads the live tables, brings them to where memory is, and publishes what is different; the fold to go on with. None if it
/// cannot be had now: then it is due with the next page, too.
pub(super) async fn reload(
    sources: &Sources,
    memory: &Fold,
    hub: &Hub,
) -> Result<Option<Fold>, TailStopped> {
    let loaded = match load(sources, memory.position()).await {
        Ok(loaded) => loaded?,
        Err(error) => {
            tracing::warn!(
                error = &*error as &dyn std::error::Error,
                "memory cannot be loaded anew; trying again"
            );
            return Ok(None);
        }
    };
    let Some((fold, generation)) = loaded else {
        return Ok(None);
    };
    let differs = |pool: &&Arc<Pool>| memory.get(&pool.id) != Some(*pool);
    let different: Vec<_> = fold.pools().filter(differs).cloned().collect();
    tracing::info!(
        generation,
        position = fold.position().get(),
        different = different.len(),
        "memory is loaded anew: other tables of `pools` are live"
    );
    hub.publish(different, hub.progress());
    hub.come_from(generation);
    Ok(Some(fold))
}

type Passing = Box<dyn std::error::Error + Send + Sync>;

async fn load(
    sources: &Sources,
    position: Position,
) -> Result<Result<Option<(Fold, i32)>, TailStopped>, Passing> {
    let Loaded {
        progress,
        pools,
        generation,
    } = pools::load(&sources.database).await?;
    // Another replica writes them, and was faster.
    if progress.position > position {
        return Ok(Ok(None));
    }
    let mut fold = Fold::resume(progress.position, pools.into_iter().map(Arc::new));
    while fold.position() < position {
        let page = sources.log.read(fold.position(), PAGE_EVENTS).await?;
        for event in page.iter().filter(|event| event.position <= position) {
            if let Err(error) = fold.apply(event) {
                return Ok(Err(error.into()));
            }
        }
        if page.is_empty() {
            return Ok(Ok(None));
        }
    }
    Ok(Ok(Some((fold, generation))))
}
