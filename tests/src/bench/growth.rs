//! Whether a large log is slower than a small one: the times of an append and of the read that loads a pool, in two logs
//! that were appended over many pools, in turns, as sales go. The two are measured by turns as well: the machine's minutes
//! differ by more than logs do.

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
    /// Pools of the small log.
    pub pools_of_small: u32,
    /// A shell command that restarts PostgreSQL and empties the machine's cache of files; none: nothing is measured cold.
    pub restart: Option<String>,
}

/// How often each log has its turn.
const ROUNDS: usize = 30;
/// How often each has its turn cold, after a restart.
const COLD_TURNS: usize = 60;

/// Grows two logs, measures them by turns, and says what was found.
///
/// # Errors
/// A log cannot be appended to or read, or the restart fails.
pub async fn run(growth: &Growth) -> anyhow::Result<()> {
    let mut small = Measured::grow("small", growth.pools_of_small).await?;
    let mut large = Measured::grow("large", growth.pools).await?;
    progress("measuring both, by turns");
    small.settle().await?;
    large.settle().await?;
    for _ in 0..ROUNDS {
        small.measure_warm().await?;
        large.measure_warm().await?;
    }
    progress("verifying the large log");
    let began = Instant::now();
    verify(&large.database).await?;
    let verified = rate(u64::try_from(large.probe.events())?, began.elapsed())?;
    if let Some(command) = &growth.restart {
        measure_cold(command, &mut small, &mut large).await?;
    }
    small.say().await?;
    large.say().await?;
    writeln!(stdout(), "  command-service verify: {verified} events/s")?;
    Ok(())
}

/// Each turn has a restart of its own: after a few appends all that is touched of a small log is in memory again, and it
/// would be measured warm beside a large one that is cold.
async fn measure_cold(
    restart: &str,
    small: &mut Measured,
    large: &mut Measured,
) -> anyhow::Result<()> {
    for turn in 1..=COLD_TURNS {
        progress(&format!("measuring both cold: {turn} of {COLD_TURNS}"));
        let status = Command::new("sh").args(["-c", restart]).status()?;
        ensure!(status.success(), "the restart ended with {status}");
        let mut order = [&mut *small, &mut *large];
        if turn % 2 == 0 {
            order.reverse();
        }
        for measured in order {
            measured.measure_cold().await?;
        }
    }
    Ok(())
}

/// A log of one size, in a database of its own.
struct Measured {
    name: &'static str,
    database: TestDatabase,
    probe: Probe,
    warm: Times,
    cold: Times,
}

impl Measured {
    async fn grow(name: &'static str, pools: u32) -> anyhow::Result<Self> {
        progress(&format!("growing the {name} log"));
        let database = migrated_database().await;
        let mut log = GrowingLog::new(database.log().await, EVENTS_PER_POOL)?;
        log.grow_to(pools).await?;
        Ok(Self {
            name,
            database,
            probe: Probe::new(log),
            warm: Times::default(),
            cold: Times::default(),
        })
    }

    async fn settle(&self) -> sqlx::Result<()> {
        settle(&mut self.database.admin().await).await
    }

    async fn measure_warm(&mut self) -> anyhow::Result<()> {
        self.probe.measure_warm(&mut self.warm).await
    }

    async fn measure_cold(&mut self) -> anyhow::Result<()> {
        self.probe.reconnect(self.database.log().await);
        self.probe.measure_cold(&mut self.cold).await
    }

    /// With what PostgreSQL says of the size of the table and of each index.
    async fn say(&self) -> anyhow::Result<()> {
        let bytes: Vec<(String, i64)> = sqlx::query_as(
            "SELECT relname::text, pg_relation_size(pg_class.oid) FROM pg_class \
               JOIN pg_namespace ON pg_namespace.oid = relnamespace \
              WHERE nspname = 'onsale_log' AND relkind IN ('r', 'i') AND relname LIKE 'events%' ORDER BY relname",
        )
        .fetch_all(&mut self.database.admin().await)
        .await?;
        let mut out = stdout();
        writeln!(out, "{} log: {} events", self.name, self.probe.events())?;
        writeln!(out, "  warm: {}", self.warm)?;
        if !self.cold.is_empty() {
            writeln!(out, "  cold: {}", self.cold)?;
        }
        for (relation, bytes) in &bytes {
            writeln!(out, "  {relation}: {} MB", bytes / 1_000_000)?;
        }
        Ok(())
    }
}

/// What a server does in the background after so many inserts is done before anything is measured.
async fn settle(server: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("VACUUM (ANALYZE) onsale_log.events")
        .execute(&mut *server)
        .await?;
    sqlx::query("CHECKPOINT").execute(server).await?;
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
