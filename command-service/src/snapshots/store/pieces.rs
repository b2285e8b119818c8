//! The bytes of snapshots. They come and go in pieces, with rests in between where nobody waits: one large value would be in
//! memory several times at either end, and would take a core of PostgreSQL's, and its log, for so long that sales feel it.

use futures::TryStreamExt as _;
use sqlx::Row as _;
use uuid::Uuid;

use super::{BYTES_MAX, Header, Part, SnapshotId, Store, StoreError, Written, in_time};
use crate::pools::pace::Pace;

/// A piece has at most so many bytes, and so have all that are written together.
pub(super) const PIECE_BYTES: usize = 512 * 1024;
/// So many are read by one statement where somebody waits, and one where nobody does: a session gives a statement 5 s, in
/// which it must not rest.
const READ_AT_ONCE: i64 = 32;
/// So many are removed together.
const REMOVED_AT_ONCE: u32 = 4;

impl Store {
    /// Bytes of the snapshot that a header tells of; none if they are not there any more.
    ///
    /// # Errors
    /// The database failed, or the bytes are not what was written.
    pub async fn bytes(
        &self,
        header: &Header,
        part: Part,
        pace: &Pace,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut bytes = Vec::new();
        bytes.reserve_exact(header.written(part).size.min(BYTES_MAX));
        let take = |piece: &[u8]| bytes.extend_from_slice(piece);
        let are_there = self.pieces(header, part, pace, take).await?;
        Ok(are_there.then_some(bytes))
    }

    /// As [`bytes`](Self::bytes), which `take` gets in pieces before it is known whether they are what was written. Whether
    /// they are there.
    ///
    /// # Errors
    /// The database failed, or the bytes are not what was written.
    pub async fn pieces(
        &self,
        header: &Header,
        part: Part,
        pace: &Pace,
        mut take: impl FnMut(&[u8]) + Send,
    ) -> Result<bool, StoreError> {
        let written = header.written(part);
        let (mut size, mut checksum) = (0, crc32fast::Hasher::new());
        let mut number = 0;
        let at_once = if pace.is_at_once() { READ_AT_ONCE } else { 1 };
        while size < written.size {
            let before = size;
            let mut rows = sqlx::query(
                "SELECT number, bytes FROM onsale_command.snapshot_pieces \
                  WHERE snapshot = $1 AND part = $2 AND number > $3 ORDER BY number LIMIT $4",
            )
            .bind(header.id.0)
            .bind(part.name())
            .bind(number)
            .bind(at_once)
            .fetch(&self.database);
            while let Some(row) = in_time(rows.try_next()).await? {
                let piece: &[u8] = row.try_get("bytes")?;
                number = row.try_get("number")?;
                size += piece.len();
                checksum.update(piece);
                take(piece);
            }
            if size == before {
                break;
            }
            if size < written.size {
                pace.rest().await;
            }
        }
        if size < written.size {
            return Ok(false);
        }
        let (expected, found) = (written.crc, checksum.finalize());
        if expected == found {
            Ok(true)
        } else {
            Err(StoreError::Checksum { expected, found })
        }
    }

    /// Keeps bytes, in as few statements as there may be.
    pub(super) async fn add_pieces(
        &self,
        id: SnapshotId,
        parts: [(Part, &[u8]); 3],
        pace: &Pace,
    ) -> Result<[Written; 3], StoreError> {
        let mut written = [Written::default(); 3];
        let mut together = Together::default();
        for ((part, bytes), written) in parts.into_iter().zip(&mut written) {
            let mut checksum = crc32fast::Hasher::new();
            for (piece, number) in bytes.chunks(PIECE_BYTES).zip(1..) {
                if together.size + piece.len() > PIECE_BYTES {
                    self.add_together(id, std::mem::take(&mut together)).await?;
                    pace.rest().await;
                }
                checksum.update(piece);
                together.size += piece.len();
                together.parts.push(part.name());
                together.numbers.push(number);
                together.bytes.push(piece);
            }
            *written = Written {
                size: bytes.len(),
                crc: checksum.finalize(),
            };
        }
        self.add_together(id, together).await?;
        Ok(written)
    }

    async fn add_together(&self, id: SnapshotId, pieces: Together<'_>) -> Result<(), StoreError> {
        let adding = sqlx::query(
            "INSERT INTO onsale_command.snapshot_pieces (snapshot, part, number, bytes) \
             SELECT $1, piece.* FROM unnest($2::text[], $3::int[], $4::bytea[]) AS piece",
        )
        .bind(id.0)
        .bind(pieces.parts)
        .bind(pieces.numbers)
        .bind(pieces.bytes);
        in_time(adding.execute(&self.database)).await?;
        Ok(())
    }

    /// Removes the bytes of a snapshot that is no longer, or never was.
    pub(super) async fn remove_pieces(
        &self,
        id: SnapshotId,
        pace: &Pace,
    ) -> Result<(), StoreError> {
        loop {
            let removing = sqlx::query(
                "DELETE FROM onsale_command.snapshot_pieces WHERE snapshot = $1 AND (part, number) IN \
                    (SELECT part, number FROM onsale_command.snapshot_pieces WHERE snapshot = $1 LIMIT $2)",
            )
            .bind(id.0)
            .bind(i64::from(REMOVED_AT_ONCE));
            let removed = in_time(removing.execute(&self.database)).await?;
            if removed.rows_affected() < u64::from(REMOVED_AT_ONCE) {
                return Ok(());
            }
            pace.rest().await;
        }
    }

    /// Removes what was written of snapshots that never were: whoever was about to finish them ended. What is being written
    /// is younger than an hour.
    ///
    /// # Errors
    /// The database failed.
    pub(crate) async fn remove_abandoned(&self, pace: &Pace) -> Result<(), StoreError> {
        let looking = sqlx::query_scalar::<_, Uuid>(
            "SELECT DISTINCT snapshot FROM onsale_command.snapshot_pieces p \
              WHERE written_at < clock_timestamp() - interval '1 hour' \
                AND NOT EXISTS (SELECT FROM onsale_command.snapshots s WHERE s.snapshot = p.snapshot)",
        );
        for id in in_time(looking.fetch_all(&self.database)).await? {
            self.remove_pieces(SnapshotId(id), pace).await?;
        }
        Ok(())
    }
}

/// Pieces of one statement.
#[derive(Default)]
struct Together<'a> {
    size: usize,
    parts: Vec<&'static str>,
    numbers: Vec<i32>,
    bytes: Vec<&'a [u8]>,
}
