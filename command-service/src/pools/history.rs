//! Reading a pool's state from the log.

use onsale_shared::{
    event::{Metadata, PoolEvent},
    id::PoolId,
    log::{EventLog, LockedLog, ReadError, RecordedEvent, StreamName, Version},
    time::Timestamp,
};

use super::pace::Pace;
use crate::{
    domain::{Entry, Pool},
    metrics::pool_corrupted,
    snapshots::{Snapshots, restore::Restored},
};

/// Events a page when a pool is read.
pub(crate) const PAGE_EVENTS: usize = 1_000;
/// So many pages are read at most while the log's lock is held: everybody who appends waits for it.
const LOCKED_PAGES_MAX: usize = 2;
/// Events of the first page: a stream that is no longer needs no snapshot.
const FIRST_PAGE_EVENTS: usize = 200;

/// The pool of a stream, from its snapshot if it is long, and the version of that.
pub(super) async fn load(
    log: &dyn EventLog,
    snapshots: Option<&Snapshots>,
    id: &PoolId,
) -> Result<Restored, ReadError> {
    let stream = StreamName::of_pool(id);
    let pace = Pace::at_once();
    let mut pool = Pool::default();
    let page = log
        .read_stream(&stream, Version::START, FIRST_PAGE_EVENTS)
        .await?;
    fold(&mut pool, &page);
    let mut loaded = Restored {
        pool,
        snapshot: Version::START,
    };
    if page.len() < FIRST_PAGE_EVENTS {
        return Ok(loaded);
    }
    if let Some(snapshots) = snapshots
        && let Some(restored) = snapshots.restore(log, id, &pace).await
    {
        loaded = restored;
    }
    loaded.pool = follow(log, &stream, loaded.pool, None, &pace).await?;
    Ok(loaded)
}

/// Folds what the stream has after the pool's version: until a version at least, or to its end. A page is folded while the
/// next one is on its way.
pub(crate) async fn follow(
    log: &dyn EventLog,
    stream: &StreamName,
    mut pool: Pool,
    until: Option<Version>,
    pace: &Pace,
) -> Result<Pool, ReadError> {
    let mut page = log.read_stream(stream, pool.version(), PAGE_EVENTS).await?;
    loop {
        let last = page.last().map(|event| event.version);
        let is_full = page.len() == PAGE_EVENTS;
        let folding = pace.aside.spawn_blocking(move || {
            fold(&mut pool, &page);
            pool
        });
        let next = match last {
            Some(last) if is_full && until.is_none_or(|until| last < until) => {
                Some(log.read_stream(stream, last, PAGE_EVENTS).await?)
            }
            _ => None,
        };
        pool = folding.await.map_err(|ended| ReadError::Unavailable {
            during: "folding a pool's events",
            source: ended.into(),
        })?;
        match next {
            Some(next) => {
                page = next;
                pace.rest().await;
            }
            None => return Ok(pool),
        }
    }
}

/// Folds what the stream has after the pool's version, to its end at some moment.
pub(super) async fn catch_up(
    log: &dyn EventLog,
    stream: &StreamName,
    pool: &mut Pool,
) -> Result<(), ReadError> {
    loop {
        let page = log.read_stream(stream, pool.version(), PAGE_EVENTS).await?;
        fold(pool, &page);
        if page.len() < PAGE_EVENTS {
            return Ok(());
        }
    }
}

/// As [`catch_up`], while nobody else can append. How many appends have written to the stream since the lock was asked
/// for; none if there is more to read than others should wait for.
pub(super) async fn catch_up_locked(
    log: &mut dyn LockedLog,
    stream: &StreamName,
    pool: &mut Pool,
) -> Result<Option<u32>, ReadError> {
    let (mut appends, mut last) = (0, log.asked_at());
    for _ in 0..LOCKED_PAGES_MAX {
        let page = log.read_stream(stream, pool.version(), PAGE_EVENTS).await?;
        fold(pool, &page);
        appends += appends_after(&mut last, &page);
        if page.len() < PAGE_EVENTS {
            return Ok(Some(appends));
        }
    }
    Ok(None)
}

/// How many appends wrote the events of a page, of those after `last`: the events of each were recorded at one moment.
pub(super) fn appends_after(last: &mut Timestamp, page: &[RecordedEvent]) -> u32 {
    let mut appends = 0;
    for event in page {
        if event.recorded_at > *last {
            *last = event.recorded_at;
            appends += 1;
        }
    }
    appends
}

/// What the stream has after a version: nothing, if a state of that version is complete.
pub(super) async fn probe(
    log: &dyn EventLog,
    stream: &StreamName,
    pool_version: Version,
) -> Result<Vec<RecordedEvent>, ReadError> {
    log.read_stream(stream, pool_version, PAGE_EVENTS).await
}

/// Folds a page of the log. An event that this version cannot read marks the pool as corrupted: it sells no more here.
pub(crate) fn fold(pool: &mut Pool, page: &[RecordedEvent]) {
    for recorded in page {
        let was_sound = pool.corrupted_at().is_none();
        match (recorded.decode(), recorded.metadata()) {
            (Ok(event), Ok(metadata)) => pool.evolve(&entry(recorded, &event, &metadata)),
            (Err(error), _) => {
                tracing::error!(error = &error as &dyn std::error::Error, event.id = %recorded.id, "an event cannot be read");
                pool.mark_corrupted(recorded.version);
            }
            (_, Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, event.id = %recorded.id, "an event's metadata cannot be read");
                pool.mark_corrupted(recorded.version);
            }
        }
        if was_sound && pool.corrupted_at().is_some() {
            pool_corrupted();
            tracing::error!(
                stream = %recorded.stream,
                event.id = %recorded.id,
                event.version = %recorded.version,
                "an event contradicts its pool: the pool sells no more until an operator has looked"
            );
        }
    }
}

/// An event of the log as a pool folds it.
#[must_use]
pub fn entry<'a>(
    recorded: &RecordedEvent,
    event: &'a PoolEvent,
    metadata: &'a Metadata,
) -> Entry<'a> {
    let command = metadata.command.as_ref();
    Entry {
        event,
        id: recorded.id,
        version: recorded.version,
        position: Some(recorded.position),
        time: recorded.time,
        request: metadata.request_id,
        command_hash: command.and_then(|command| command.command_hash),
        actor: command.map(|command| command.actor.as_str()),
    }
}
