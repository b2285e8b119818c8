//! The log's clock is asked from time to time: this process only knows it by its own monotonic clock, and clocks drift.

use std::{sync::Arc, time::Duration};

use onsale_shared::log::EventLog;
use tokio_util::sync::CancellationToken;

const INTERVAL: Duration = Duration::from_secs(5);

/// Asks until `stop`.
pub(crate) async fn keep_clock(log: Arc<dyn EventLog>, stop: CancellationToken) {
    let asking = async {
        loop {
            tokio::time::sleep(INTERVAL).await;
            // Asking for the head brings the time along.
            if let Err(error) = log.head().await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the log's clock was not asked"
                );
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = asking => {}
    }
}
