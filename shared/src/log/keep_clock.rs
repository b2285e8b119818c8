//! The log's clock is asked from time to time: a process only knows it by its own monotonic clock. Clocks drift, that of
//! a server is set, another server takes over, and a machine that was suspended does not count the time.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::EventLog;

/// How long a process believes a clock that it has not heard of. An append teaches it as well; an instance that refuses
/// everything appends nothing.
const INTERVAL: Duration = Duration::from_secs(1);

/// Asks until `stop`.
pub async fn keep_clock(log: Arc<dyn EventLog>, stop: CancellationToken) {
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
