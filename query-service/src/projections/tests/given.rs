//! A database of its own for each test, a log in it, a projection that counts, and runners of it.

use std::{env, sync::Arc, time::Duration};

use async_trait::async_trait;
use indicatif::ProgressBar;
use onsale_shared::{
    event::Encoded,
    id::{EventId, IdSource},
    log::{
        AppendBatch, EventLog as _, Group, NewEvent, Position, Version,
        postgres::{PostgresLog, PostgresLogConfig, Role},
    },
    time::Timestamp,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    availability::Hub,
    database::Database,
    projections::{
        ApplyError, Entry, Projection, Projector, Table,
        board::{Board, Known},
        pages::Pages,
        rebuild::Builder,
        runner::{Engine, Runner},
    },
    read_models::generations,
    readiness::{Readiness, starting},
};

/// Longer than anything takes that works.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// Counts the events of each pool, by adding: an event that is applied twice is counted twice. It reads every fact but
/// those of pools whose names begin with `raw`, and its table refuses a pool named `toxic`.
pub(super) static SAMPLE: Projection = Projection {
    name: "sample",
    version: 1,
    tables_sql: "CREATE TABLE counted (pool text COLLATE \"C\" PRIMARY KEY CHECK (pool <> 'toxic'), \
                                       events bigint NOT NULL, position bigint NOT NULL)",
    indexes_sql: "CREATE INDEX counted_events_idx ON counted (events)",
    tables: &[Table {
        name: "counted",
        key: "pool",
    }],
    projector: || Box::new(Counter),
};

/// The sample in a newer version: another type, a column more, and one that is written otherwise.
pub(super) static SAMPLE_2: Projection = Projection {
    version: 2,
    tables_sql: "CREATE TABLE counted (pool text COLLATE \"C\" PRIMARY KEY, twice numeric NOT NULL DEFAULT 2, \
                                       events numeric NOT NULL, position bigint NOT NULL); \
                 ALTER TABLE counted ALTER COLUMN twice DROP DEFAULT",
    projector: || Box::new(TwiceCounter),
    ..SAMPLE
};

/// The sample in the same version, mended: it counts what it cannot read.
pub(super) static SAMPLE_MENDED: Projection = Projection {
    projector: || Box::new(LenientCounter),
    ..SAMPLE
};

/// The sample in the same version, on a slow disk.
pub(super) static SAMPLE_SLOW: Projection = Projection {
    projector: || Box::new(SlowCounter),
    ..SAMPLE
};

struct Counter;

struct TwiceCounter;

struct LenientCounter;

struct SlowCounter;

impl SlowCounter {
    const PER_EVENT: Duration = Duration::from_millis(100);
}

#[async_trait]
impl Projector for SlowCounter {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        for entry in entries {
            tokio::time::sleep(Self::PER_EVENT).await;
            LenientCounter.apply(connection, &[entry]).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Projector for LenientCounter {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        count(connection, entries).await
    }
}

#[async_trait]
impl Projector for TwiceCounter {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        for entry in entries {
            let Some(pool) = &entry.pool else { continue };
            sqlx::query(
                "INSERT INTO counted (pool, events, twice, position) VALUES ($1, 1, 2, $2) ON CONFLICT (pool) \
                 DO UPDATE SET events = counted.events + 1, twice = counted.twice + 2, position = excluded.position",
            )
            .bind(pool.as_str())
            .bind(entry.event.position.get())
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Projector for Counter {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        for entry in entries {
            let Some(pool) = &entry.pool else { continue };
            if !pool.as_str().starts_with("raw") {
                entry.fact()?;
            }
            assert_ne!(pool.as_str(), "panics");
        }
        count(connection, entries).await
    }
}

async fn count(connection: &mut PgConnection, entries: &[&Entry]) -> Result<(), ApplyError> {
    let (mut pools, mut positions) = (Vec::new(), Vec::new());
    for entry in entries {
        let Some(pool) = &entry.pool else { continue };
        pools.push(pool.as_str());
        positions.push(entry.event.position.get());
    }
    sqlx::query(
        "INSERT INTO counted SELECT pool, count(*), max(position) \
           FROM unnest($1::text[], $2::bigint[]) AS new (pool, position) GROUP BY pool \
             ON CONFLICT (pool) DO UPDATE SET (events, position) \
              = (counted.events + excluded.events, excluded.position)",
    )
    .bind(pools)
    .bind(positions)
    .execute(connection)
    .await?;
    Ok(())
}

/// A migrated database; it stays behind when its test fails, and the next run of the server's owner drops it.
pub(super) struct Given {
    pub(super) url: String,
    pub(super) log: Arc<PostgresLog>,
    pub(super) database: Database,
    pub(super) admin: PgConnection,
    name: String,
}

impl Given {
    pub(super) async fn new() -> Self {
        let server = env::var("ONSALE_TEST_DATABASE_URL")
            .expect("ONSALE_TEST_DATABASE_URL names a server: run `make test`, or `make db`");
        let options: PgConnectOptions = server.parse().expect("the URL of a server");
        let name = format!("onsale_test_{}", event_id().0.simple());
        let mut admin = PgConnection::connect_with(&options)
            .await
            .expect("a server");
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create)
            .execute(&mut admin)
            .await
            .expect("a database");
        let (address, _database) = server.rsplit_once('/').expect("a database in the URL");
        let url = format!("{address}/{name}");
        let options = options.database(&name);
        onsale_shared::log::postgres::migrate(&options)
            .await
            .expect("a log");
        crate::migrate(&url).await.expect("read models");
        let config = PostgresLogConfig::new(options.clone(), Some(Role::Command));
        Self {
            log: Arc::new(PostgresLog::connect(config).await.expect("a log")),
            database: Database::open(&url).await.expect("a database"),
            admin: PgConnection::connect_with(&options)
                .await
                .expect("a session"),
            url,
            name,
        }
    }

