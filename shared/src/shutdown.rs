//! The end of a process: SIGTERM and SIGINT ask for it, once is enough.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled when the process is asked to end.
///
/// # Errors
/// The signal handlers cannot be installed.
pub fn on_signal() -> io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let asked = stop.clone();
    drop(tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        asked.cancel();
        tracing::info!(signal = name, "asked to stop; draining");
    }));
    Ok(stop)
}
