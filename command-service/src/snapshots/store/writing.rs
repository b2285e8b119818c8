//! One snapshot takes the place of another: its bytes first, then what it is of, then away with the bytes of the other.

use onsale_shared::{
    id::{EventId, IdSource, PoolId},
    time::Timestamp,
};
use sqlx::Row as _;
use uuid::Uuid;

use super::{BYTES_MAX, Header, Part, SnapshotId, Store, StoreError, Written, in_time};
use crate::{
    domain::snapshot::{STATE_VERSION, Snapshot},
    pools::pace::Pace,
};

/// What became of a snapshot that was written.
enum Outcome {
    /// It is the pool's, instead of another one.
    Kept(Option<SnapshotId>),
    /// The pool has a newer one.
    Older,
}

impl Store {
    /// Keeps a snapshot that is made `now` instead of the one that the pool has, unless that one is newer. `last_event` is
    /// the id of the last event folded.
    ///
    /// # Errors
    /// The database failed, or the snapshot is too large.
    pub async fn write(
        &self,
        pool: &PoolId,
        snapshot: &Snapshot,
        last_event: EventId,
        now: Timestamp,
        pace: &Pace,
    ) -> Result<(), StoreError> {
        let parts = [
            (Part::Lasting, snapshot.lasting.as_slice()),
            (Part::Claims, &snapshot.claims),
            (Part::Requests, &snapshot.requests),
        ];
        if let Some((_, bytes)) = parts.iter().find(|(_, bytes)| bytes.len() > BYTES_MAX) {
            return Err(StoreError::TooLarge(bytes.len()));
        }
        let id = SnapshotId::new(now);
        let written = match self.add_pieces(id, parts, pace).await {
            Ok(written) => written,
            Err(error) => {
                // What was added is found later, if it cannot be removed now.
                let _removed = self.remove_pieces(id, pace).await;
                return Err(error);
            }
        };
        let header = Header {
            id,
            state_version: STATE_VERSION,
            version: snapshot.version,
            last_event,
            written,
            recent_until: snapshot.recent_until,
        };
        match self.replace(pool, &header).await? {
            Outcome::Kept(other) => {
                if let Some(other) = other {
                    self.remove_pieces(other, pace).await?;
                }
                self.remove_outdated(pool, pace).await
            }
            Outcome::Older => self.remove_pieces(id, pace).await,
        }
    }

    /// Removes what versions of before have kept of a pool, when none of them has kept anything for a day.
    async fn remove_outdated(&self, pool: &PoolId, pace: &Pace) -> Result<(), StoreError> {
        let removing = sqlx::query_scalar::<_, Uuid>(
            "DELETE FROM onsale_command.snapshots WHERE pool = $1 AND state_version < $2 \
                AND taken_at < clock_timestamp() - interval '1 day' RETURNING snapshot",
        )
        .bind(pool.as_str())
        .bind(STATE_VERSION);
        for id in in_time(removing.fetch_all(&self.database)).await? {
            self.remove_pieces(SnapshotId(id), pace).await?;
        }
        Ok(())
    }

    async fn replace(&self, pool: &PoolId, header: &Header) -> Result<Outcome, StoreError> {
        let [lasting, claims, requests] = header.written;
        let size = |written: Written| i32::try_from(written.size).unwrap_or(i32::MAX);
        let replacing = sqlx::query(
            "INSERT INTO onsale_command.snapshots AS s (pool, snapshot, state_version, version, last_event, \
                    lasting_size, lasting_crc, claims_size, claims_crc, requests_size, requests_crc, recent_until) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             ON CONFLICT (pool, state_version) DO UPDATE SET (snapshot, replaces, version, last_event, \
                    lasting_size, lasting_crc, claims_size, claims_crc, requests_size, requests_crc, \
                    recent_until, taken_at) = \
                (excluded.snapshot, s.snapshot, excluded.version, excluded.last_event, \
                 excluded.lasting_size, excluded.lasting_crc, excluded.claims_size, excluded.claims_crc, \
                 excluded.requests_size, excluded.requests_crc, excluded.recent_until, clock_timestamp()) \
              WHERE s.version < excluded.version \
             RETURNING replaces",
        )
        .bind(pool.as_str())
        .bind(header.id.0)
        .bind(header.state_version)
        .bind(header.version.get())
        .bind(header.last_event.0)
        .bind(size(lasting))
        .bind(i64::from(lasting.crc))
        .bind(size(claims))
        .bind(i64::from(claims.crc))
        .bind(size(requests))
        .bind(i64::from(requests.crc))
        .bind(header.recent_until.to_utc());
        match in_time(replacing.fetch_optional(&self.database)).await? {
            Some(row) => Ok(Outcome::Kept(
                row.try_get::<Option<Uuid>, _>("replaces")?.map(SnapshotId),
            )),
            None => Ok(Outcome::Older),
        }
    }

    /// Removes the snapshot that a header tells of.
    ///
    /// # Errors
    /// The database failed.
    pub async fn remove(&self, pool: &PoolId, header: &Header) -> Result<(), StoreError> {
        let query = sqlx::query(
            "DELETE FROM onsale_command.snapshots WHERE pool = $1 AND snapshot = $2 AND version = $3 AND last_event = $4",
        )
        .bind(pool.as_str())
        .bind(header.id.0)
        .bind(header.version.get())
        .bind(header.last_event.0);
        in_time(query.execute(&self.database)).await?;
        self.remove_pieces(header.id, &Pace::at_once()).await
    }
}

impl SnapshotId {
    fn new(now: Timestamp) -> Self {
        Self(IdSource.ids(now).event().0)
    }
}
