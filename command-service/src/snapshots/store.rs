//! The table of snapshots: at most one for each pool, the newest.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use onsale_shared::{
    id::{EventId, PoolId},
    log::Version,
    time::Timestamp,
};
use sqlx::{PgPool, Row as _, postgres::PgRow};

use crate::domain::snapshot::{Damaged, STATE_VERSION, Snapshot, Unwritable};

/// How long an answer, or the next piece of one, may take: a network that swallows it must not keep a pool from being loaded.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Writing may take longer, by as much as its bytes take at this rate: 60 MB were seen to take 2.7 s beside sales that
/// used every core, and a snapshot that is always late would never be.
const WRITTEN_PER_SECOND_MIN: usize = 4 * 1024 * 1024;
/// A snapshot has at most so many bytes in each of its parts: PostgreSQL takes a value of 1 GiB, message and all.
const BYTES_MAX: usize = 512 * 1024 * 1024;
/// Bytes come in pieces of so many: one large value would be in memory several times at either end.
const PIECE_BYTES: i32 = 1024 * 1024;

/// The table.
#[derive(Clone, Debug)]
pub struct Store {
    database: PgPool,
}

/// What a snapshot is of, without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The layout of the bytes; see [`STATE_VERSION`].
    pub state_version: i32,
    /// Of the last event folded.
    pub version: Version,
    /// That event's id.
    pub last_event: EventId,
    /// See [`Snapshot::recent_until`].
    pub recent_until: Timestamp,
}

/// Bytes that are read on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What counts as long as the pool is there.
    Lasting,
    /// Claims that are over.
    Claims,
    /// Commands.
    Requests,
}

/// Sorted before they are cut, so that no piece is in memory before its turn.
macro_rules! pieces_of {
    ($bytes:literal, $crc:literal) => {
        concat!(
            "WITH part AS NOT MATERIALIZED (SELECT ",
            $bytes,
            " AS bytes, ",
            $crc,
            " AS crc FROM onsale_command.snapshots \
                WHERE pool = $1 AND state_version = $2 AND version = $3 AND last_event = $4), \
              pieces AS NOT MATERIALIZED (SELECT bytes, crc, start \
                 FROM part, generate_series(1, greatest(1, octet_length(bytes)), $5) AS start ORDER BY start) \
             SELECT crc, octet_length(bytes) AS size, substring(bytes FROM start FOR $5) AS piece FROM pieces"
        )
    };
}

impl Part {
    const fn pieces(self) -> &'static str {
        match self {
            Self::Lasting => pieces_of!("lasting", "lasting_crc"),
            Self::Claims => pieces_of!("recent", "recent_crc"),
            Self::Requests => pieces_of!("requests", "requests_crc"),
        }
    }
}

/// Why there is no snapshot to be had.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the table of snapshots cannot be used")]
    Database(#[from] sqlx::Error),
    /// It took too long.
    #[error("the table of snapshots did not answer in time")]
    Late,
    /// The bytes are not what was written.
    #[error("the checksum is {found:08x} instead of {expected:08x}")]
    Checksum {
        /// What was written down.
        expected: i64,
        /// What the bytes give.
        found: i64,
    },
    /// The bytes cannot be read.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The state cannot be written.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// The state is too large.
    #[error("{0} bytes are too many for a snapshot")]
    TooLarge(usize),
}

impl Store {
    /// The table in a database that is migrated.
    #[must_use]
    pub const fn new(database: PgPool) -> Self {
        Self { database }
    }

