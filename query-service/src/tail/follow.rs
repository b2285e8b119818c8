//! The log, page by page, into memory.

use std::{collections::HashSet, convert::Infallible, sync::Arc};

use onsale_shared::{
    log::{RecordedEvent, Tail, tail::Page},
    time::Timestamp,
};

use super::{
    Sources, TailStopped,
    start::{self, Started},
};
use crate::{
    availability::{Applied, Fold, FoldError, Hub, Progress},
    projections::Entry,
    readiness::{Announcer, Readiness},
};

/// Follows the log until it cannot be followed.
pub(super) async fn follow(
    sources: &Sources,
    started: Started,
    hub: &Hub,
    readiness: &Announcer,
) -> Result<Infallible, TailStopped> {
    let Started { mut fold, head } = started;
    let log = Arc::clone(&sources.log);
    let mut tail = Tail::new(log, fold.position(), sources.config);
    // Memory of other tables is loaded beside this, however long that takes: readers have what there is meanwhile.
    let (mut loading, mut is_loading) = (Box::pin(start::load(sources)), false);
    loop {
        let page = tokio::select! {
            page = tail.next_page() => page?,
            loaded = &mut loading, if is_loading => {
                fold = start::take_over(sources, loaded?, hub).await?.fold;
                tail = Tail::new(Arc::clone(&sources.log), fold.position(), sources.config);
                (loading, is_loading) = (Box::pin(start::load(sources)), false);
                continue;
            }
        };
        let page = Read::from(page);
        // Before memory is published: projections go on then, and need not read these events again.
        sources.pages.put(Arc::clone(&page.entries));
        fold_page(&mut fold, &page, hub)?;
        is_loading |= start::is_due(sources, hub);
        if fold.position() >= head && *readiness.borrow() == Readiness::Starting {
            readiness.send_replace(Readiness::Ready);
            tracing::info!(position = fold.position().get(), "memory follows the log");
        }
    }
}

/// A page as the tail has read it.
struct Read {
    entries: Arc<[Entry]>,
    time: Timestamp,
    last: bool,
}

impl From<Page> for Read {
    fn from(page: Page) -> Self {
        Self {
            entries: page.events.into_iter().map(Entry::new).collect(),
            time: page.time,
            last: page.last,
        }
    }
}

/// Folds and publishes a page; up to an event that stops the fold, since what is before it has happened.
fn fold_page(fold: &mut Fold, page: &Read, hub: &Hub) -> Result<(), FoldError> {
    let mut changed = HashSet::new();
    let folded = page.entries.iter().try_for_each(|entry| {
        if let Some(applied) = apply(fold, entry)? {
            report(&entry.event, &applied);
            changed.insert(applied.pool);
        }
        Ok(())
    });
    let changed = changed.iter().filter_map(|pool| fold.get(pool).cloned());
    if page.last && folded.is_ok() {
        hub.follow_clock(page.time);
    }
    hub.publish(changed, progress(fold, page));
    folded
}

/// Decoded here, an event needs no decoding by projections.
fn apply(fold: &mut Fold, entry: &Entry) -> Result<Option<Applied>, FoldError> {
    match (&entry.pool, entry.fact()) {
        (Some(pool), Ok(fact)) => fold.apply_fact(pool.clone(), &entry.event, fact).map(Some),
        // Not a pool's, or to be refused with the reason.
        _ => fold.apply(&entry.event),
    }
}

fn report(event: &RecordedEvent, applied: &Applied) {
    if let Some(contradiction) = applied.corrupted_by {
        tracing::error!(
            pool.id = %applied.pool,
            event.position = event.position.get(),
            event.version = event.version.get(),
            event.kind = event.kind,
            %contradiction,
            "an event contradicts its pool; the pool is marked as corrupted"
        );
    }
}

/// A last page includes all that was in the log when the look began; any other one what was recorded before its last
/// event.
fn progress(fold: &Fold, page: &Read) -> Progress {
    let position = fold.position();
    let folded = page
        .entries
        .iter()
        .map(|entry| &entry.event)
        .take_while(|event| event.position <= position);
    let (folded, last) = folded.fold((0, None), |(count, _), event| (count + 1, Some(event)));
    let time = match last {
        _ if page.last && folded == page.entries.len() => page.time,
        Some(last) => last.recorded_at.min(page.time),
        None => Timestamp::default(),
    };
    Progress { position, time }
}
