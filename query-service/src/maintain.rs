//! What an operator runs beside the service: read models built anew, or compared with the log.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use onsale_shared::log::{
    EventLog,
    postgres::{PostgresLog, PostgresLogConfig, Role},
};

use crate::{
    database::Database,
    projections::{
        Projection,
        all::{self, ALL},
        rebuild::{Builder, Comparison, RebuildOptions},
    },
};

/// How the progress looks.
const PROGRESS: &str =
    "{prefix} {msg} {wide_bar} {human_pos} of {human_len} events, {per_sec}, {eta} left";

/// Builds a projection anew beside the live one, compares the two, and makes the new one live; says what was compared. With
/// a progress bar if standard error is a terminal.
///
/// # Errors
/// There is no such projection, the database failed, an event cannot be applied, or the tables differ.
pub async fn rebuild(
    database_url: &str,
    projection: &str,
    options: RebuildOptions,
) -> anyhow::Result<Comparison> {
    let projection = named(projection)?;
    let (database, log) = open(database_url).await?;
    let progress = progress(projection)?;
    let builder = Builder::begin(projection, &database, log, progress.clone()).await;
    let rebuilt = builder?.rebuild(options).await;
    progress.finish_and_clear();
    Ok(rebuilt?)
}

/// Compares projections with the fold of the log, all if none is named.
///
/// # Errors
/// There is no such projection, or it could not be compared.
pub async fn verify(database_url: &str, projections: &[String]) -> anyhow::Result<Vec<Comparison>> {
    let projections = match projections {
        [] => ALL.to_vec(),
        names => names
            .iter()
            .map(|name| named(name))
            .collect::<Result<_, _>>()?,
    };
    let (database, log) = open(database_url).await?;
    let mut compared = Vec::new();
    for projection in projections {
        let progress = progress(projection)?;
        let builder = Builder::begin(projection, &database, Arc::clone(&log), progress.clone());
        let verified = builder.await?.verify().await;
        progress.finish_and_clear();
        compared.push(verified.with_context(|| format!("`{}` was not verified", projection.name))?);
    }
    Ok(compared)
}

fn named(name: &str) -> anyhow::Result<&'static Projection> {
    let Some(projection) = all::named(name) else {
        let names: Vec<_> = ALL.iter().map(|projection| projection.name).collect();
        bail!(
            "there is no projection {name:?}; there are {}",
            names.join(", ")
        );
    };
    Ok(projection)
}

/// Draws on standard error, and nothing where that is no terminal.
fn progress(projection: &Projection) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template(PROGRESS)?;
    let bar = ProgressBar::no_length().with_style(style);
    Ok(bar.with_prefix(projection.name))
}

async fn open(database_url: &str) -> anyhow::Result<(Database, Arc<dyn EventLog>)> {
    let database = Database::open(database_url).await?;
    let config = PostgresLogConfig {
        notify: false,
        ..PostgresLogConfig::new(database.options().clone(), Some(Role::Query))
    };
    let log = PostgresLog::connect(config).await;
    Ok((database, Arc::new(log.context("the event log")?)))
}
