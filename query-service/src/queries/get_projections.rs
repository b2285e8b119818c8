//! How far each projection is.

use onsale_shared::log::{Head, Position};
use tokio::time::{Instant, timeout, timeout_at};

use super::{Freshness, Queries, QueryError};
use crate::{
    projections::all::ALL,
    read_models::generations::{self, Generation},
};

/// Where the generations of all projections are, and the log.
#[derive(Clone, Debug)]
pub(crate) struct Projections {
    /// By name; of each projection the live one first.
    pub(crate) generations: Vec<Generation>,
    pub(crate) head: Head,
    required: Position,
}

impl Projections {
    /// What every live generation includes; at least what was required, so that who hands tokens on does not go back.
    pub(crate) fn included(&self) -> Position {
        let live = self
            .generations
            .iter()
            .filter(|generation| generation.state == generations::State::Live);
        let positions = live.map(|live| live.progress.position);
        positions.min().unwrap_or_default().max(self.required)
    }
}

impl Queries {
    /// Every generation that is in use.
    pub(crate) async fn get_projections(
        &self,
        freshness: Freshness,
    ) -> Result<Projections, QueryError> {
        let Freshness { required, deadline } = freshness;
        let mut memory = self.hub.subscribe_progress();
        let mut position = Position::START;
        loop {
            // Memory may have stopped; the log itself says how far it is.
            let reached = memory.wait_for(|memory| memory.position >= required);
            drop(timeout_at(deadline, timeout(self.tables_poll_interval, reached)).await);
            if Instant::now() >= deadline {
                let position = position.max(self.hub.progress().position);
                return Err(QueryError::Behind { position, required });
            }
            let projections = self.ask(freshness).await?;
            position = projections.head.position;
            if position >= required {
                return Ok(projections);
            }
        }
    }

    async fn ask(&self, freshness: Freshness) -> Result<Projections, QueryError> {
        let Freshness { required, deadline } = freshness;
        let read = self.read_models.read_until(deadline, |connection| {
            Box::pin(async move {
                let mut all = Vec::new();
                for projection in ALL {
                    let mut in_use = generations::in_use(connection, projection.name).await?;
                    in_use.sort_by_key(|of| (of.state != generations::State::Live, of.number));
                    all.extend(in_use);
                }
                Ok(all)
            })
        });
        let generations = read.await.ok_or(QueryError::DatabaseTooSlow)??;
        // After them: no table is ahead of the log.
        let head = timeout_at(deadline, self.log.head()).await;
        let head = head.map_err(|_elapsed| QueryError::DatabaseTooSlow)?;
        let head = head.map_err(QueryError::Log)?;
        Ok(Projections {
            generations,
            head,
            required,
        })
    }
}
