//! Waiting for freshness.

use onsale_shared::log::Position;
use tokio::time::{Instant, timeout_at};

use super::{Queries, QueryError};
use crate::readiness::Readiness;

/// How fresh an answer must be, and when it must be given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Freshness {
    /// What it must include; [`Position::START`] asks for nothing.
    pub(crate) required: Position,
    pub(crate) deadline: Instant,
}

impl Queries {
    /// Waits until memory is fresh enough.
    pub(super) async fn wait_for_memory(&self, freshness: Freshness) -> Result<(), QueryError> {
        self.check_ready()?;
        let required = freshness.required;
        let mut progress = self.hub.subscribe_progress();
        let mut readiness = self.endings.readiness.clone();
        let waiting = async {
            tokio::select! {
                biased;
                _ = progress.wait_for(|now| now.position >= required) => Ok(()),
                _ = readiness.wait_for(|now| *now == Readiness::Stopped) => Err(QueryError::NotReady),
            }
        };
        let waited = timeout_at(freshness.deadline, waiting).await;
        waited.unwrap_or_else(|_elapsed| {
            Err(QueryError::Behind {
                position: self.hub.progress().position,
                required,
            })
        })
    }
}
