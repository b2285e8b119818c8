//! What comes out of a log.

use std::{fmt, sync::Arc};

use super::{Position, ReadError, Version};
use crate::{
    event::{DecodeError, Metadata, PoolEvent, decode},
    id::{EventId, PoolId},
    time::Timestamp,
};

/// The name of a stream; a pool's is `pools/<pool id>`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName(Arc<str>);

impl StreamName {
    const POOLS: &'static str = "pools/";

    /// The stream of a pool.
    #[must_use]
    pub fn of_pool(pool: &PoolId) -> Self {
        Self(format!("{}{pool}", Self::POOLS).into())
    }

    /// The pool whose stream this is; `None` for streams of another kind.
    #[must_use]
    pub fn pool(&self) -> Option<PoolId> {
        PoolId::parse(self.0.strip_prefix(Self::POOLS)?).ok()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for StreamName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An event of the log, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamName,
    /// Its place in the stream.
    pub version: Version,
    /// Its id.
    pub id: EventId,
    /// The kind of fact, such as `TicketClaimed`.
    pub kind: String,
    /// The schema version of `data`.
    pub schema: i16,
    /// When it was decided, by the log's clock.
    pub time: Timestamp,
    /// JSON; see [`Self::decode`].
    pub data: String,
    /// JSON; see [`Self::metadata`].
    pub metadata: String,
    /// When it was written. Information only: no rule uses it.
    pub recorded_at: Timestamp,
}

impl RecordedEvent {
    /// The fact.
    ///
    /// # Errors
    /// This version cannot read it.
    pub fn decode(&self) -> Result<PoolEvent, DecodeError> {
        decode(&self.kind, self.schema, &self.data)
    }

    /// Who caused it.
    ///
    /// # Errors
    /// This version cannot read it.
    pub fn metadata(&self) -> Result<Metadata, serde_json::Error> {
        Metadata::from_json(&self.metadata)
    }
}

/// Every page is looked at before anybody uses it: positions without gap after `after`.
pub(super) fn check_positions(after: Position, page: &[RecordedEvent]) -> Result<(), ReadError> {
    check(
        "the log",
        after.get(),
        page.iter().map(|event| event.position.get()),
    )
}

/// As [`check_positions`], for the versions of a stream.
pub(super) fn check_versions(
    stream: &StreamName,
    after: Version,
    page: &[RecordedEvent],
) -> Result<(), ReadError> {
    check(
        stream.as_str(),
        after.get(),
        page.iter().map(|event| event.version.get()),
    )
}

fn check(place: &str, after: i64, found: impl Iterator<Item = i64>) -> Result<(), ReadError> {
    let mut expected = after;
    for found in found {
        // Nothing comes after the last number there is.
        expected = expected.saturating_add(1);
        if expected != found {
            return Err(ReadError::NotDense {
                place: place.to_owned(),
                expected,
                found,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_a_gap_is_refused() {
        assert!(check("x", 4, [5, 6].into_iter()).is_ok());
        let gap = check("x", 4, [5, 7].into_iter()).unwrap_err();
        assert!(matches!(
            gap,
            ReadError::NotDense {
                expected: 6,
                found: 7,
                ..
            }
        ));
        assert!(check("x", 4, [6].into_iter()).is_err());
        assert!(check("x", 4, [4, 5].into_iter()).is_err());
        assert!(check("x", i64::MAX, [].into_iter()).is_ok());
    }
}
