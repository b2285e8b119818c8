//! Writes what was refused, each second, and deletes what is old.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Refusals, store::Store};

/// How often what was refused is written.
const WRITE_INTERVAL: Duration = Duration::from_secs(1);
/// How often old rows are deleted.
const DELETE_INTERVAL: Duration = Duration::from_secs(60);
/// How long rows are kept.
const KEPT: Duration = Duration::from_hours(24);

/// Writes and deletes until `stop`, then writes once more. An outage is waited out.
pub async fn record(refusals: Refusals, store: Store, stop: CancellationToken) {
    let mut writes = interval(WRITE_INTERVAL);
    writes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut deletes = interval(DELETE_INTERVAL);
    deletes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        let done = tokio::select! {
            () = stop.cancelled() => break,
            _ = writes.tick() => write(&refusals, &store).await,
            _ = deletes.tick() => store.delete_before(refusals.clock().now().minus(KEPT)).await,
        };
        match done {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "refusals cannot be written down; they are counted in memory until they can"
                );
            }
            Err(_again) => {}
        }
    }
    if let Err(error) = write(&refusals, &store).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the last refusals were not written down"
        );
    }
}

async fn write(refusals: &Refusals, store: &Store) -> Result<(), sqlx::Error> {
    let tally = refusals.take();
    if tally.is_empty() {
        return Ok(());
    }
    let written = store.add(&tally).await;
    if written.is_err() {
        // If the answer alone was lost, these are counted twice: better than not at all.
        refusals.put_back(tally);
    }
    written
}
