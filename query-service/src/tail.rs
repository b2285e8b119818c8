//! The one writer of memory: starts from the read model without a seam, then follows the log, page by page. Memory comes
//! first; projections and subscribers take what they need from the hub, at their own speed.

mod follow;
mod start;

use std::{sync::Arc, time::Duration};

use onsale_shared::log::{EventLog, Position, TailError, tail::TailConfig};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    availability::{FoldError, Hub},
    database::Database,
    projections::{Blocked, board::Board, pages::Pages},
    readiness::{Announcer, Readiness},
};

/// What the tail works with.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) log: Arc<dyn EventLog>,
    /// What is read is put in here, for the projections.
    pub(crate) pages: Arc<Pages>,
    pub(crate) database: Database,
    pub(crate) config: TailConfig,
    /// Which tables are live.
    pub(crate) board: Arc<Board>,
    /// Tells which event memory cannot go past.
    pub(crate) blocked: watch::Sender<Option<Blocked>>,
}

/// Why the tail ends, other than by shutdown: a person must look.
#[derive(Debug, thiserror::Error)]
enum TailStopped {
    #[error("the read model `pools` cannot be read by this version")]
    ReadModel(#[source] sqlx::Error),
    #[error(
        "the read model `pools` is at position {checkpoint}, but the log ends at {head}: they are not of one history"
    )]
    AheadOfLog {
        checkpoint: Position,
        head: Position,
    },
    #[error(transparent)]
    Log(#[from] TailError),
    #[error(transparent)]
    Fold(#[from] FoldError),
}

/// Follows the log into `hub` until `stop`. What cannot be followed is told to `readiness` and the log, and nothing is
/// published from there on.
pub(crate) async fn run(
    sources: Sources,
    hub: Arc<Hub>,
    readiness: Announcer,
    stop: CancellationToken,
) {
    let following = async {
        let started = start::start(&sources, &hub).await?;
        follow::follow(&sources, started, &hub, &readiness).await
    };
    let stopped = tokio::select! {
        () = stop.cancelled() => return,
        Err(stopped) = following => stopped,
    };
    if let TailStopped::Fold(error) = &stopped {
        sources.blocked.send_replace(Some(Blocked {
            position: error.position(),
            reason: error.to_string(),
        }));
    }
    readiness.send_replace(Readiness::Stopped);
    tracing::error!(
        error = &stopped as &dyn std::error::Error,
        position = hub.progress().position.get(),
        "the log cannot be followed any further; reads are refused until the cause is mended and the service restarted"
    );
}

/// How long to wait after a failure: doubles with each one, within bounds.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    const MIN: Duration = Duration::from_millis(50);
    const MAX: Duration = Duration::from_secs(2);

    pub(crate) const fn new() -> Self {
        Self(Self::MIN)
    }

    /// Whether this is the first failure in a row.
    pub(crate) fn is_first(&self) -> bool {
        self.0 == Self::MIN
    }

    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(Self::MAX);
    }
}
