//! Where and when a run took place.

use std::{fs, process::Command, thread};

use serde::Serialize;
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::database::server_url;

/// The settings of PostgreSQL that matter to what is measured.
const SETTINGS: [&str; 12] = [
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "wal_compression",
    "data_checksums",
    "shared_buffers",
    "wal_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "max_connections",
];

/// Where and when.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// When the run began, by the database's clock.
    pub date: String,
    /// What was measured.
    pub commit: Option<String>,
    /// Of what make the processor is.
    pub processor: Option<String>,
    /// How many things it does at once.
    pub cores: usize,
    /// In GiB.
    pub memory_gib: Option<u64>,
    /// The operating system.
    pub system: Option<String>,
    /// How many processes wanted to run before the run began, over one, five and fifteen minutes.
    pub load_before: Option<String>,
    /// Name and value.
    pub postgres: Vec<(String, String)>,
}

impl Machine {
    /// This one, now.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn look() -> anyhow::Result<Self> {
        let mut database = PgConnection::connect(&server_url()).await?;
        let date = sqlx::query_scalar(
            "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI \"UTC\"')",
        )
        .fetch_one(&mut database)
        .await?;
        let rows = sqlx::query(
            "SELECT name, current_setting(name) FROM unnest($1::text[]) WITH ORDINALITY AS s (name, no) ORDER BY no",
        )
        .bind(SETTINGS.map(str::to_owned).to_vec())
        .fetch_all(&mut database)
        .await?;
        let postgres = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, sqlx::Error>>()?;
        let memory = field("/proc/meminfo", "MemTotal");
        let kib = memory.and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok());
        Ok(Self {
            date,
            commit: commit(),
            processor: field("/proc/cpuinfo", "model name"),
            cores: thread::available_parallelism()?.get(),
            memory_gib: kib.map(|kib| kib.div_ceil(1 << 20)),
            system: fs::read_to_string("/proc/version").ok().map(|text| {
                text.split_whitespace()
                    .take(3)
                    .collect::<Vec<_>>()
                    .join(" ")
            }),
            load_before: fs::read_to_string("/proc/loadavg")
                .ok()
                .map(|text| text.split(' ').take(3).collect::<Vec<_>>().join(" ")),
            postgres,
        })
    }

    /// The value of a setting of PostgreSQL; empty if it is not among those that matter.
    #[must_use]
    pub fn setting(&self, name: &str) -> &str {
        let mut settings = self.postgres.iter();
        let setting = settings.find(|(of, _)| of == name);
        setting.map_or("", |(_, value)| value)
    }

    /// It in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".into());
        let memory = self
            .memory_gib
            .map_or_else(|| "?".into(), |gib| gib.to_string());
        format!(
            "{}, commit {}, {} × {}, {memory} GiB, {}, load before {}",
            self.date,
            or_unknown(&self.commit),
            self.cores,
            or_unknown(&self.processor),
            or_unknown(&self.system),
            or_unknown(&self.load_before),
        )
    }
}

/// What the lines of a file in `/proc` say after a name; the first of them.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start_matches([' ', '\t', ':']).trim().to_owned())
}

/// What is checked out, if that is known; with a mark if it was changed since.
fn commit() -> Option<String> {
    let described = Command::new("git")
        .args(["describe", "--always", "--dirty", "--exclude=*"])
        .output()
        .ok()?;
    let text = String::from_utf8(described.stdout).ok()?;
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}
