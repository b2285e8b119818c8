//! One pool, from the read model `pools`.

use onsale_shared::{id::PoolId, log::Position};
use tokio::time::{Instant, timeout, timeout_at};

use super::{Freshness, Queries, QueryError};
use crate::{
    availability::Progress,
    pool::Pool,
    read_models::{is_unreadable, pools},
};

impl Queries {
    /// The pool, and what the answer includes.
    pub(crate) async fn get_pool(
        &self,
        id: &PoolId,
        freshness: Freshness,
    ) -> Result<(Pool, Progress), QueryError> {
        self.check_ready()?;
        let Freshness { required, deadline } = freshness;
        loop {
            self.wait_for_checkpoint(required, deadline).await;
            let memory = self.hub.progress();
            let finding = self.read_models.read(|connection| {
                let id = id.clone();
                Box::pin(async move { pools::find(connection, &id).await })
            });
            let (table, found) = match timeout_at(deadline, finding).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) if is_unreadable(&error) => {
                    return Err(QueryError::Unreadable(error));
                }
                Ok(Err(error)) => return Err(QueryError::Database(error)),
                Err(_elapsed) => return Err(self.too_late(required)),
            };
            if table.position >= required {
                let found = found.ok_or_else(|| QueryError::UnknownPool(id.clone()))?;
                return Ok((found, as_fresh_as(table, memory)));
            }
            if Instant::now() >= deadline {
                let position = table.position;
                return Err(QueryError::Behind { position, required });
            }
        }
    }

    /// Until this process knows that the table is fresh enough, or it is time to look: another replica may write it.
    pub(super) async fn wait_for_checkpoint(&self, required: Position, deadline: Instant) {
        let mut checkpoint = self.pools_checkpoint.clone();
        let reached = checkpoint.wait_for(|now| *now >= required);
        let looking = timeout(self.tables_poll_interval, reached);
        // Whatever ended the wait, the table itself says how far it is.
        drop(timeout_at(deadline, looking).await);
    }

    fn too_late(&self, required: Position) -> QueryError {
        self.read_models.close_idle();
        let position = *self.pools_checkpoint.borrow();
        if position < required {
            QueryError::Behind { position, required }
        } else {
            QueryError::DatabaseTooSlow
        }
    }
}

/// How far a table is that was read when memory had come so far before: on an idle log its checkpoint rests, but time
/// goes on.
pub(super) fn as_fresh_as(table: Progress, memory: Progress) -> Progress {
    if table.position < memory.position {
        return table;
    }
    Progress {
        time: table.time.max(memory.time),
        ..table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::availability::hub::tests::at;

    #[test]
    fn on_an_idle_log_time_goes_on() {
        let memory = Progress {
            time: at(900).time,
            ..at(7)
        };
        assert_eq!(as_fresh_as(at(7), memory), memory);
        // A table that has more than memory had has all that memory had.
        assert_eq!(as_fresh_as(at(8), memory).time, at(900).time);
        assert_eq!(as_fresh_as(at(8), memory).position, at(8).position);
        assert_eq!(as_fresh_as(at(6), memory), at(6));
    }
}
