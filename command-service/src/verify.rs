//! `command-service verify`: reads the whole log, and says whether everything in it can have happened. Each event is
//! asked twice: by the state that decides commands, and by a model that shares nothing with it.
//!
//! - `read`: pages, ahead of who works on them; `decoded`: what they say, dealt out by stream.
//! - `replay`: pools folded, each by one worker; `model`: the rules of sale a second time.
//! - `snapshots`: what is stored of pools, compared with the replay.
//! - `report`: what was found; `compared`: of snapshots.

mod compared;
mod decoded;
mod model;
mod read;
mod replay;
mod report;
mod snapshots;

use std::{sync::Arc, thread::available_parallelism};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use onsale_shared::log::{
    EventLog,
    postgres::{self, PostgresLog, PostgresLogConfig},
};
use sqlx::{Connection as _, postgres::PgPoolOptions};
use tokio::sync::mpsc;

use self::{
    decoded::Decoded,
    read::{Decoding, PAGES_AHEAD_MAX, read},
    replay::{PARTS_AHEAD_MAX, Replays},
    snapshots::{AtMarks, Marks, Stored},
};
use crate::snapshots::Store;

pub use compared::{Compared, WrongSnapshot};
pub use report::{Finding, Findings, Report};

/// The most workers; beyond them one connection cannot read as fast as they work.
const WORKERS_MAX: usize = 8;
/// How the progress looks.
const PROGRESS: &str = "{wide_bar} {human_pos} of {human_len} events, {per_sec}, {eta} left";

/// Verifies the log of a database and its snapshots, with a progress bar if standard error is a terminal.
///
/// # Errors
/// The database cannot be reached or read.
pub async fn verify(database_url: &str) -> anyhow::Result<Report> {
    let options = postgres::session_options(database_url, "command-service")?;
    let mut connection = postgres::first_connection(&options).await?;
    anyhow::ensure!(
        postgres::is_migrated(&mut connection).await?,
        "the database has no event log of this version: run `command-service migrate` first"
    );
    connection.close().await?;
    let config = PostgresLogConfig {
        notify: false,
        ..PostgresLogConfig::new(options.clone(), None)
    };
    let log = PostgresLog::connect(config)
        .await
        .context("the event log")?;
    // Draws on standard error, and nothing where that is no terminal.
    let progress = ProgressBar::no_length().with_style(ProgressStyle::with_template(PROGRESS)?);
    let database = PgPoolOptions::new().max_connections(1);
    // Before the log: what is appended meanwhile is read as well, so that no snapshot is ahead of it.
    let stored = Stored::read(Store::new(database.connect_lazy_with(options))).await;
    let replayed = replay(&log, stored.marks(), &progress).await;
    progress.finish_and_clear();
    let (report, at_marks) = replayed?;
    Ok(Report {
        snapshots: Some(stored.compare(&at_marks).await),
        ..report
    })
}

/// Verifies a log, up to where it is when the end is reached.
///
/// # Errors
/// The log cannot be read.
pub async fn verify_log(log: &dyn EventLog) -> anyhow::Result<Report> {
    let (report, _) = replay(log, Marks::default(), &ProgressBar::hidden()).await?;
    Ok(report)
}

/// Replays a log, and shows on `progress` how far it is. Says what pools were at the versions in `marks`, too.
async fn replay(
    log: &dyn EventLog,
    marks: Marks,
    progress: &ProgressBar,
) -> anyhow::Result<(Report, AtMarks)> {
    let head = log.head().await?.position.get();
    progress.set_length(u64::try_from(head)?);
    let workers = available_parallelism().map_or(1, |cores| cores.get().min(WORKERS_MAX));
    let marks = Arc::new(marks);
    let (parts, replays): (Vec<_>, Vec<_>) = (0..workers)
        .map(|_| {
            let (parts, waiting) = mpsc::channel(PARTS_AHEAD_MAX);
            let marks = Arc::clone(&marks);
            let replays = tokio::task::spawn_blocking(move || Replays::run(waiting, marks));
            (parts, replays)
        })
        .unzip();
    let (pages, decoding) = mpsc::channel(PAGES_AHEAD_MAX);
    let reading = async { Ok(read(log, workers, pages).await?) };
    let ((), mut report) = tokio::try_join!(reading, deal(decoding, parts, progress))?;
    let mut at_marks = AtMarks::default();
    for replays in replays {
        let replayed = replays.await?;
        report.pools += replayed.pools;
        report.findings.merge(replayed.findings);
        at_marks.extend(replayed.at_marks);
    }
    Ok((report, at_marks))
}

/// Deals the pages out to the workers, in order.
async fn deal(
    mut pages: mpsc::Receiver<Decoding>,
    workers: Vec<mpsc::Sender<Vec<Decoded>>>,
    progress: &ProgressBar,
) -> anyhow::Result<Report> {
    let mut report = Report::default();
    while let Some(page) = pages.recv().await {
        for (part, worker) in page.await?.into_iter().zip(&workers) {
            let Some(last) = part.last() else { continue };
            report.position = report.position.max(last.recorded.position);
            report.events += u64::try_from(part.len())?;
            worker.send(part).await.context("a replay ended early")?;
        }
        progress.set_length(progress.length().unwrap_or(0).max(report.events));
        progress.set_position(report.events);
    }
    Ok(report)
}

#[cfg(test)]
mod tests;
