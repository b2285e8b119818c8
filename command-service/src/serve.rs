//! Starting and ending the service: connect, load what is needed, say that it is ready, serve, drain.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use onsale_proto::server::{
    Direct, ServerLimits, run, run::infrastructure,
    v1::command_service_server::CommandServiceServer,
};
use onsale_shared::{
    event::Source,
    id::IdSource,
    log::{
        EventLog, keep_clock,
        postgres::{self, Lineage, PostgresLog, PostgresLogConfig, Role, RoleOutcome},
        tail::TailConfig,
    },
};
use sqlx::{
    Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;

use crate::{
    aside::Aside,
    background::Background,
    config::Config,
    deadlines::sweeper::Sweeper,
    grpc::{caller::DeadlineLimits, service::CommandService},
    metrics::{self, CommandMetrics, PoolMetrics},
    pools::{Admission, Committer, Context, PoolLimits, Pools, committer::CommitLimits},
    refusals::{Keeper, Trace},
    schema,
    snapshots::{Snapshots, Store, Taker},
};

/// The name of the service, for logs and the metadata of events.
const SERVICE: &str = "command-service";
/// The largest message that is read. The largest valid request has some 10 KiB.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Snapshots are read by as many as load a pool, and large ones take a while.
const SNAPSHOT_CONNECTIONS: u32 = 4;

/// So many appends may be recorded before the deadlines have them; further ones are read from the log.
const RECORDED_MAX: usize = 64;

/// Serves on `listener` until `stop` is cancelled, then drains.
///
/// # Errors
/// The database cannot be reached or is not migrated, or the listener fails.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let (health, health_service) = tonic_health::server::health_reporter();
    set_health(&health, ServingStatus::NotServing).await;

    if let Some(address) = config.metrics_listen {
        metrics::export(address)?;
        tracing::info!(%address, "metrics");
    }
    let (log, lineage) = connect(&config).await?;
    let mut background = Background::default();
    let snapshots = start_taking_snapshots(&config, &log, (&mut background, &stop)).await?;
    let source = source(&config);
    let (recorded, to_sweep) = mpsc::channel(RECORDED_MAX);
    let (committer, committing) =
        Committer::new(Arc::clone(&log), CommitLimits::default(), recorded);
    background.spawn_to_the_end("committer", committing);
    let pools = Pools::new(Context {
        committer,
        log: Arc::clone(&log),
        ids: IdSource,
        source: source.clone(),
        limits: PoolLimits {
            pools_max: size(config.pools_max),
            queue_max: size(config.queue_max),
            batch_events: usize::from(config.batch_events),
            idle: config.pool_idle(),
        },
        metrics: PoolMetrics::default(),
        snapshots,
    });
    let sweeper = Sweeper {
        log: Arc::clone(&log),
        lineage: lineage.clone(),
        store: aside(&config).await?,
        pools: Arc::clone(&pools),
        tail: TailConfig {
            poll_interval: Duration::from_millis(config.poll_interval_ms),
            ..TailConfig::default()
        },
        recorded: to_sweep,
    };
    background.spawn("sweeper", sweeper.run(stop.clone()));
    background.spawn("clock", keep_clock(Arc::clone(&log), stop.clone()));

    let trace = Trace::new(log.clock().clone());
    let keeper = Keeper {
        trace: trace.clone(),
        database: aside(&config).await?,
        clock: log.clock().clone(),
        instance: source.instance.clone(),
        kept_for: Duration::from_hours(config.refusals_kept_hours.into()),
    };
    background.spawn("keeper of refusals", keeper.run(stop.clone()));

    let admission = Admission::new(size(config.calls_max));
    let measuring = metrics::keep_measuring(admission.clone(), Arc::clone(&pools), stop.clone());
    background.spawn("metrics", measuring);
    let service = CommandService {
        pools,
        refusals: trace,
        deadlines: DeadlineLimits {
            default: Duration::from_millis(config.deadline_default_ms),
            max: Duration::from_millis(config.deadline_max_ms),
        },
        admission,
        metrics: CommandMetrics::default(),
        stream_commands_max: size(config.stream_commands_max),
        trusted_proxies: config.trusted_proxies.as_slice().into(),
        operators: config.operators.as_slice().into(),
        stop: stop.clone(),
    };
    let server = CommandServiceServer::new(service).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let others = infrastructure(health_service).context("the contract for reflection")?;
    let services = Direct::new(server, others);
    let limits = ServerLimits {
        drain_notice: Duration::from_millis(config.drain_notice_ms),
        shutdown_grace: Duration::from_millis(config.shutdown_grace_ms),
        ..ServerLimits::default()
    };
    tracing::info!(address = %listener.local_addr()?, "listening");
    set_health(&health, ServingStatus::Serving).await;
    let draining = tokio::spawn({
        let (health, stop) = (health.clone(), stop.clone());
        async move {
            stop.cancelled().await;
            set_health(&health, ServingStatus::NotServing).await;
        }
    });
    let served = tokio::select! {
        served = run(listener, services, health, limits, stop.clone()) => served.context("serving gRPC"),
        // Whoever starts it again gets an instance that works; one that goes on without its tasks looks as if it did.
        panicked = background.panicked() => panicked.map(|never| match never {}),
        broken = lineage.broken() => Err(broken.into()),
    };
    stop.cancel();
    draining.await.context("draining")?;
    served?;
    background.end().await?;
    tracing::info!("stopped");
    Ok(())
}