    /// What the snapshot of a pool is of, if there is one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn header(&self, pool: &PoolId) -> Result<Option<Header>, StoreError> {
        let query = sqlx::query(
            "SELECT pool, state_version, version, last_event, recent_until \
               FROM onsale_command.snapshots WHERE pool = $1",
        );
        let row = in_time(query.bind(pool.as_str()).fetch_optional(&self.database)).await?;
        Ok(row.as_ref().map(header).transpose()?)
    }

    /// All pools that have a snapshot, by name, and what it is of.
    ///
    /// # Errors
    /// The database failed.
    pub async fn headers(&self) -> Result<Vec<(PoolId, Header)>, StoreError> {
        let query = sqlx::query(
            "SELECT pool, state_version, version, last_event, recent_until \
               FROM onsale_command.snapshots ORDER BY pool",
        );
        let rows = in_time(query.fetch_all(&self.database)).await?;
        let named = rows.iter().filter_map(|row| {
            let pool = row.try_get("pool").map(PoolId::parse);
            let pool = pool.ok()?.ok()?;
            Some(header(row).map(|header| (pool, header)))
        });
        Ok(named.collect::<Result<_, _>>()?)
    }

    /// Bytes of the snapshot that a header tells of; none if another one has taken its place.
    ///
    /// # Errors
    /// The database failed, or the bytes are not what was written.
    pub async fn bytes(
        &self,
        pool: &PoolId,
        header: &Header,
        part: Part,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut bytes = Vec::new();
        let take = |piece: &[u8], size: usize| {
            bytes.reserve_exact(size.saturating_sub(bytes.len()));
            bytes.extend_from_slice(piece);
        };
        let is_there = self.pieces(pool, header, part, take).await?;
        Ok(is_there.then_some(bytes))
    }

    /// As [`bytes`](Self::bytes), which `take` gets in pieces, with the size of them all, before it is known whether they
    /// are what was written. Whether they are there.
    ///
    /// # Errors
    /// The database failed, or the bytes are not what was written.
    pub async fn pieces(
        &self,
        pool: &PoolId,
        header: &Header,
        part: Part,
        mut take: impl FnMut(&[u8], usize) + Send,
    ) -> Result<bool, StoreError> {
        let mut rows = sqlx::query(part.pieces())
            .bind(pool.as_str())
            .bind(header.state_version)
            .bind(header.version.get())
            .bind(header.last_event.0)
            .bind(PIECE_BYTES)
            .fetch(&self.database);
        let mut checksum = crc32fast::Hasher::new();
        let mut expected = None;
        while let Some(row) = in_time(rows.try_next()).await? {
            expected = Some(row.try_get("crc")?);
            let size = usize::try_from(row.try_get::<i32, _>("size")?);
            let piece = row.try_get("piece")?;
            checksum.update(piece);
            take(piece, size.unwrap_or_default().min(BYTES_MAX));
        }
        let found = checksum.finalize().into();
        match expected {
            Some(expected) if expected != found => Err(StoreError::Checksum { expected, found }),
            expected => Ok(expected.is_some()),
        }
    }

    /// Keeps a snapshot instead of the one that the pool has, unless that one is newer. `last_event` is the id of the
    /// last event folded.
    ///
    /// # Errors
    /// The database failed, or the snapshot is too large.
    pub async fn write(
        &self,
        pool: &PoolId,
        snapshot: Snapshot,
        last_event: EventId,
    ) -> Result<(), StoreError> {
        let parts = [&snapshot.lasting, &snapshot.claims, &snapshot.requests];
        if let Some(bytes) = parts.iter().find(|bytes| bytes.len() > BYTES_MAX) {
            return Err(StoreError::TooLarge(bytes.len()));
        }
        let limit = time_to_write(parts.iter().map(|bytes| bytes.len()).sum());
        let checksums = parts.map(|bytes| i64::from(crc32fast::hash(bytes)));
        let query = sqlx::query(
            "INSERT INTO onsale_command.snapshots AS s (pool, state_version, version, last_event, \
                    lasting, lasting_crc, recent, recent_crc, requests, requests_crc, recent_until) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (pool) DO UPDATE SET (state_version, version, last_event, \
                    lasting, lasting_crc, recent, recent_crc, requests, requests_crc, recent_until, taken_at) = \
                (excluded.state_version, excluded.version, excluded.last_event, excluded.lasting, excluded.lasting_crc, \
                 excluded.recent, excluded.recent_crc, excluded.requests, excluded.requests_crc, \
                 excluded.recent_until, clock_timestamp()) \
              WHERE s.version < excluded.version OR s.state_version <> excluded.state_version",
        )
        .bind(pool.as_str())
        .bind(STATE_VERSION)
        .bind(snapshot.version.get())
        .bind(last_event.0)
        .bind(snapshot.lasting)
        .bind(checksums[0])
        .bind(snapshot.claims)
        .bind(checksums[1])
        .bind(snapshot.requests)
        .bind(checksums[2])
        .bind(snapshot.recent_until.to_utc());
        let writing = async {
            let mut transaction = self.database.begin().await?;
            // The session gives up statements sooner.
            sqlx::query("SELECT set_config('statement_timeout', $1, true)")
                .bind(limit.as_millis().to_string())
                .execute(&mut *transaction)
                .await?;
            query.execute(&mut *transaction).await?;
            transaction.commit().await
        };
        within(limit, writing).await
    }

    /// Removes the snapshot that a header tells of.
    ///
    /// # Errors
    /// The database failed.
    pub async fn remove(&self, pool: &PoolId, header: &Header) -> Result<(), StoreError> {
        let query = sqlx::query(
            "DELETE FROM onsale_command.snapshots WHERE pool = $1 AND version = $2 AND last_event = $3",
        )
        .bind(pool.as_str())
        .bind(header.version.get())
        .bind(header.last_event.0);
        in_time(query.execute(&self.database)).await?;
        Ok(())
    }
}

fn header(row: &PgRow) -> Result<Header, sqlx::Error> {
    let recent_until: DateTime<Utc> = row.try_get("recent_until")?;
    Ok(Header {
        state_version: row.try_get("state_version")?,
        version: Version::new(row.try_get("version")?).unwrap_or_default(),
        last_event: EventId(row.try_get("last_event")?),
        recent_until: recent_until.into(),
    })
}

/// How long writing so many bytes may take.
fn time_to_write(bytes: usize) -> Duration {
    let seconds = bytes / WRITTEN_PER_SECOND_MIN;
    TIMEOUT + Duration::from_secs(seconds.try_into().unwrap_or(u64::MAX))
}

/// What takes too long has failed.
async fn in_time<T>(asking: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    within(TIMEOUT, asking).await
}

async fn within<T>(
    limit: Duration,
    asking: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, asking).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(StoreError::Late),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_states_have_more_time_to_be_written() {
        assert_eq!(time_to_write(1_000), TIMEOUT);
        assert_eq!(time_to_write(60 << 20), Duration::from_secs(20));
        assert_eq!(time_to_write(3 * BYTES_MAX), Duration::from_secs(5 + 384));
    }
}
