//! A pool from its snapshot, if that belongs to the log's history.

use std::{sync::mpsc, time::Duration};

use onsale_shared::{
    id::PoolId,
    log::{EventLog, ReadError, RecordedEvent, StreamName, Version},
    time::Timestamp,
};

use super::{
    Snapshots,
    store::{Header, Part, SnapshotId, StoreError},
};
use crate::{
    domain::{Pool, snapshot::STATE_VERSION},
    pools::{
        history::{PAGE_EVENTS, fold},
        pace::Pace,
    },
};

/// What has just ceased to count is read all the same: an instance's clock may be a little behind the log's.
const CLOCK_MARGIN: Duration = Duration::from_secs(60);

/// So many snapshots are tried at most, each of which took the place of the one before while that was read.
const ATTEMPTS_MAX: usize = 3;

/// A pool as its snapshot tells, with the events of a page after it folded.
#[derive(Debug)]
pub struct Restored {
    /// The pool.
    pub pool: Pool,
    /// The version of the snapshot.
    pub snapshot: Version,
}

/// Why a snapshot is not used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it has the layout {0}, not {STATE_VERSION}")]
    Layout(i32),
    #[error("the log has another event at its version {0}, or none")]
    OtherHistory(Version),
    #[error("another one took its place meanwhile")]
    Replaced,
    #[error("some of its bytes are gone")]
    Incomplete,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the server is about to end")]
    Ending,
}

impl Snapshots {
    /// The pool from its snapshot, read at a pace; none if it has none that can be used, which is said.
    pub(crate) async fn restore(
        &self,
        log: &dyn EventLog,
        pool: &PoolId,
        pace: &Pace,
    ) -> Option<Restored> {
        match self.try_restore(log, pool, pace).await {
            Ok(restored) => restored,
            Err(unusable) => {
                tracing::warn!(%pool, error = &unusable as &dyn std::error::Error, "a snapshot is ignored: the pool is loaded from its events");
                None
            }
        }
    }

    async fn try_restore(
        &self,
        log: &dyn EventLog,
        pool: &PoolId,
        pace: &Pace,
    ) -> Result<Option<Restored>, Unusable> {
        let mut attempts = 0;
        let mut replaced: Option<SnapshotId> = None;
        loop {
            attempts += 1;
            let Some(header) = self.store.header(pool).await? else {
                return Ok(None);
            };
            if header.state_version != STATE_VERSION {
                return Err(Unusable::Layout(header.state_version));
            }
            let restored = match replaced.replace(header.id) {
                // Its bytes were not there the last time.
                Some(same) if same == header.id => Err(Unusable::Incomplete),
                Some(_) | None => self.restore_from(log, pool, &header, pace).await,
            };
            match &restored {
                Err(Unusable::Replaced) if attempts < ATTEMPTS_MAX => continue,
                Err(unusable) if unusable.is_for_good() => {
                    // So that another one can take its place.
                    self.store.remove(pool, &header).await?;
                }
                Err(_) | Ok(_) => {}
            }
            return restored.map(Some);
        }
    }