/// Brings the schemas of the event log and of this service up to date, and makes the roles of both services.
///
/// # Errors
/// The database cannot be reached, or a migration failed.
pub async fn migrate(database_url: &str) -> anyhow::Result<()> {
    let options = postgres::session_options(database_url, SERVICE)?;
    postgres::first_connection(&options).await?.close().await?;
    let roles = postgres::migrate(&options).await?;
    schema::migrate(&options).await?;
    if roles == RoleOutcome::NotAllowed {
        tracing::warn!(
            "this login may not create or grant roles: the services will work with the rights of their login, \
             and nothing but their code keeps them from changing the log"
        );
    }
    Ok(())
}

async fn set_health(health: &tonic_health::server::HealthReporter, status: ServingStatus) {
    for name in ["", "onsale.v1.CommandService"] {
        health.set_service_status(name, status).await;
    }
}

async fn connect(config: &Config) -> anyhow::Result<(Arc<dyn EventLog>, Lineage)> {
    let options = postgres::session_options(&config.database_url, SERVICE)?;
    let mut connection = postgres::first_connection(&options).await?;
    anyhow::ensure!(
        postgres::is_migrated(&mut connection).await?,
        "the database has no event log of this version yet: run `command-service migrate` first"
    );
    connection.close().await?;
    let log = PostgresLogConfig {
        append_timeout: Duration::from_millis(config.append_timeout_ms),
        notify: config.notify,
        ..PostgresLogConfig::new(options, Some(Role::Command))
    };
    let log = PostgresLog::connect(log).await.context("the event log")?;
    let lineage = log.lineage();
    Ok((Arc::new(log), lineage))
}

/// Snapshots are taken from now on until `stop`, unless they are switched off.
async fn start_taking_snapshots(
    config: &Config,
    log: &Arc<dyn EventLog>,
    (background, stop): (&mut Background, &CancellationToken),
) -> anyhow::Result<Option<Snapshots>> {
    if config.snapshot_events == 0 {
        return Ok(None);
    }
    let store = Store::new(connect_aside(config, SNAPSHOT_CONNECTIONS).await?);
    let (taker, snapshots) = Taker::new(Arc::clone(log), store, config.snapshot_events)?;
    background.spawn("taker of snapshots", taker.run(stop.clone()));
    Ok(Some(snapshots))
}

/// How to connect, and the role to take on there.
async fn way_in(config: &Config) -> anyhow::Result<(PgConnectOptions, Option<Role>)> {
    let options = postgres::session_options(&config.database_url, SERVICE)?;
    let mut connection = PgConnection::connect_with(&options).await?;
    let may_use = postgres::may_use_role(&mut connection, Role::Command).await?;
    connection.close().await?;
    Ok((options, may_use.then_some(Role::Command)))
}

/// A connection of its own for one task that must not wait for the log's readers.
async fn aside(config: &Config) -> anyhow::Result<Aside> {
    let (options, role) = way_in(config).await?;
    Ok(Aside::new(options, role))
}

/// As [`aside`], a few of them.
async fn connect_aside(config: &Config, connections: u32) -> anyhow::Result<PgPool> {
    let (options, role) = way_in(config).await?;
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .after_connect(move |connection, _| {
            Box::pin(async move { postgres::prepare_session(connection, role).await })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// An option's number of things, as memory counts them.
fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn source(config: &Config) -> Source {
    let instance = config.instance.clone().unwrap_or_else(|| {
        let random = IdSource
            .ids(onsale_shared::time::Timestamp::default())
            .event()
            .0;
        format!(
            "{}-{:08x}",
            std::process::id(),
            random.as_u128() >> 32 & 0xffff_ffff
        )
    });
    Source {
        service: SERVICE.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instance,
    }
}
