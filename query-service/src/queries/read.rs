//! Reading rows of a projection, as fresh as was asked for.

use std::sync::Arc;

use onsale_shared::log::Position;
use sqlx::PgConnection;
use tokio::{
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

use super::{Freshness, Queries, QueryError};
use crate::{
    availability::Progress,
    database::Reading,
    projections::{Projection, board::Known},
    read_models::{generations::Checkpoint, snapshot},
};

impl Queries {
    /// Waits until the projection's tables include what is required, and reads; the rows, and what they include. Rows and
    /// checkpoint are of one snapshot, so the token of the answer is exact. Nothing goes beyond the deadline.
    ///
    /// A projection that is filled for the first time is not read before it has what was in the log when that began.
    ///
    /// `read` may run more than once, and sees `onsale_read.<table>` of this projection; of another projection's tables it may
    /// read only what never changes.
    pub(crate) async fn read<T, Read>(
        &self,
        projection: &'static Projection,
        freshness: Freshness,
        read: Read,
    ) -> Result<(T, Progress), QueryError>
    where
        T: Send + 'static,
        Read: for<'c> Fn(&'c mut PgConnection) -> Reading<'c, T> + Send + Sync + 'static,
    {
        let (required, read) = (freshness.required, Arc::new(read));
        self.read_at(projection.name, freshness, move |connection| {
            let read = Arc::clone(&read);
            Box::pin(async move { snapshot::read(connection, projection, required, &*read).await })
        })
        .await
    }

    /// As [`Self::read`], by statements that say themselves how far the tables are: `read` gives the checkpoint, and rows of
    /// the same snapshot, which it may leave out if that is not as fresh as is required.
    pub(super) async fn read_at<T, Read>(
        &self,
        projection: &'static str,
        freshness: Freshness,
        read: Read,
    ) -> Result<(T, Progress), QueryError>
    where
        Read: for<'c> Fn(&'c mut PgConnection) -> Reading<'c, (Checkpoint, Option<T>)>,
    {
        let Freshness {
            mut required,
            deadline,
        } = freshness;
        let known = self.board.subscribe(projection);
        loop {
            if let Some(known) = known.clone() {
                self.wait_for_table(known, required, deadline).await;
            }
            if Instant::now() >= deadline {
                return Err(not_in_time(known.as_ref(), required));
            }
            let memory = self.hub.progress();
            let answer = self.read_models.read_until(deadline, &read).await;
            let Some(answer) = answer else {
                return Err(not_in_time(known.as_ref(), required));
            };
            let (checkpoint, rows) = answer?;
            let table = checkpoint.progress;
            required = checkpoint.needs(required);
            if let Some(rows) = rows.filter(|_| table.position >= required) {
                return Ok((rows, as_fresh_as(table, memory)));
            }
        }
    }

    /// Until this process knows that the table is fresh enough, or it is time to look: another replica may write it.
    async fn wait_for_table(
        &self,
        mut known: watch::Receiver<Known>,
        required: Position,
        deadline: Instant,
    ) {
        let reached = known.wait_for(|now| now.progress.position >= required);
        let looking = timeout(self.tables_poll_interval, reached);
        // Whatever ended the wait, the table itself says how far it is.
        drop(timeout_at(deadline, looking).await);
    }
}

fn not_in_time(known: Option<&watch::Receiver<Known>>, required: Position) -> QueryError {
    let known = known.map(|known| known.borrow().progress.position);
    let position = known.unwrap_or_default();
    if position < required {
        QueryError::Behind { position, required }
    } else {
        QueryError::DatabaseTooSlow
    }
}

/// How far a table is that was read when memory had come so far before: on an idle log its checkpoint rests, but time
/// goes on.
fn as_fresh_as(table: Progress, memory: Progress) -> Progress {
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
