//! Writes the trace of refusals down once a second, and forgets what is old. Never in the way of an answer; what cannot
//! be written is said and lost.

use std::time::Duration;

use onsale_shared::{
    log::LogClock,
    refusals::{self, Refusals},
};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::Trace;
use crate::aside::Aside;

/// How often it is written.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long writing may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// So many rows go into one statement.
const ROWS_MAX: usize = 2_000;
/// So many old rows are removed at once, each time it is written.
const FORGOTTEN_AT_ONCE_MAX: u32 = 5_000;

/// Writes down what a trace has counted.
#[derive(Debug)]
pub struct Keeper {
    /// What was refused.
    pub trace: Trace,
    /// The database of the log, under a connection of its own.
    pub database: Aside,
    /// The log's clock.
    pub clock: LogClock,
    /// The name of this instance.
    pub instance: String,
    /// How long a refusal is remembered.
    pub kept_for: Duration,
}

impl Keeper {
    /// Keeps the trace until `stop`, and writes down what came until then.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failed = false;
        loop {
            let stopped = tokio::select! {
                _ = ticks.tick() => false,
                () = stop.cancelled() => true,
            };
            let taken = self.trace.take(&self.instance);
            let (kinds, kept) = (taken.len(), self.keep(&taken).await);
            if let Err(error) = &kept
                && !failed
            {
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    kinds,
                    "the trace of refusals cannot be written; it is lost until it can"
                );
            }
            failed = kept.is_err();
            if stopped {
                return;
            }
        }
    }

    async fn keep(&mut self, taken: &[Refusals]) -> Result<(), sqlx::Error> {
        let keeping = async {
            let mut connection = self.database.take().await?;
            for rows in taken.chunks(ROWS_MAX) {
                refusals::add(&mut connection, rows).await?;
            }
            let before = self.clock.now().minus(self.kept_for);
            refusals::forget(&mut connection, before, FORGOTTEN_AT_ONCE_MAX).await?;
            self.database.put_back(connection);
            Ok(())
        };
        let kept = timeout(TIMEOUT, keeping).await;
        kept.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}