    /// Appends an event of a kind to a pool's stream, which must be at `version`; its position.
    pub(super) async fn append(&self, pool: &str, version: i64, kind: &'static str) -> Position {
        self.append_many(pool, version, kind, 1).await
    }

    /// As [`Self::append`], `count` of them; the position of the last.
    pub(super) async fn append_many(
        &self,
        pool: &str,
        version: i64,
        kind: &'static str,
        count: usize,
    ) -> Position {
        let fact = Encoded {
            kind,
            schema: 1,
            data: "{}".to_owned(),
        };
        let time = self.log.clock().now();
        self.append_facts(pool, version, &fact, time, count).await
    }

    /// As [`Self::append_many`], of events that say something.
    pub(super) async fn append_facts(
        &self,
        pool: &str,
        version: i64,
        fact: &Encoded,
        time: Timestamp,
        count: usize,
    ) -> Position {
        let event = || NewEvent {
            id: event_id(),
            kind: fact.kind,
            schema: fact.schema,
            time,
            data: fact.data.clone(),
            metadata: "{}".to_owned(),
            origin: None,
        };
        let events = std::iter::repeat_with(event).take(count).collect();
        let stream = format!("pools/{pool}");
        let expected = Version::new(version).unwrap();
        let group = Group::of_stream(stream.as_str().into(), expected, events);
        let batch = AppendBatch::new(vec![group]).unwrap();
        self.log.append(&batch).await.expect("appended").head
    }

    /// A superuser's session, beside `admin`.
    pub(super) async fn session(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("a session")
    }

    pub(super) async fn log_head(&self) -> Position {
        self.log.head().await.expect("a log").position
    }

    /// A runner of the sample, of a replica of its own.
    pub(super) async fn run(&self, projection: &'static Projection) -> Running {
        let pages = Pages::of(Arc::clone(&self.log) as _);
        self.run_after(projection, &self.log, pages).await
    }

    /// As [`Self::run`], of a replica that has followed another log so far, and read these pages of it.
    pub(super) async fn run_after(
        &self,
        projection: &'static Projection,
        log: &PostgresLog,
        pages: Pages,
    ) -> Running {
        let mut session = self.database.session().await.unwrap();
        generations::ensure_live(&mut session, projection, Position::START)
            .await
            .unwrap();
        let readiness = starting();
        let engine = Engine {
            database: self.database.clone(),
            pages: Arc::new(pages),
            lineage: log.lineage(),
            hub: Arc::new(Hub::default()),
            readiness: readiness.subscribe(),
            memory_blocked: watch::Sender::default().subscribe(),
            board: Arc::new(Board::of(&[projection])),
            poll_interval: Duration::from_millis(5),
            write_interval: Duration::ZERO,
        };
        let stop = CancellationToken::new();
        let known = engine.board.subscribe(projection.name).unwrap();
        drop(tokio::spawn(
            Runner::new(projection, engine).run(stop.clone()),
        ));
        Running {
            stop,
            known,
            _readiness: readiness,
        }
    }

    /// Who builds the sample.
    pub(super) async fn builder(&self, projection: &'static Projection) -> Builder {
        let hidden = ProgressBar::hidden();
        let begun = Builder::begin(
            projection,
            &self.database,
            Arc::clone(&self.log) as _,
            hidden,
        );
        begun.await.expect("nobody else builds")
    }

    pub(super) async fn execute(&mut self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql)
            .execute(&mut self.admin)
            .await
            .expect("SQL");
    }

    pub(super) async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::query_scalar(sql)
            .fetch_one(&mut self.admin)
            .await
            .expect("a number")
    }

    /// How many events of a pool were counted.
    pub(super) async fn counted(&mut self, pool: &str) -> i64 {
        self.number(&format!(
            "SELECT coalesce((SELECT events FROM onsale_read.counted WHERE pool = '{pool}'), 0)"
        ))
        .await
    }

    /// The test has passed.
    pub(super) async fn end(mut self) {
        let drop_it = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        self.admin.close().await.ok();
        let server = env::var("ONSALE_TEST_DATABASE_URL").unwrap();
        self.admin = PgConnection::connect(&server).await.unwrap();
        self.execute(&drop_it).await;
    }
}

/// A replica that runs a projection. Dropped, it ends.
pub(super) struct Running {
    stop: CancellationToken,
    known: watch::Receiver<Known>,
    _readiness: watch::Sender<Readiness>,
}

impl Running {
    /// Waits until something is known.
    pub(super) async fn until(&mut self, is_so: impl FnMut(&Known) -> bool) -> Known {
        let waiting = self.known.wait_for(is_so);
        let known = tokio::time::timeout(LIMIT, waiting).await;
        known.expect("in time").expect("it runs").clone()
    }

    pub(super) async fn reach(&mut self, position: Position) {
        self.until(|known| known.progress.position >= position)
            .await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Waits until a number that PostgreSQL tells is as expected.
pub(super) async fn eventually(given: &mut Given, sql: &str, expected: i64) {
    let deadline = Instant::now() + LIMIT;
    while given.number(sql).await != expected {
        assert!(Instant::now() < deadline, "{sql}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(super) fn event_id() -> EventId {
    IdSource.ids(Timestamp::default()).event()
}
