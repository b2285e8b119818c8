//! Stored snapshots against the replay. What each is of is read before the log, so that the log has its events; the replay
//! keeps a digest of the state that it comes to at that version; and the stored bytes are read in the end, one snapshot
//! after the other.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use onsale_shared::{
    id::{EventId, PoolId},
    log::{StreamName, Version},
    time::Timestamp,
};
use sha2::{Digest as _, Sha256};

use super::{
    compared::{Compared, Outcome},
    decoded::with_cause,
};
use crate::{
    domain::{Pool, snapshot::STATE_VERSION},
    pools::pace::Pace,
    snapshots::{
        Store,
        store::{Header, Part, StoreError},
    },
};

/// The version of each stream's snapshot.
pub(super) type Marks = HashMap<StreamName, Version, RandomState>;
/// What the log gives at these versions.
pub(super) type AtMarks = HashMap<StreamName, AtMark, RandomState>;

/// What the log gives at the version of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtMark {
    /// The event of that version, and the state after it.
    State(EventId, Option<Digest>),
    /// The last version of the stream, which is earlier.
    Ended(Version),
    /// An event up to there cannot have happened.
    Unknown,
}

/// What two snapshots with equal bytes have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    /// In the order of [`PARTS`].
    parts: [[u8; 32]; 3],
    recent_until: Timestamp,
}

/// What a snapshot consists of, and what is said if one of it differs.
const PARTS: [(Part, &str); 3] = [
    (Part::Lasting, "its state is not the one that the log gives"),
    (
        Part::Claims,
        "the claims that it remembers for a while are not those that the log gives",
    ),
    (
        Part::Requests,
        "the commands that it remembers are not those that the log gives",
    ),
];

impl Digest {
    /// Of a pool's state; none if that has no snapshot.
    pub(super) fn of_pool(pool: &Pool) -> Option<Self> {
        let snapshot = pool.to_snapshot().ok()??;
        let parts = [snapshot.lasting, snapshot.claims, snapshot.requests];
        Some(Self {
            parts: parts.map(|bytes| Sha256::digest(bytes).into()),
            recent_until: snapshot.recent_until,
        })
    }

    /// What differs, if anything does.
    fn difference(&self, given: &Self) -> Option<&'static str> {
        let pairs = self.parts.iter().zip(&given.parts).zip(PARTS);
        let mut different = pairs.filter(|((stored, given), _)| stored != given);
        if let Some((_, (_, wrong))) = different.next() {
            return Some(wrong);
        }
        (self.recent_until != given.recent_until)
            .then_some("it remembers until another time than the log gives")
    }
}

/// Snapshots as they were before the log was read.
#[derive(Debug)]
pub(super) struct Stored {
    store: Store,
    headers: Result<Vec<(PoolId, Header)>, StoreError>,
}

impl Stored {
    /// Reads what snapshots there are.
    pub(super) async fn read(store: Store) -> Self {
        let headers = store.headers().await;
        Self { store, headers }
    }

    /// Where the replay has to keep a digest.
    pub(super) fn marks(&self) -> Marks {
        let headers = self.headers.iter().flatten();
        headers
            .filter(|(_, header)| header.state_version == STATE_VERSION)
            .map(|(pool, header)| (StreamName::of_pool(pool), header.version))
            .collect()
    }

    /// Compares each with what the log gives, until the table cannot be read any more.
    pub(super) async fn compare(self, given: &AtMarks) -> Compared {
        let mut compared = Compared::default();
        let headers = match self.headers {
            Ok(headers) => headers,
            Err(error) => {
                compared.unreadable = Some(with_cause(&error));
                return compared;
            }
        };
        for (pool, header) in headers {
            let stream = StreamName::of_pool(&pool);
            let given = given.get(&stream);
            let outcome = match compare_header(&header, given) {
                Err(outcome) => Ok(outcome),
                Ok(digest) => compare_bytes(&self.store, &pool, &header, &digest).await,
            };
            match outcome {
                Ok(outcome) => compared.add(stream, header.version, outcome),
                Err(error) => {
                    compared.unreadable = Some(with_cause(&error));
                    break;
                }
            }
        }
        compared
    }
}

/// What the bytes have to be; the outcome if that is known without them.
fn compare_header(header: &Header, given: Option<&AtMark>) -> Result<Digest, Outcome> {
    if header.state_version != STATE_VERSION {
        return Err(Outcome::OtherLayout);
    }
    let differs = |wrong| Err(Outcome::Differs(wrong));
    let expected = header.last_event;
    match given {
        None => differs("the log has no such stream".to_owned()),
        Some(AtMark::Ended(last)) => differs(format!("the stream ends with version {last}")),
        Some(AtMark::Unknown) => Err(Outcome::Unknown),
        Some(AtMark::State(found, _)) if *found != expected => differs(format!(
            "its last event is {expected}, and the log has {found} there"
        )),
        Some(AtMark::State(_, None)) => {
            differs("the state that the log gives cannot be written".to_owned())
        }
        Some(AtMark::State(_, Some(digest))) => Ok(*digest),
    }
}

async fn compare_bytes(
    store: &Store,
    pool: &PoolId,
    header: &Header,
    given: &Digest,
) -> Result<Outcome, StoreError> {
    let mut stored = Digest {
        parts: [[0; 32]; 3],
        recent_until: header.recent_until,
    };
    let pace = Pace::at_once();
    for (digest, (part, _)) in stored.parts.iter_mut().zip(PARTS) {
        *digest = match store.bytes(header, part, &pace).await {
            Ok(Some(bytes)) => Sha256::digest(bytes).into(),
            Ok(None) => return without_bytes(store, pool, header).await,
            Err(damaged @ StoreError::Checksum { .. }) => {
                return Ok(Outcome::Differs(damaged.to_string()));
            }
            Err(error) => return Err(error),
        };
    }
    Ok(match stored.difference(given) {
        Some(wrong) => Outcome::Differs(wrong.to_owned()),
        None => Outcome::Equal,
    })
}

/// Another one took its place, which takes the bytes with it; or they are gone for no reason.
async fn without_bytes(
    store: &Store,
    pool: &PoolId,
    header: &Header,
) -> Result<Outcome, StoreError> {
    let now = store.header(pool).await?;
    Ok(match now.is_some_and(|now| now.id == header.id) {
        true => Outcome::Differs("some of its bytes are gone".to_owned()),
        false => Outcome::Replaced,
    })
}

#[cfg(test)]
mod tests;
