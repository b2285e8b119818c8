//! Events decoded, and dealt out by stream, so that each pool is replayed by one worker, in order.

use std::{error::Error, hash::BuildHasher as _};

use foldhash::fast::FixedState;
use onsale_shared::{
    event::{Metadata, PoolEvent},
    log::RecordedEvent,
};

use super::read::Page;

/// An event of the log.
#[derive(Debug)]
pub(super) struct Decoded {
    /// As it was written, without its data and metadata.
    pub(super) recorded: RecordedEvent,
    /// What it says; or why that cannot be read, or cannot stand where it stands.
    pub(super) fact: Result<(PoolEvent, Metadata), String>,
}

/// Decodes a page, in `parts` by stream; each part is in the order of the log.
pub(super) fn decode(page: Page, parts: usize) -> Vec<Vec<Decoded>> {
    let hasher = FixedState::with_seed(0);
    let expected = page.events.len() / parts.max(1);
    let mut dealt: Vec<_> = std::iter::repeat_with(|| Vec::with_capacity(expected))
        .take(parts)
        .collect();
    let mut missing = page.missing;
    for recorded in page.events {
        let hash = usize::try_from(hasher.hash_one(recorded.stream.as_str())).unwrap_or(0);
        let decoded = decode_event(recorded, missing.take());
        if let Some(part) = dealt.get_mut(hash.checked_rem(parts).unwrap_or(0)) {
            part.push(decoded);
        }
    }
    dealt
}

fn decode_event(mut recorded: RecordedEvent, missing: Option<(i64, i64)>) -> Decoded {
    let fact = match missing {
        Some((first, last)) => Err(format!("positions {first} to {last} are missing before it")),
        None => read(&recorded),
    };
    // Millions of events wait in turn: what was read of them is enough.
    recorded.data = String::new();
    recorded.metadata = String::new();
    Decoded { recorded, fact }
}

fn read(recorded: &RecordedEvent) -> Result<(PoolEvent, Metadata), String> {
    let event = recorded.decode().map_err(|error| with_cause(&error))?;
    let metadata = recorded.metadata();
    let metadata =
        metadata.map_err(|error| format!("the metadata does not fit: {}", with_cause(&error)))?;
    Ok((event, metadata))
}

/// An error and its cause, on one line.
pub(super) fn with_cause(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