    async fn restore_from(
        &self,
        log: &dyn EventLog,
        pool: &PoolId,
        header: &Header,
        pace: &Pace,
    ) -> Result<Restored, Unusable> {
        // The snapshot's last event, and what came after it.
        let before = Version::new(header.version.get() - 1).unwrap_or_default();
        let stream = StreamName::of_pool(pool);
        let page = log.read_stream(&stream, before, PAGE_EVENTS).await?;
        if page.first().map(|event| event.id) != Some(header.last_event) {
            return Err(Unusable::OtherHistory(header.version));
        }
        let with_recent = counts(header, &page, log.clock().now());
        // Who rests meanwhile, the one taker, keeps nobody waiting who does not.
        let _turn = match pace.is_at_once() {
            true => self.restoring.acquire().await.ok(),
            false => None,
        };
        let lasting = self.bytes(header, Part::Lasting, pace).await?;
        // Aside, since it takes as long as it takes: this thread serves others. What is read meanwhile is not more than
        // a snapshot may have.
        let (pieces, coming) = mpsc::channel();
        let reading = pace.aside.spawn_blocking(move || {
            let mut pool = Pool::from_snapshot(&lasting)?;
            pool.recall_claims(&coming)?;
            Ok(pool)
        });
        let requests = if with_recent {
            Some(self.recent(header, pieces, pace).await?)
        } else {
            drop(pieces);
            None
        };
        let read = reading.await.map_err(|_ended| Unusable::Ending)?;
        let mut pool = read.map_err(StoreError::Damaged)?;
        let folding = pace.aside.spawn_blocking(move || {
            if let Some(requests) = requests {
                pool.recall_requests(requests.into())?;
            }
            fold(&mut pool, &page[1..]);
            Ok(pool)
        });
        let folded = folding.await.map_err(|_ended| Unusable::Ending)?;
        Ok(Restored {
            pool: folded.map_err(StoreError::Damaged)?,
            snapshot: header.version,
        })
    }

    /// Sends what comes of the claims that are over, and returns the commands.
    async fn recent(
        &self,
        header: &Header,
        claims: mpsc::Sender<Vec<u8>>,
        pace: &Pace,
    ) -> Result<Vec<u8>, Unusable> {
        // Who reads them may have ended, since they make no sense: then the checksum is not right either.
        let send = move |piece: &[u8]| drop(claims.send(piece.to_vec()));
        let are_there = self.store.pieces(header, Part::Claims, pace, send).await?;
        if !are_there {
            return Err(Unusable::Replaced);
        }
        self.bytes(header, Part::Requests, pace).await
    }

    async fn bytes(&self, header: &Header, part: Part, pace: &Pace) -> Result<Vec<u8>, Unusable> {
        let bytes = self.store.bytes(header, part, pace).await?;
        bytes.ok_or(Unusable::Replaced)
    }
}

impl Unusable {
    /// Whether this snapshot will never be of use.
    const fn is_for_good(&self) -> bool {
        match self {
            Self::OtherHistory(_)
            | Self::Incomplete
            | Self::Store(StoreError::Checksum { .. } | StoreError::Damaged(_)) => true,
            // The table failed, not what is in it; or a program of another version may use it.
            Self::Layout(_) | Self::Replaced | Self::Store(_) | Self::Read(_) | Self::Ending => {
                false
            }
        }
    }
}

/// Whether what is remembered for a while can still count: now, or when the first of the later events was decided.
fn counts(header: &Header, page: &[RecordedEvent], now: Timestamp) -> bool {
    let later = page.get(1).map_or(now, |event| event.time.min(now));
    later <= header.recent_until.plus(CLOCK_MARGIN)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::commands::testing::{event_id, minute};
    use crate::snapshots::store::Written;
    use onsale_shared::log::Position;

    #[test]
    fn what_is_remembered_for_a_while_counts_now_or_for_a_later_event() {
        let header = Header {
            id: SnapshotId::from(Uuid::nil()),
            state_version: STATE_VERSION,
            version: Version::new(7).unwrap_or_default(),
            last_event: event_id(7),
            written: [Written::default(); 3],
            recent_until: minute(100),
        };
        let decided = |minutes| RecordedEvent {
            position: Position::START,
            stream: StreamName::from("pools/a-pool"),
            version: header.version,
            id: event_id(7),
            kind: String::new(),
            schema: 1,
            time: minute(minutes),
            data: String::new(),
            metadata: String::new(),
            recorded_at: minute(minutes),
        };
        let last = decided(5);
        for (later, now, expected) in [
            (None, 100, true),
            (None, 101, true),
            (None, 102, false),
            // Paid late, perhaps: what it was paid for must be known.
            (Some(50), 200, true),
            (Some(150), 200, false),
        ] {
            let page: Vec<_> = [last.clone()]
                .into_iter()
                .chain(later.map(decided))
                .collect();
            let counts = counts(&header, &page, minute(now));
            assert_eq!(counts, expected, "{later:?} at {now}");
        }
    }
}
