//! What is older than this program is built anew in the background, one projection after the other, while the old tables
//! answer.

use std::{sync::Arc, time::Duration};

use indicatif::ProgressBar;
use onsale_shared::log::EventLog;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Projection,
    rebuild::{Builder, RebuildError, RebuildOptions},
};
use crate::{database::Database, read_models::generations};

/// How long to wait for who builds already, and before what failed is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Builds until nothing is older than this program, or until `stop`.
pub(crate) async fn renew(
    projections: &'static [&'static Projection],
    database: Database,
    log: Arc<dyn EventLog>,
    stop: CancellationToken,
) {
    let renewing = async {
        let mut refused = None;
        while let Err(error) = attempt(projections, &database, &log).await {
            // Once for each reason.
            let text = error.to_string();
            if refused.as_ref() != Some(&text) {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "tables of an older version are not built anew; trying again"
                );
                refused = Some(text);
            }
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = renewing => {}
    }
}

async fn attempt(
    projections: &'static [&'static Projection],
    database: &Database,
    log: &Arc<dyn EventLog>,
) -> Result<(), RebuildError> {
    // Who fails does not keep the others from their turn.
    let mut failed = Ok(());
    for projection in projections {
        let renewed = renew_one(projection, database, log).await;
        if failed.is_ok() {
            failed = renewed;
        }
    }
    failed
}

async fn renew_one(
    projection: &'static Projection,
    database: &Database,
    log: &Arc<dyn EventLog>,
) -> Result<(), RebuildError> {
    let mut session = database.session().await?;
    let live = generations::live(&mut session, projection.name).await?;
    drop(session);
    if live.version >= projection.version {
        return Ok(());
    }
    tracing::info!(
        projection = projection.name,
        from = live.version,
        to = projection.version,
        "the tables of `{}` are built anew",
        projection.name
    );
    let hidden = ProgressBar::hidden();
    let builder = Builder::begin(projection, database, Arc::clone(log), hidden).await;
    let compared = builder?.rebuild(RebuildOptions::default()).await?;
    tracing::info!(
        projection = projection.name,
        "the new tables of `{}` answer now; {compared}",
        projection.name
    );
    Ok(())
}
