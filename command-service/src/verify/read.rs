//! Reading the whole log: a page after the other, ahead of who works on them, and what is missing between two of them.

use onsale_shared::log::{EventLog, Position, ReadError, RecordedEvent};
use tokio::{sync::mpsc, task::JoinHandle};

use super::decoded::{Decoded, decode};

/// Events a page.
const PAGE_EVENTS: usize = 10_000;
/// So many pages wait, decoded or being decoded, for those before them.
pub(super) const PAGES_AHEAD_MAX: usize = 4;

/// Events that follow each other without a gap.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) events: Vec<RecordedEvent>,
    /// The positions that are missing before them, the first and the last.
    pub(super) missing: Option<(i64, i64)>,
    /// Whether there is nothing more for now.
    is_last: bool,
}

/// A page that is being decoded, in parts.
pub(super) type Decoding = JoinHandle<Vec<Vec<Decoded>>>;

/// Reads the log to its end. Each page is decoded by a thread of its own, in `parts` by stream.
///
/// # Errors
/// The log cannot be read.
pub(super) async fn read(
    log: &dyn EventLog,
    parts: usize,
    pages: mpsc::Sender<Decoding>,
) -> Result<(), ReadError> {
    let mut position = Position::START;
    loop {
        let page = next(log, position).await?;
        let is_last = page.is_last;
        position = page.events.last().map_or(position, |last| last.position);
        let decoding = tokio::task::spawn_blocking(move || decode(page, parts));
        // Who takes the pages ends first only if it has failed, and says so itself.
        if pages.send(decoding).await.is_err() || is_last {
            return Ok(());
        }
    }
}

/// The next page. A gap is not the end: the page ends before it, and the next one begins behind it.
async fn next(log: &dyn EventLog, after: Position) -> Result<Page, ReadError> {
    let whole = log.read(after, PAGE_EVENTS).await;
    let (expected, found) = match whole {
        Ok(events) => {
            return Ok(Page {
                is_last: events.len() < PAGE_EVENTS,
                missing: None,
                events,
            });
        }
        Err(ReadError::NotDense {
            expected, found, ..
        }) if after.get() < expected && expected < found => (expected, found),
        Err(error) => return Err(error),
    };
    let before = usize::try_from(expected - 1 - after.get()).unwrap_or(PAGE_EVENTS);
    let (from, limit, missing) = match before {
        0 => {
            let from = Position::new(found - 1).unwrap_or(after);
            (from, 1, Some((expected, found - 1)))
        }
        some => (after, some, None),
    };
    Ok(Page {
        events: log.read(from, limit).await?,
        missing,
        is_last: false,
    })
}
