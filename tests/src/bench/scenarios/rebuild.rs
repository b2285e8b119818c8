//! How fast read models are filled from a log: each by itself with `query-service rebuild`, beside a plain sequential read
//! of the log, and all of them together by a service that starts on a log that it does not know.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use onsale_proto::v1;
use onsale_shared::log::{EventLog as _, Position};
use tokio::process::Command;

use super::{Scenario, Settings};
use crate::{
    bench::{
        growth::{GrowingLog, rate, verify},
        report::Findings,
    },
    caller::Caller,
    database::TestDatabase,
    service::{Kind, Service, binary},
    system::migrated_database,
};

/// Events of each pool of the log.
const EVENTS_PER_POOL: u32 = 1_000;
/// Pools of the log, for each second that a turn of other scenarios takes.
const POOLS_PER_SECOND: u64 = 150;
/// How many events are read at once.
const PAGE_EVENTS: usize = 1_000;
/// How long the service may take to catch up.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Measures on a log of its own.
///
/// # Errors
/// A service does not start, or a rebuild fails.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let database = migrated_database().await;
    let mut log = GrowingLog::new(database.log().await, EVENTS_PER_POOL)?;
    let pools = settings.span_ms * POOLS_PER_SECOND / 1_000;
    log.grow_to(u32::try_from(pools)?).await?;
    let events = u64::try_from(log.events())?;
    findings.note(Scenario::Rebuild, "events in the log", events, "");

    let read = read_all(&database).await?;
    note(findings, "a plain sequential read of the log", events, read)?;

    let began = Instant::now();
    verify(&database).await?;
    note(
        findings,
        "command-service verify of that log",
        events,
        began.elapsed(),
    )?;

    let began = Instant::now();
    let service = Service::start(Kind::Query, database.url(), &[]).await;
    let channel = service.channel().await;
    let mut caller = Caller::new(channel.clone(), channel);
    let names = caught_up(&mut caller).await?;
    note(
        findings,
        "all together, by a service that starts",
        events,
        began.elapsed(),
    )?;
    service.stop().await;

    for name in names {
        let began = Instant::now();
        let rebuilding = Command::new(binary(Kind::Query))
            .args(["rebuild", &name, "--anew"])
            .env("DATABASE_URL", database.url())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .status();
        let status = rebuilding.await.context("query-service rebuild")?;
        ensure!(status.success(), "rebuild {name} ended with {status}");
        note(
            findings,
            &format!("rebuild of {name}, compared and switched"),
            events,
            began.elapsed(),
        )?;
    }
    Ok(())
}

fn note(findings: &mut Findings, what: &str, events: u64, took: Duration) -> anyhow::Result<()> {
    findings.note(Scenario::Rebuild, what, rate(events, took)?, "events/s");
    Ok(())
}

async fn read_all(database: &TestDatabase) -> anyhow::Result<Duration> {
    let log = database.log().await;
    let (mut position, began) = (Position::START, Instant::now());
    loop {
        let page = log.read(position, PAGE_EVENTS).await?;
        match page.last() {
            Some(last) => position = last.position,
            None => return Ok(began.elapsed()),
        }
    }
}

/// Waits until every projection includes all of the log; their names.
pub(super) async fn caught_up(caller: &mut Caller) -> anyhow::Result<Vec<String>> {
    let began = Instant::now();
    loop {
        let told = projections(caller).await?;
        if told.iter().all(|projection| projection.lag_events == 0) {
            return Ok(told.into_iter().map(|projection| projection.name).collect());
        }
        ensure!(
            began.elapsed() < PATIENCE,
            "projections do not catch up: {told:?}"
        );
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// How far every projection is.
pub(super) async fn projections(caller: &mut Caller) -> anyhow::Result<Vec<v1::Projection>> {
    let request = v1::GetProjectionsRequest::default();
    let answer = caller.queries.get_projections(request).await?;
    Ok(answer.into_inner().projections)
}
