//! All that was sold and refunded, row by row, of one snapshot. A task of its own reads ahead of its reader by a little,
//! so that memory is bounded however much there is and however slow the reader is.

use std::{pin::pin, sync::Arc, time::Duration};

use futures::StreamExt as _;
use onsale_shared::{id::PoolId, log::Position};
use sqlx::PgConnection;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{timeout, timeout_at},
};

use super::{Freshness, Queries, QueryError, sales_report::Selection};
use crate::{
    database::Database,
    projections::sales::SALES,
    read_models::{
        sales_export::{self, EXPORT_MS_MAX, Row, Snapshot},
        sales_report::{Seller, Span},
    },
};

/// The most exports at once: each has a connection of its own.
const EXPORTS_MAX: usize = 4;
/// How many rows are handed on together.
const BATCH_ROWS: usize = 500;
/// How many batches may wait for their reader.
const BATCHES_AHEAD: usize = 2;
/// PostgreSQL ends an export that takes too long; a connection that hangs is given up so much later.
const GRACE: Duration = Duration::from_secs(5);

/// What exports need.
#[derive(Clone, Debug)]
pub(crate) struct Exports {
    database: Database,
    permits: Arc<Semaphore>,
}

/// An export under way. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct SalesExport {
    /// The pools, in order.
    pub(crate) sellers: Arc<Vec<Seller>>,
    pub(crate) span: Span,
    /// What the rows include.
    pub(crate) included: Position,
    batches: mpsc::Receiver<Step>,
}

/// Some rows, or none when there are no more.
type Step = Result<Option<Vec<Row>>, QueryError>;

impl Exports {
    pub(crate) fn new(database: Database) -> Self {
        Self {
            database,
            permits: Arc::new(Semaphore::new(EXPORTS_MAX)),
        }
    }
}

impl SalesExport {
    /// The next rows; none at the end.
    ///
    /// # Errors
    /// There are more rows, but they cannot be read.
    pub(crate) async fn next(&mut self) -> Step {
        // Who ends before the last row says so: nobody may take a part for all.
        let step = self.batches.recv().await;
        step.unwrap_or(Err(QueryError::TookTooLong))
    }
}

impl Queries {
    /// Begins to read; rows come by pool, bucket and price.
    pub(crate) async fn export_sales_report(
        &self,
        selection: &Selection,
        freshness: Freshness,
    ) -> Result<SalesExport, QueryError> {
        let permit = Arc::clone(&self.exports.permits).try_acquire_owned();
        let permit = permit.map_err(|_none_left| QueryError::TooManyStreams)?;
        let (sellers, known) = self.sellers(&selection.scope, freshness).await?;
        // Waits until the table is as fresh as is required; from there on it is.
        let waiting = self.read(&SALES, freshness, |_connection, _as_of| {
            Box::pin(async { Ok(()) })
        });
        waiting.await?;
        let beginning = async {
            let mut session = self.exports.database.session().await?;
            let snapshot = sales_export::begin(&mut session).await?;
            Ok::<_, QueryError>((session, snapshot))
        };
        let begun = timeout_at(freshness.deadline, beginning).await;
        let (session, snapshot) = begun.map_err(|_elapsed| QueryError::DatabaseTooSlow)??;
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let export = SalesExport {
            sellers: Arc::clone(&sellers),
            span: selection.span,
            included: snapshot.progress.position.min(known),
            batches,
        };
        let reading = read(session, snapshot, sellers, export.span, sender, permit);
        drop(tokio::spawn(reading));
        Ok(export)
    }
}

/// Hands all rows on, until the reader has gone.
async fn read(
    mut session: PgConnection,
    snapshot: Snapshot,
    sellers: Arc<Vec<Seller>>,
    span: Span,
    sender: mpsc::Sender<Step>,
    _permit: OwnedSemaphorePermit,
) {
    let pools: Vec<&PoolId> = sellers.iter().map(|seller| &seller.pool).collect();
    let rows = sales_export::rows(&mut session, &snapshot, &pools, span);
    let mut batches = pin!(rows.chunks(BATCH_ROWS));
    let reader = sender.clone();
    let reading = async {
        while let Some(batch) = batches.next().await {
            let batch: Result<Vec<Row>, _> = batch.into_iter().collect();
            let is_last = batch.is_err();
            let step = batch.map(Some).map_err(QueryError::from);
            if sender.send(step).await.is_err() || is_last {
                return;
            }
        }
        // The reader may have gone.
        sender.send(Ok(None)).await.ok();
    };
    let limit = Duration::from_millis(EXPORT_MS_MAX.into()) + GRACE;
    tokio::select! {
        ended = timeout(limit, reading) => {
            if ended.is_err() {
                tracing::warn!("an export of sales took longer than it may; it is cut off");
            }
        }
        // While PostgreSQL has not said anything yet, too.
        () = reader.closed() => {}
    }
}
