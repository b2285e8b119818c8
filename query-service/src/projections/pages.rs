//! Pages of the log, read once for all projections of the process that are at the same place.
//!
//! A bounded number of recent events is kept. The tail puts in what it has read, so that a live event is read from
//! PostgreSQL once; who is further behind reads, and who comes second for the same place waits for what the first reads.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use onsale_shared::log::{EventLog, Position, ReadError};
use tokio::sync::OnceCell;

use super::Entry;

/// How many events are kept, in whole pages; an event takes about a kilobyte.
const KEPT_EVENTS: usize = 20_000;
/// How many pages are kept, however small they are.
const KEPT_PAGES: usize = 4_096;
/// The most events of a page that is read here; the log copies pages of this size, which is the fastest way to read many.
pub(crate) const READ_EVENTS: usize = 5_000;

/// Entries that follow each other without a gap.
type Page = Arc<[Entry]>;

/// The newest events of the log, a bounded number, for all projections of the process.
#[derive(Debug)]
pub(crate) struct Pages {
    log: Arc<dyn EventLog>,
    kept: Mutex<Kept>,
    /// Reads under way, by the position that they begin after.
    reading: Mutex<HashMap<Position, Arc<OnceCell<Page>>>>,
}

/// Entries of one or more pages, in order, without a gap.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Each with how many of its entries are left out at its beginning, and where it ends.
    parts: Vec<(Page, usize, usize)>,
}

impl Batch {
    /// The entries.
    pub(crate) fn entries(&self) -> Vec<&Entry> {
        let parts = self.parts.iter();
        parts
            .flat_map(|(page, from, to)| page.get(*from..*to).unwrap_or_default())
            .collect()
    }
}

impl Pages {
    pub(crate) fn of(log: Arc<dyn EventLog>) -> Self {
        Self {
            log,
            kept: Mutex::default(),
            reading: Mutex::default(),
        }
    }

    /// Keeps what somebody else has read.
    pub(crate) fn put(&self, page: Page) {
        self.kept().put(page);
    }

    /// The next entries after `position`, at most `limit`; none if there are none yet.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) async fn after(&self, position: Position, limit: usize) -> Result<Batch, ReadError> {
        let batch = self.kept().after(position, limit);
        if !batch.parts.is_empty() {
            return Ok(batch);
        }
        let page = self.read(position).await?;
        let to = page.len().min(limit);
        Ok(match to {
            0 => Batch::default(),
            to => Batch {
                parts: vec![(page, 0, to)],
            },
        })
    }

    /// Reads a page, or waits for who reads it already. An empty page is not kept: there may be more in a moment.
    async fn read(&self, after: Position) -> Result<Page, ReadError> {
        let cell = Arc::clone(self.reading().entry(after).or_default());
        let page = cell
            .get_or_try_init(|| async {
                let events = self.log.read(after, READ_EVENTS).await?;
                let page: Page = events.into_iter().map(Entry::new).collect();
                Ok(page)
            })
            .await
            .cloned();
        let mut reading = self.reading();
        // Who comes later finds the page among those that are kept.
        if reading
            .get(&after)
            .is_some_and(|now| Arc::ptr_eq(now, &cell))
        {
            if let Ok(page) = &page {
                self.put(Arc::clone(page));
            }
            reading.remove(&after);
        }
        page
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading(&self) -> MutexGuard<'_, HashMap<Position, Arc<OnceCell<Page>>>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Recent pages. They may overlap, and there may be gaps between them.
#[derive(Debug, Default)]
struct Kept {
    /// By their first positions.
    pages: BTreeMap<Position, Page>,
    /// In which order they came.
    order: VecDeque<Position>,
    events: usize,
}

impl Kept {
    fn put(&mut self, page: Page) {
        let (Some(first), Some(last)) = (page.first(), page.last()) else {
            return;
        };
        let (first, last) = (first.event.position, last.event.position);
        let has = |page: Option<(&Page, usize)>| page.is_some();
        if has(self.find(first)) && has(self.find(last)) {
            return;
        }
        self.events += page.len();
        match self.pages.insert(first, page) {
            Some(shorter) => self.events -= shorter.len(),
            None => self.order.push_back(first),
        }
        while self.events > KEPT_EVENTS || self.order.len() > KEPT_PAGES {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            let gone = self.pages.remove(&oldest);
            self.events -= gone.map_or(0, |page| page.len());
        }
    }

    /// As many entries after `position` as are kept without a gap.
    fn after(&self, position: Position, limit: usize) -> Batch {
        let mut batch = Batch::default();
        let (mut next, mut left) = (position.next(), limit);
        while left > 0 {
            let Some((page, from)) = self.find(next) else {
                break;
            };
            let to = page.len().min(from + left);
            left -= to - from;
            next = next.plus(u32::try_from(to - from).unwrap_or(u32::MAX));
            batch.parts.push((Arc::clone(page), from, to));
        }
        batch
    }

    /// Where the entry of a position is: in which page, and where in it. Of pages that overlap only the last is looked at.
    fn find(&self, position: Position) -> Option<(&Page, usize)> {
        let (first, page) = self.pages.range(..=position).next_back()?;
        let offset = usize::try_from(position.distance_from(*first)).ok()?;
        (offset < page.len()).then_some((page, offset))
    }
}

#[cfg(test)]
mod tests;
