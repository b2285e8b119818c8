//! The projection `pools`. One replica leads, by an advisory lock of its session, so that replicas do not get in each
//! other's way; what makes it safe is the checkpoint, which moves only from where the writer believes it to be. All
//! others stand by and watch the checkpoint. Nothing has to be kept for taking over: the hub knows what changed since
//! any position.

use std::{sync::Arc, time::Duration};

use onsale_shared::log::Position;
use sqlx::{Connection as _, PgConnection};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    availability::{Cut, Hub, Progress},
    database::Database,
    read_models::pools::{Moved, checkpoint, move_checkpoint, upsert},
    tail::Backoff,
};

/// 'onsq' in ASCII, and the number of the projection.
const LEADER_LOCK: (i32, i32) = (1_869_509_489, 1);

/// A lost write is written again from the checkpoint that was lost with it, so it waits for no disk. A leader whom the
/// network forgot is given up by the server within seconds, also while he has nothing to write: others wait for his lock.
const SESSION: &str = "\
    SET synchronous_commit = off; \
    SET tcp_keepalives_idle = 5; \
    SET tcp_keepalives_interval = 1; \
    SET tcp_keepalives_count = 5";

/// How long one statement may take: longer than the server allows. The network may hold back an answer for ever.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(6);

/// The most rows of one statement.
const ROWS_MAX: usize = 5_000;

/// The projection `pools`.
#[derive(Debug)]
pub(crate) struct PoolsProjection {
    pub(crate) database: Database,
    pub(crate) hub: Arc<Hub>,
    /// Tells readers how far the table is.
    pub(crate) checkpoint: watch::Sender<Position>,
    /// How often to look while standing by.
    pub(crate) standby_interval: Duration,
    /// The shortest time between two writes.
    pub(crate) write_interval: Duration,
}

impl PoolsProjection {
    /// Stands by, leads, and stands by again, until `stop`. An outage is waited for.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let working = async {
            let mut backoff = Backoff::new();
            loop {
                match self.serve_a_term(&mut backoff).await {
                    Ok(()) => tracing::warn!(
                        "the checkpoint of `pools` was moved by somebody else; standing by"
                    ),
                    Err(error) if backoff.is_first() => tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the read model `pools` cannot be written; trying again"
                    ),
                    Err(_again) => {}
                }
                backoff.pause().await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = working => {}
        }
    }

    /// One session: stands by until it may lead, then leads until somebody else does.
    async fn serve_a_term(&self, backoff: &mut Backoff) -> Result<(), sqlx::Error> {
        let mut session = self.database.session().await?;
        in_time(sqlx::raw_sql(SESSION).execute(&mut session)).await?;
        while !in_time(leads(&mut session)).await? {
            let table = in_time(checkpoint(&mut session)).await?;
            self.tell(table);
            *backoff = Backoff::new();
            sleep(self.standby_interval).await;
        }
        let mut table = in_time(checkpoint(&mut session)).await?;
        self.tell(table);
        tracing::info!(
            position = table.position.get(),
            "leading the projection `pools`"
        );
        let mut memory = self.hub.subscribe_progress();
        loop {
            // Only at the end of the process is there no sender any more.
            let ahead = memory
                .wait_for(|memory| memory.position > table.position)
                .await;
            if ahead.map(drop).is_err() {
                return Ok(());
            }
            let cut = self.hub.changed_since(table.position);
            match write(&mut session, table, &cut).await? {
                Moved::Yes => table = cut.progress,
                Moved::No => return Ok(()),
            }
            self.tell(table);
            *backoff = Backoff::new();
            sleep(self.write_interval).await;
        }
    }

    fn tell(&self, table: Progress) {
        self.checkpoint.send_replace(table.position);
    }
}

async fn leads(session: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)")
        .bind(LEADER_LOCK.0)
        .bind(LEADER_LOCK.1)
        .fetch_one(session)
        .await
}

/// Rows and checkpoint, in one transaction, the checkpoint first.
async fn write(
    session: &mut PgConnection,
    from: Progress,
    cut: &Cut,
) -> Result<Moved, sqlx::Error> {
    let mut transaction = in_time(session.begin()).await?;
    if in_time(move_checkpoint(&mut transaction, from, cut.progress)).await? == Moved::No {
        in_time(transaction.rollback()).await?;
        return Ok(Moved::No);
    }
    for rows in cut.pools.chunks(ROWS_MAX) {
        in_time(upsert(&mut transaction, rows)).await?;
    }
    in_time(transaction.commit()).await?;
    Ok(Moved::Yes)
}

async fn in_time<T>(
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let answer = timeout(STATEMENT_TIMEOUT, statement).await;
    answer.unwrap_or_else(|elapsed| Err(std::io::Error::from(elapsed).into()))
}
