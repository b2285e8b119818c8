//! What an actor has on its way, and what comes of it.

use futures::future::BoxFuture;
use onsale_shared::log::{Position, ReadError, RecordedEvent};
use tokio::sync::oneshot;

use crate::pools::{batch::Batch, committer::Verdict};

/// What is on its way, one at a time.
pub(super) enum Flight {
    /// A batch with events, to the log.
    Append {
        batch: Batch,
        verdict: oneshot::Receiver<Verdict>,
    },
    /// A batch of answers alone: is the state that they rest on complete?
    Probe {
        batch: Batch,
        news: BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>>,
    },
}

/// What came of it.
pub(super) enum Landing {
    Appended(Position),
    Stale,
    NotAppended,
    /// The committer ended with the process.
    Lost,
    Probed(Result<Vec<RecordedEvent>, ReadError>),
}

impl Flight {
    /// Waits for what came of it; may be dropped and called again.
    pub(super) async fn land(&mut self) -> Landing {
        match self {
            Self::Append { verdict, .. } => match verdict.await {
                Ok(Verdict::Appended(first_position)) => Landing::Appended(first_position),
                Ok(Verdict::Stale) => Landing::Stale,
                Ok(Verdict::NotAppended) => Landing::NotAppended,
                Err(_ended) => Landing::Lost,
            },
            Self::Probe { news, .. } => Landing::Probed(news.await),
        }
    }

    /// What was on its way.
    pub(super) fn into_batch(self) -> Batch {
        match self {
            Self::Append { batch, .. } | Self::Probe { batch, .. } => batch,
        }
    }
}
