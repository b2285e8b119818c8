//! `command-service verify`: reads the whole log, and says whether everything in it can have happened. Each event is
//! asked twice: by the state that decides commands, and by a model that shares nothing with it.

mod model;

use std::{collections::HashMap, fmt};

use anyhow::Context as _;
use onsale_shared::{
    event::PoolEvent,
    log::{
        EventLog, Position, RecordedEvent, StreamName, Version,
        postgres::{self, PostgresLog, PostgresLogConfig},
    },
    time::Timestamp,
};

use self::model::Model;
use crate::{domain::Pool, pools::history};

/// Events a page.
const PAGE_EVENTS: usize = 1_000;
/// So many findings are told, the first of each pool; of more, that there are more.
const FINDINGS_MAX: usize = 100;

/// What was read, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Report {
    /// How many events were read.
    pub events: u64,
    /// Of how many pools.
    pub pools: usize,
    /// The last position that was read.
    pub position: Position,
    /// The first event of each pool that cannot have happened, at most 100.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more_findings: usize,
}

/// An event that cannot have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamName,
    /// Its place in the stream.
    pub version: Version,
    /// The kind of event.
    pub kind: String,
    /// What is wrong.
    pub wrong: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "position {}, {} version {}, {}: {}",
            self.position, self.stream, self.version, self.kind, self.wrong
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        if self.more_findings > 0 {
            writeln!(f, "and {} more pools", self.more_findings)?;
        }
        let verdict = match self.findings.len() + self.more_findings {
            0 => "all of it can have happened".to_owned(),
            1 => "one pool cannot have become what it is".to_owned(),
            bad => format!("{bad} pools cannot have become what they are"),
        };
        write!(
            f,
            "{} events of {} pools, up to position {}: {verdict}",
            self.events, self.pools, self.position
        )
    }
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// A pool, folded twice.
#[derive(Debug, Default)]
struct Folded {
    pool: Pool,
    model: Model,
    version: Version,
    time: Timestamp,
    is_bad: bool,
}

/// Verifies the log of a database.
///
/// # Errors
/// The database cannot be reached or read.
pub async fn verify(database_url: &str) -> anyhow::Result<Report> {
    let options =
        postgres::session_options(database_url, "command-service").context("DATABASE_URL")?;
    let config = PostgresLogConfig {
        notify: false,
        ..PostgresLogConfig::new(options, None)
    };
    let log = PostgresLog::connect(config)
        .await
        .context("the event log")?;
    verify_log(&log).await
}

/// Verifies a log, up to where it is when the end is reached.
///
/// # Errors
/// The log cannot be read.
pub async fn verify_log(log: &dyn EventLog) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut pools = HashMap::new();
    loop {
        let page = log.read(report.position, PAGE_EVENTS).await?;
        for recorded in &page {
            report.look_at(recorded, &mut pools);
        }
        if page.len() < PAGE_EVENTS {
            report.pools = pools.len();
            return Ok(report);
        }
    }
}

impl Report {
    fn look_at(&mut self, recorded: &RecordedEvent, pools: &mut HashMap<StreamName, Folded>) {
        self.events += 1;
        let is_next = recorded.position == self.position.plus(1);
        self.position = recorded.position;
        let folded = pools.entry(recorded.stream.clone()).or_default();
        let wrong = match is_next {
            true => folded.fold(recorded),
            false => Some("there is a gap in the log before it".to_owned()),
        };
        let Some(wrong) = wrong.filter(|_| !folded.is_bad) else {
            return;
        };
        folded.is_bad = true;
        if self.findings.len() == FINDINGS_MAX {
            self.more_findings += 1;
            return;
        }
        self.findings.push(Finding {
            position: recorded.position,
            stream: recorded.stream.clone(),
            version: recorded.version,
            kind: recorded.kind.clone(),
            wrong,
        });
    }
}

impl Folded {
    /// What is wrong with the next event of the stream, if anything is.
    fn fold(&mut self, recorded: &RecordedEvent) -> Option<String> {
        let (known, time) = (self.version, self.time);
        self.version = recorded.version;
        self.time = recorded.time;
        if recorded.version != known.next() {
            return Some(format!("the event before it has version {known}"));
        }
        if recorded.time < time {
            return Some(format!("the event before it was decided later, at {time}"));
        }
        let event: PoolEvent = match recorded.decode() {
            Ok(event) => event,
            Err(error) => return Some(error.to_string()),
        };
        history::fold(&mut self.pool, std::slice::from_ref(recorded));
        let by_model = self.model.fold(&event);
        let by_state = self.pool.corrupted_at().map(|_| "it contradicts the pool");
        by_model.or(by_state).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests;
