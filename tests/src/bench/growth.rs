//! Whether a large log is slower than a small one: the times of an append and of the read that loads a pool, at two sizes
//! of a log that was appended over many pools, in turns, as sales go.

mod log;
mod probe;

use std::{
    io::{Write as _, stdout},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use sqlx::PgConnection;

pub(super) use self::log::GrowingLog;

use self::probe::{Probe, Times};
use super::report::progress;
use crate::{
    database::TestDatabase,
    service::{Kind, binary},
    system::migrated_database,
};

/// Events of each pool when it is loaded.
const EVENTS_PER_POOL: u32 = 1_000;

/// What grows, and how far.
#[derive(Clone, Debug)]
pub struct Growth {
    /// Pools of the large log.
    pub pools: u32,
    /// Pools of the small log, with which the large one begins.
    pub pools_at_first: u32,
    /// A shell command that restarts PostgreSQL and empties the machine's cache of files; none: nothing is measured cold.
    pub restart: Option<String>,
}

/// Grows a log, measures it twice, and says what was found.
///
/// # Errors
/// The log cannot be appended to or read, or the restart fails.
pub async fn run(growth: &Growth) -> anyhow::Result<()> {
    let database = migrated_database().await;
    let mut log = GrowingLog::new(database.log().await, EVENTS_PER_POOL)?;
    progress("growing the small log");
    log.grow_to(growth.pools_at_first).await?;
    say("small", &measure(&mut log, &database, growth).await?)?;
    progress("growing the large log");
    log.grow_to(growth.pools).await?;
    say("large", &measure(&mut log, &database, growth).await?)?;
    progress("verifying the large log");
    let began = Instant::now();
    verify(&database).await?;
    let rate = rate(u64::try_from(log.events())?, began.elapsed())?;
    writeln!(stdout(), "  command-service verify: {rate} events/s")?;
    Ok(())
}

/// A log of one size.
struct Size {
    events: i64,
    warm: Times,
    cold: Option<Times>,
    /// What PostgreSQL says of the size of the table and of each index.
    bytes: Vec<(String, i64)>,
}

async fn measure(
    log: &mut GrowingLog,
    database: &TestDatabase,
    growth: &Growth,
) -> anyhow::Result<Size> {
    settle(&mut database.admin().await).await?;
    let mut probe = Probe::new(log);
    // What is touched for the first time is in no cache; so the same pools are touched twice, and the second time counts.
    probe.times().await?;
    probe.start_again();
    let warm = probe.times().await?;
    let cold = match &growth.restart {
        None => None,
        Some(command) => {
            let status = Command::new("sh").args(["-c", command]).status()?;
            ensure!(status.success(), "the restart ended with {status}");
            probe.reconnect(database.log().await);
            Some(probe.times().await?)
        }
    };
    let bytes = sqlx::query_as(
        "SELECT relname::text, pg_relation_size(pg_class.oid) FROM pg_class \
           JOIN pg_namespace ON pg_namespace.oid = relnamespace \
          WHERE nspname = 'onsale_log' AND relkind IN ('r', 'i') AND relname LIKE 'events%' ORDER BY relname",
    )
    .fetch_all(&mut database.admin().await)
    .await?;
    Ok(Size {
        events: probe.events(),
        warm,
        cold,
        bytes,
    })
}

/// What a server does in the background after so many inserts is done before anything is measured.
async fn settle(server: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("VACUUM (ANALYZE) onsale_log.events")
        .execute(&mut *server)
        .await?;
    sqlx::query("CHECKPOINT").execute(server).await?;
    Ok(())
}

fn say(name: &str, size: &Size) -> anyhow::Result<()> {
    let mut out = stdout();
    writeln!(out, "{name} log: {} events", size.events)?;
    writeln!(out, "  warm: {}", size.warm)?;
    if let Some(cold) = &size.cold {
        writeln!(out, "  cold: {cold}")?;
    }
    for (relation, bytes) in &size.bytes {
        writeln!(out, "  {relation}: {} MB", bytes / 1_000_000)?;
    }
    Ok(())
}

/// `command-service verify`; its report is shown only if something is wrong.
pub(super) async fn verify(database: &TestDatabase) -> anyhow::Result<()> {
    let verified = tokio::process::Command::new(binary(Kind::Command))
        .arg("verify")
        .env("DATABASE_URL", database.url())
        .output()
        .await
        .context("command-service verify")?;
    let report = String::from_utf8_lossy(&verified.stdout);
    let error = String::from_utf8_lossy(&verified.stderr);
    ensure!(verified.status.success(), "verify found: {report}{error}");
    Ok(())
}

/// So many events in this time, by the second.
pub(super) fn rate(events: u64, took: Duration) -> anyhow::Result<u64> {
    let millis = u64::try_from(took.as_millis())?.max(1);
    Ok(events * 1_000 / millis)
}

/// A duration for people.
fn millis(duration: Duration) -> String {
    format!(
        "{}.{:03} ms",
        duration.as_millis(),
        duration.subsec_micros() % 1_000
    )
}
