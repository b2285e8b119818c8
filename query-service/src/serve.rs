//! The service from its start to its end: what runs, and who knows whom.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::FutureExt as _;
use onsale_proto::server::{Direct, run, run::infrastructure};
use onsale_shared::log::{
    EventLog, keep_clock,
    postgres::{Lineage, PostgresLog, PostgresLogConfig, Role},
};
use sqlx::Connection as _;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Config,
    availability::{Hub, watch::Endings},
    database::Database,
    grpc::{
        Service,
        health::{Vitals, keep_reporting, not_serving},
    },
    metrics,
    projections::{
        all::ALL,
        board::Board,
        first::ensure_live,
        pages::Pages,
        renew::renew,
        runner::{Engine, Runner},
        writer::Interrupted,
    },
    queries::{Exports, Queries},
    readiness::{self, Announcer, Readiness},
    reporting, tail,
};

/// How long background work may take to end after the server has.
const TASKS_GRACE: Duration = Duration::from_secs(1);

/// Serves queries on `listener` until `stop` is cancelled, then drains within the grace time of `config`.
///
/// # Errors
/// The database cannot be reached at the start, or is not migrated; or the listener fails.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let (reporter, health) = tonic_health::server::health_reporter();
    not_serving(&reporter).await;
    if let Some(address) = config.metrics_listen {
        metrics::export(address)?;
        tracing::info!(%address, "metrics");
    }
    let database = Database::open(&config.database_url).await?;
    let lineage = Lineage::default();
    let log = open_log(&database, &lineage).await?;
    let log: Arc<dyn EventLog> = Arc::new(log);
    let has_tables = ensure_generations(&database, &*log).await?;
    let pages = Arc::new(Pages::of(Arc::clone(&log)));
    let board = Arc::new(Board::of(ALL));
    let hub = Arc::new(Hub::default());
    let readiness = readiness::starting();
    let blocked = watch::Sender::default();
    let read_models = database.connections(config.read_connections_max);
    let clock = log.clock().clone();

    let queries = Queries {
        hub: Arc::clone(&hub),
        read_models: Arc::new(read_models),
        log: Arc::new(open_log(&database, &lineage).await?),
        clock: clock.clone(),
        exports: Exports::new(database.clone()),
        endings: Endings {
            stop: stop.clone(),
            readiness: readiness.subscribe(),
        },
        streams: Arc::new(Semaphore::new(
            usize::try_from(config.watch_streams_max).unwrap_or(Semaphore::MAX_PERMITS),
        )),
        streams_reading: Arc::new(Semaphore::new(streams_reading_max(&config))),
        board: Arc::clone(&board),
        tables_poll_interval: config.poll_interval(),
        heartbeat_interval: config.heartbeat_interval(),
    };
    let service = Service::server(queries, clock.clone(), config.read_timeout());
    let services = Direct::new(service, infrastructure(health)?);

    let vitals = Vitals {
        hub: Arc::clone(&hub),
        clock,
        readiness: readiness.subscribe(),
        board: Arc::clone(&board),
        lag_max: config.lag_max(),
    };
    let renewed = database.clone();
    let engine = Engine {
        database: database.clone(),
        pages: Arc::clone(&pages),
        lineage: lineage.clone(),
        hub: Arc::clone(&hub),
        readiness: readiness.subscribe(),
        memory_blocked: blocked.subscribe(),
        board: Arc::clone(&board),
        poll_interval: config.poll_interval(),
        write_interval: config.projection_interval(),
    };
    let sources = tail::Sources {
        log: Arc::clone(&log),
        pages,
        database,
        config: config.tail(),
        board,
        blocked,
    };

    let measuring = metrics::keep_measuring(
        Arc::clone(&engine.board),
        Arc::clone(&hub),
        log.clock().clone(),
        stop.clone(),
    );

    // Work goes on while the server drains; only health turns away at once.
    let ended = CancellationToken::new();
    let mut tasks = Tasks {
        set: JoinSet::new(),
        readiness: readiness.clone(),
    };
    tasks.spawn(measuring);
    if !has_tables {
        tasks.spawn(keep_ensuring(
            renewed.clone(),
            Arc::clone(&log),
            ended.clone(),
        ));
    }
    tasks.spawn(tail::run(sources, hub, readiness, ended.clone()));
    tasks.spawn(keep_clock(Arc::clone(&log), ended.clone()));
    for projection in ALL {
        tasks.spawn(Runner::new(projection, engine.clone()).run(ended.clone()));
    }
    tasks.spawn(renew(ALL, renewed, log, ended.clone()));
    tasks.spawn(keep_reporting(vitals, reporter.clone(), stop.clone()));
    tracing::info!(address = %listener.local_addr()?, "listening");
    let served = tokio::select! {
        served = run(listener, services, reporter, config.server_limits(), stop.clone()) => {
            served.context("the server failed")
        }
        broken = lineage.broken() => Err(broken.into()),
    };
    // Streams end now, if they did not before.
    stop.cancel();
    ended.cancel();
    tasks.end().await;
    served
}

/// So many streams of events read at the same time; the other connections are for reads that somebody waits for.
fn streams_reading_max(config: &Config) -> usize {
    let some = (config.read_connections_max / 4).max(1);
    usize::try_from(some).unwrap_or(1)
}

/// Makes the first tables of every projection that has none; whether all have some. A log that cannot be read now is
/// waited for by who serves: until then it is not ready.
async fn ensure_generations(database: &Database, log: &dyn EventLog) -> anyhow::Result<bool> {
    let mut session = database.session().await?;
    for projection in ALL {
        match ensure_live(&mut session, projection, log).await {
            Ok(_live) => {}
            Err(Interrupted::Log(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "tables are made when the log can be read"
                );
                return Ok(false);
            }
            Err(Interrupted::Database(error)) => {
                let name = projection.name;
                return Err(error).with_context(|| {
                    format!("the tables of the projection `{name}` cannot be made")
                });
            }
        }
    }
    reporting::ensure(&mut session).await;
    session.close().await?;
    Ok(true)
}

/// As [`ensure_generations`], until it is done.
async fn keep_ensuring(database: Database, log: Arc<dyn EventLog>, stop: CancellationToken) {
    let mut backoff = tail::Backoff::new();
    let ensuring = async {
        loop {
            match ensure_generations(&database, &*log).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(
                    error = &*error as &dyn std::error::Error,
                    "tables are not made; trying again"
                ),
            }
            backoff.pause().await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = ensuring => {}
    }
}

async fn open_log(database: &Database, lineage: &Lineage) -> anyhow::Result<PostgresLog> {
    let config = PostgresLogConfig {
        // A tail reads one page at a time, projections read what it has not; the clock is asked now and then.
        read_connections_max: 4,
        notify: false,
        lineage: lineage.clone(),
        ..PostgresLogConfig::new(database.options().clone(), Some(Role::Query))
    };
    let log = PostgresLog::connect(config).await;
    log.context("the event log cannot be reached")
}

/// Work in the background. A defect in one of them is not survived in silence.
struct Tasks {
    set: JoinSet<()>,
    readiness: Announcer,
}

impl Tasks {
    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let readiness = self.readiness.clone();
        drop(self.set.spawn(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                tracing::error!("a background task panicked; reads are refused from here on");
                readiness.send_replace(Readiness::Stopped);
            }
        }));
    }

    async fn end(mut self) {
        let ending = async { while self.set.join_next().await.is_some() {} };
        if tokio::time::timeout(TASKS_GRACE, ending).await.is_err() {
            tracing::warn!("background work did not end in time; it is cut off");
        }
    }
}
