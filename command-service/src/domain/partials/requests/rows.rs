//! Commands as a snapshot has them: rows of one width, in the order of their ids, searched as they came. To put half a
//! million commands of a day into a map would take longer than all else that a pool is loaded with.
//!
//! Big endian: the newest time in microseconds, how many rows, and the rows of id, hash, claim, version, position, time.

use bytes::Bytes;
use onsale_shared::{
    id::RequestId,
    log::{Position, Version},
    time::Timestamp,
};
use uuid::Uuid;

use super::Kept;
use crate::domain::snapshot::Damaged;

const HEAD_BYTES: usize = 2 * size_of::<i64>();
const ROW_BYTES: usize = 3 * size_of::<Uuid>() + 3 * size_of::<i64>();
const ID_BYTES: usize = size_of::<Uuid>();

/// One command.
pub(super) type Row = [u8; ROW_BYTES];

/// Commands in the bytes of a snapshot.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    newest: Timestamp,
    bytes: Bytes,
}

impl Rows {
    /// Of what [`write`] has written.
    pub(super) fn read(mut bytes: Bytes) -> Result<Self, Damaged> {
        let newest = take_number(&mut bytes).ok_or(Damaged::IMPOSSIBLE)?;
        let count = take_number(&mut bytes).and_then(|count| usize::try_from(count).ok());
        let rows = Self {
            newest: Timestamp::from_micros(newest),
            bytes,
        };
        let (all, rest) = rows.bytes.as_chunks::<ROW_BYTES>();
        let is_whole = rest.is_empty() && Some(all.len()) == count;
        let is_ordered = all.is_sorted_by(|earlier, later| id_of(earlier) < id_of(later));
        if is_whole && is_ordered && all.iter().all(|row| kept(row).is_some()) {
            Ok(rows)
        } else {
            Err(Damaged::IMPOSSIBLE)
        }
    }

    /// When the newest of them was decided; none if there are none.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        (!self.bytes.is_empty()).then_some(self.newest)
    }

    pub(super) fn get(&self, id: RequestId) -> Option<Kept> {
        let rows = self.as_slice();
        let place = rows.binary_search_by(|row| id_of(row).cmp(id.0.as_bytes()));
        kept(&rows[place.ok()?])
    }

    /// In the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (RequestId, Kept)> {
        let rows = self.as_slice().iter();
        rows.filter_map(|row| Some((RequestId(Uuid::from_bytes(*id_of(row))), kept(row)?)))
    }

    fn as_slice(&self) -> &[Row] {
        self.bytes.as_chunks().0
    }
}

/// The bytes of commands, in any order and no id twice; and the newest time.
pub(super) fn write(commands: impl Iterator<Item = (RequestId, Kept)>) -> (Vec<u8>, Timestamp) {
    let mut newest = Timestamp::default();
    let mut rows: Vec<Row> = commands
        .map(|(id, kept)| {
            newest = newest.max(kept.time);
            row(id, &kept)
        })
        .collect();
    // Mostly in order already, if the pool has come from a snapshot: a sort that sees that.
    rows.sort();
    let mut bytes = Vec::with_capacity(HEAD_BYTES + rows.len() * ROW_BYTES);
    bytes.extend(newest.as_micros().to_be_bytes());
    bytes.extend(u64::try_from(rows.len()).unwrap_or_default().to_be_bytes());
    bytes.extend_from_slice(rows.as_flattened());
    (bytes, newest)
}

fn row(id: RequestId, kept: &Kept) -> Row {
    let mut row = [0; ROW_BYTES];
    let parts: [&[u8]; 6] = [
        id.0.as_bytes(),
        &kept.hash,
        kept.claim.as_bytes(),
        &kept.version.get().to_be_bytes(),
        &kept.position.get().to_be_bytes(),
        &kept.time.as_micros().to_be_bytes(),
    ];
    let mut rest = row.as_mut_slice();
    for part in parts {
        let (place, after) = rest.split_at_mut(part.len());
        place.copy_from_slice(part);
        rest = after;
    }
    row
}

fn id_of(row: &Row) -> &[u8; ID_BYTES] {
    let (id, _) = row.split_first_chunk().unwrap_or((&[0; ID_BYTES], &[]));
    id
}

/// None of a row that nobody wrote.
fn kept(row: &Row) -> Option<Kept> {
    let mut rest = row.get(ID_BYTES..)?;
    Some(Kept {
        hash: *take(&mut rest)?,
        claim: Uuid::from_bytes(*take(&mut rest)?),
        version: Version::new(i64::from_be_bytes(*take(&mut rest)?))?,
        position: Position::new(i64::from_be_bytes(*take(&mut rest)?))?,
        time: Timestamp::from_micros(i64::from_be_bytes(*take(&mut rest)?)),
    })
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (part, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(part)
}

fn take_number(bytes: &mut Bytes) -> Option<i64> {
    let number = bytes.first_chunk().copied().map(i64::from_be_bytes)?;
    drop(bytes.split_to(size_of::<i64>()));
    Some(number)
}
