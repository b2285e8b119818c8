//! Filling a generation from the log, in chunks: the next page is read and decoded while one is written.

use std::{sync::Arc, time::Duration};

use onsale_shared::log::{EventLog, Position, ReadError, RecordedEvent};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::Instant,
};

use super::{Builder, CHUNK_EVENTS, RebuildError};
use crate::{
    availability::Progress,
    projections::{Entry, writer::Step},
    read_models::generations::{self, Generation},
};

/// So many pages wait, read and decoded, for who writes.
const PAGES_AHEAD: usize = 2;
/// So close to the live generation the rest is a matter of moments.
const CLOSE_EVENTS: i64 = 1_000;
/// How often the rate is noted for others.
const NOTE_INTERVAL: Duration = Duration::from_secs(1);

/// A page that is being decoded.
type Decoding = JoinHandle<Vec<Entry>>;

impl Builder {
    /// Fills a generation until it is close to the live one, and never beyond it: so the two can be at one position.
    pub(super) async fn fill(&mut self, generation: &mut Generation) -> Result<(), RebuildError> {
        self.take_session(generation).await?;
        loop {
            let live = generations::live(&mut self.session, self.projection.name).await?;
            let target = live.progress.position;
            let reached = generation.progress.position;
            self.progress
                .set_length(u64::try_from(target.get()).unwrap_or(0));
            self.progress
                .set_position(u64::try_from(reached.get()).unwrap_or(0));
            if target.distance_from(reached) <= CLOSE_EVENTS {
                return Ok(());
            }
            self.fill_to(generation, target).await?;
        }
    }

    /// The session's SQL finds the generation's tables from here on, and nothing is remembered of another one's.
    pub(super) async fn take_session(
        &mut self,
        generation: &Generation,
    ) -> Result<(), RebuildError> {
        self.writer.forget();
        generations::use_schema(&mut self.session, &generation.schema()).await?;
        Ok(())
    }

    /// Fills a generation exactly up to a position.
    pub(super) async fn fill_to(
        &mut self,
        generation: &mut Generation,
        target: Position,
    ) -> Result<(), RebuildError> {
        let (sender, mut pages) = mpsc::channel(PAGES_AHEAD);
        // Dropped, it ends.
        let mut reading = JoinSet::new();
        let log = Arc::clone(&self.log);
        drop(reading.spawn(read(log, generation.progress.position, target, sender)));
        let (mut noted, mut since) = (Instant::now(), generation.progress.position);
        while generation.progress.position < target {
            let Some(page) = pages.recv().await else {
                // The log ends before the target: nobody may go on from here.
                return Err(RebuildError::Replaced(generation.number));
            };
            let page = page?
                .await
                .map_err(|panic| sqlx::Error::Decode(panic.into()))?;
            self.write_page(generation, &page, target).await?;
            let seconds = noted.elapsed();
            if seconds >= NOTE_INTERVAL {
                let events = generation.progress.position.distance_from(since);
                let rate = rate(events, seconds);
                generations::note_rate(&mut self.session, generation, rate).await?;
                tracing::debug!(
                    projection = self.projection.name,
                    position = generation.progress.position.get(),
                    events_per_second = rate,
                    "building"
                );
                (noted, since) = (Instant::now(), generation.progress.position);
            }
        }
        Ok(())
    }

    async fn write_page(
        &mut self,
        generation: &mut Generation,
        page: &[Entry],
        target: Position,
    ) -> Result<(), RebuildError> {
        loop {
            let is_next = |entry: &&Entry| {
                let position = entry.event.position;
                generation.progress.position < position && position <= target
            };
            let entries: Vec<_> = page.iter().filter(is_next).collect();
            if entries.is_empty() {
                return Ok(());
            }
            let unobserved = Progress {
                position: Position::new(i64::MAX).unwrap_or_default(),
                ..Progress::default()
            };
            let step = self
                .writer
                .write(&mut self.session, generation, &entries, unobserved)
                .await?;
            match step {
                Step::Moved(progress) => {
                    generation.progress = progress;
                    let position = u64::try_from(progress.position.get()).unwrap_or(0);
                    self.progress.set_position(position);
                }
                Step::Replaced => return Err(RebuildError::Replaced(generation.number)),
                Step::Blocked(blocked) => {
                    generations::block(&mut self.session, generation, &blocked).await?;
                    return Err(RebuildError::Blocked(blocked));
                }
            }
        }
    }

    /// Makes the indexes that filling did without.
    pub(super) async fn index(&mut self, generation: &mut Generation) -> Result<(), RebuildError> {
        self.progress.set_message("indexes");
        let mut transaction = self.session.begin().await?;
        // As long as it takes.
        sqlx::raw_sql("SET LOCAL statement_timeout = 0")
            .execute(&mut *transaction)
            .await?;
        generations::index(&mut transaction, self.projection, generation).await?;
        for table in self.projection.tables {
            // Safe: names of constants, and a number.
            let analyze = format!("ANALYZE {}.{}", generation.schema(), table.name);
            sqlx::raw_sql(AssertSqlSafe(analyze))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        generation.indexed = true;
        self.progress.set_message("");
        Ok(())
    }
}

/// Reads the log up to `target`, ahead of who writes; pages are decoded by other threads meanwhile.
async fn read(
    log: Arc<dyn EventLog>,
    mut position: Position,
    target: Position,
    pages: mpsc::Sender<Result<Decoding, ReadError>>,
) {
    while position < target {
        let page = match log.read(position, CHUNK_EVENTS).await {
            Ok(events) => events,
            Err(error) => {
                // Whoever takes the pages may have ended.
                pages.send(Err(error)).await.ok();
                return;
            }
        };
        let Some(last) = page.last() else { return };
        position = last.position;
        let decoding = tokio::task::spawn_blocking(move || decode(page));
        if pages.send(Ok(decoding)).await.is_err() {
            return;
        }
    }
}

fn decode(page: Vec<RecordedEvent>) -> Vec<Entry> {
    let decoded = page.into_iter().map(|event| {
        let entry = Entry::new(event);
        // What cannot be read is said by who needs it.
        entry.fact().ok();
        entry
    });
    decoded.collect()
}

#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a rate, for people"
)]
fn rate(events: i64, time: Duration) -> f64 {
    events as f64 / time.as_secs_f64()
}
