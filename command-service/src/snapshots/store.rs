//! The tables of snapshots: what each is of, at most one for each pool and layout, the newest; and its bytes.

mod pieces;
mod writing;

use std::time::Duration;

use chrono::{DateTime, Utc};
use onsale_shared::{
    id::{EventId, PoolId},
    log::Version,
    time::Timestamp,
};
use sqlx::{PgPool, Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::domain::snapshot::{Damaged, STATE_VERSION, Unwritable};

/// How long an answer, or the next piece of one, may take: a network that swallows it must not keep a pool from being loaded.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A snapshot has at most so many bytes in each of its parts: they are in memory at once when the pool is loaded.
const BYTES_MAX: usize = 512 * 1024 * 1024;

/// The tables.
#[derive(Clone, Debug)]
pub struct Store {
    database: PgPool,
}

/// A snapshot, whose pieces are its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotId(Uuid);

impl From<Uuid> for SnapshotId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

/// What a snapshot is of, without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which snapshot it is.
    pub id: SnapshotId,
    /// The layout of the bytes; see [`STATE_VERSION`].
    pub state_version: i32,
    /// Of the last event folded.
    pub version: Version,
    /// That event's id.
    pub last_event: EventId,
    /// How its bytes were written, in the order of [`Part::ALL`].
    pub written: [Written; 3],
    /// See [`Snapshot::recent_until`](crate::domain::snapshot::Snapshot::recent_until).
    pub recent_until: Timestamp,
}

/// What the bytes of a part have to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// How many there are.
    pub size: usize,
    /// Their CRC-32.
    pub crc: u32,
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

impl Part {
    /// All of a snapshot.
    pub const ALL: [Self; 3] = [Self::Lasting, Self::Claims, Self::Requests];

    const fn name(self) -> &'static str {
        match self {
            Self::Lasting => "lasting",
            Self::Claims => "claims",
            Self::Requests => "requests",
        }
    }
}

impl Header {
    const fn written(&self, part: Part) -> Written {
        let [lasting, claims, requests] = self.written;
        match part {
            Part::Lasting => lasting,
            Part::Claims => claims,
            Part::Requests => requests,
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
        expected: u32,
        /// What the bytes give.
        found: u32,
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
    /// The tables in a database that is migrated.
    #[must_use]
    pub const fn new(database: PgPool) -> Self {
        Self { database }
    }

    /// What the snapshot of a pool is of, if there is one; one of another layout only where there is none of ours.
    ///
    /// # Errors
    /// The database failed.
    pub async fn header(&self, pool: &PoolId) -> Result<Option<Header>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM onsale_command.snapshots WHERE pool = $1 \
              ORDER BY state_version = $2 DESC, state_version DESC LIMIT 1",
        )
        .bind(pool.as_str())
        .bind(STATE_VERSION);
        let row = in_time(query.fetch_optional(&self.database)).await?;
        Ok(row.as_ref().map(header).transpose()?)
    }

    /// All pools that have a snapshot, by name, and what it is of.
    ///
    /// # Errors
    /// The database failed.
    pub async fn headers(&self) -> Result<Vec<(PoolId, Header)>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM onsale_command.snapshots ORDER BY pool, state_version");
        let rows = in_time(query.fetch_all(&self.database)).await?;
        let named = rows.iter().filter_map(|row| {
            let pool = row.try_get("pool").map(PoolId::parse);
            let pool = pool.ok()?.ok()?;
            Some(header(row).map(|header| (pool, header)))
        });
        Ok(named.collect::<Result<_, _>>()?)
    }
}

fn header(row: &PgRow) -> Result<Header, sqlx::Error> {
    let recent_until: DateTime<Utc> = row.try_get("recent_until")?;
    let written = |size: &str, crc: &str| -> Result<Written, sqlx::Error> {
        let (size, crc): (i32, i64) = (row.try_get(size)?, row.try_get(crc)?);
        Ok(Written {
            size: usize::try_from(size).unwrap_or_default(),
            crc: u32::try_from(crc).unwrap_or_default(),
        })
    };
    Ok(Header {
        id: SnapshotId(row.try_get("snapshot")?),
        state_version: row.try_get("state_version")?,
        version: Version::new(row.try_get("version")?).unwrap_or_default(),
        last_event: EventId(row.try_get("last_event")?),
        written: [
            written("lasting_size", "lasting_crc")?,
            written("claims_size", "claims_crc")?,
            written("requests_size", "requests_crc")?,
        ],
        recent_until: recent_until.into(),
    })
}

/// What takes too long has failed.
async fn in_time<T>(asking: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(TIMEOUT, asking).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(StoreError::Late),
    }
}
