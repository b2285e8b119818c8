//! What a load costs: processor time of each side, bytes of write-ahead log, transactions.

use std::{fs, time::Duration};

use onsale_shared::log::Position;
use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgConnectOptions};

/// Linux counts processor time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// Looks at processes and at the database server.
#[derive(Debug)]
pub struct Meter {
    /// Of the engine.
    pids: Vec<u32>,
    database: PgConnection,
    /// Of the database server's first process.
    postmaster: Option<u32>,
    /// Whether the database has an event log.
    has_log: bool,
}

/// What the counters say at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    engine: Option<Duration>,
    postgres: Option<Duration>,
    generator: Option<Duration>,
    wal: i64,
    transactions: i64,
    position: i64,
}

/// The difference of two readings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Processor time of the engine's processes; none where there is no `/proc`.
    pub engine: Option<Duration>,
    /// Processor time of PostgreSQL's processes; none where it is not on this machine.
    pub postgres: Option<Duration>,
    /// Processor time of this program.
    pub generator: Option<Duration>,
    /// Bytes of write-ahead log, of the whole server.
    pub wal: i64,
    /// Transactions that wrote, of the whole server.
    pub transactions: i64,
    /// Positions of the event log: those of the events after the first, up to the second.
    pub positions: (i64, i64),
}

impl Meter {
    /// For the processes `pids` and a database.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn new(options: &PgConnectOptions, pids: Vec<u32>) -> anyhow::Result<Self> {
        let mut database = PgConnection::connect_with(options).await?;
        let row = sqlx::query(
            "SELECT pg_backend_pid(), to_regclass('onsale_log.events') IS NOT NULL AS has_log",
        )
        .fetch_one(&mut database)
        .await?;
        let backend = u32::try_from(row.try_get::<i32, _>(0)?)?;
        Ok(Self {
            pids,
            postmaster: stat(backend)
                .filter(|stat| stat.is_postgres)
                .map(|stat| stat.parent),
            has_log: row.try_get(1)?,
            database,
        })
    }

    /// What the counters say now.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn read(&mut self) -> anyhow::Result<Reading> {
        // A writing transaction takes one number; this one takes none.
        let row = sqlx::query(
            "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
                    pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
        )
        .fetch_one(&mut self.database)
        .await?;
        Ok(Reading {
            engine: match self.pids.as_slice() {
                [] => None,
                pids => pids.iter().map(|pid| Some(stat(*pid)?.own)).sum(),
            },
            postgres: self.postmaster.and_then(postgres_time),
            generator: stat(std::process::id()).map(|stat| stat.own),
            wal: row.try_get(0)?,
            transactions: row.try_get(1)?,
            position: self.head().await?,
        })
    }

    async fn head(&mut self) -> anyhow::Result<i64> {
        if !self.has_log {
            return Ok(Position::START.get());
        }
        let head = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM onsale_log.events")
            .fetch_one(&mut self.database)
            .await?;
        Ok(head)
    }

    /// How many transactions appended the events of `usage`; none without an event log.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn appends(&mut self, usage: &Usage) -> anyhow::Result<Option<i64>> {
        if !self.has_log {
            return Ok(None);
        }
        // Of each row PostgreSQL keeps the transaction that wrote it.
        let count = sqlx::query_scalar(
            "SELECT count(*) FROM (SELECT xmin FROM onsale_log.events
                                    WHERE position > $1 AND position <= $2 GROUP BY xmin) appends",
        )
        .bind(usage.positions.0)
        .bind(usage.positions.1)
        .fetch_one(&mut self.database)
        .await?;
        Ok(Some(count))
    }
}

impl Reading {
    /// What was used since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Usage {
        let span =
            |now: Option<Duration>, before: Option<Duration>| Some(now?.saturating_sub(before?));
        Usage {
            engine: span(self.engine, earlier.engine),
            postgres: span(self.postgres, earlier.postgres),
            generator: span(self.generator, earlier.generator),
            wal: self.wal - earlier.wal,
            transactions: self.transactions - earlier.transactions,
            positions: (earlier.position, self.position),
        }
    }
}

/// What Linux says of a process.
struct Stat {
    parent: u32,
    is_postgres: bool,
    own: Duration,
    /// Of children that have ended.
    children: Duration,
}

/// None if it is gone, or where there is no `/proc`.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold spaces and parentheses.
    let (name, rest) = text.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u32>().ok();
    Some(Stat {
        parent: ticks(1)?,
        is_postgres: name.contains("postgres"),
        own: TICK * (ticks(11)? + ticks(12)?),
        children: TICK * (ticks(13)? + ticks(14)?),
    })
}

/// Of the server's first process, of its children, and of those of them that have ended.
fn postgres_time(postmaster: u32) -> Option<Duration> {
    let first = stat(postmaster)?;
    let children = fs::read_dir("/proc").ok()?.filter_map(|entry| {
        let child = stat(entry.ok()?.file_name().to_str()?.parse().ok()?)?;
        (child.parent == postmaster).then_some(child.own)
    });
    Some(first.own + first.children + children.sum::<Duration>())
}

#[cfg(test)]
mod tests {
    use super::stat;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_found_with_its_parent() {
        let this = stat(std::process::id()).expect("this process runs");
        assert_eq!(this.parent, std::os::unix::process::parent_id());
        assert!(!this.is_postgres);
        assert!(stat(u32::MAX).is_none());
    }
}
