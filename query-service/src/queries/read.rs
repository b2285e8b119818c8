//! Reading rows of a projection, as fresh as was asked for.

use std::sync::Arc;

use onsale_shared::{log::Position, time::Timestamp};
use sqlx::PgConnection;
use tokio::{
    sync::watch,
    time::{Duration, Instant, sleep_until, timeout, timeout_at},
};

use super::{Freshness, Queries, QueryError};
use crate::{
    availability::Progress,
    database::Reading,
    projections::{Projection, board::Known},
    read_models::{generations::Checkpoint, snapshot},
};

impl Queries {
    /// The shortest time between two looks at a table that was not fresh enough.
    const LOOK_AGAIN_MIN: Duration = Duration::from_millis(5);

    /// Waits until the projection's tables include what is required, and reads; the rows, and what they include. Rows and
    /// checkpoint are of one snapshot, so the token of the answer is exact. Nothing goes beyond the deadline.
    ///
    /// A projection that is filled for the first time is not read before it has what was in the log when that began.
    ///
    /// `read` may run more than once, and sees `onsale_read.<table>` of this projection; of another projection's tables it may
    /// read only what never changes. It is told until when the rows are complete: what time alone would make of them later
    /// nobody knows, since an event may have come before.
    pub(crate) async fn read<T, Read>(
        &self,
        projection: &'static Projection,
        freshness: Freshness,
        read: Read,
    ) -> Result<(T, Progress), QueryError>
    where
        T: Send + 'static,
        Read: for<'c> Fn(&'c mut PgConnection, Timestamp) -> Reading<'c, T> + Send + Sync + 'static,
    {
        let (required, read) = (freshness.required, Arc::new(read));
        let hub = Arc::clone(&self.hub);
        self.read_at(projection.name, freshness, move |connection| {
            let (read, hub) = (Arc::clone(&read), Arc::clone(&hub));
            Box::pin(async move {
                snapshot::read(connection, projection, required, |connection, table| {
                    read(connection, hub.as_fresh_as(table).time)
                })
                .await
            })
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
            let answer = self.read_models.read_until(deadline, &read).await;
            let Some(answer) = answer else {
                return Err(not_in_time(known.as_ref(), required));
            };
            let (checkpoint, rows) = answer?;
            let table = checkpoint.progress;
            required = checkpoint.needs(required);
            if let Some(rows) = rows.filter(|_| table.position >= required) {
                return Ok((rows, self.hub.as_fresh_as(table)));
            }
            // What is known of it may be ahead of the table, after a crash of PostgreSQL: it is not asked without a pause.
            let again = Instant::now() + Self::LOOK_AGAIN_MIN;
            sleep_until(again.min(deadline)).await;
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
