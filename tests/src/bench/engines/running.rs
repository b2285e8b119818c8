//! An engine that runs: its process, its database, and its pools.

use std::{env, process::Stdio, time::Duration};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use onsale_proto::v1::{self, command_service_client::CommandServiceClient};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::Engine;
use crate::{
    bench::meter::Meter,
    caller::create_request,
    database::TestDatabase,
    service::{Kind, Service},
    system::migrated_database,
};

/// How long an engine may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
/// As many pools are created at once.
const CREATING_MAX: usize = 64;

/// A running engine. Dropped, its processes and its database go.
#[derive(Debug)]
pub struct Running {
    /// Which.
    pub engine: Engine,
    process: Process,
    /// Its database; last, so that the process goes first.
    pub database: TestDatabase,
}

#[derive(Debug)]
enum Process {
    Onsale(Vec<Service>),
    Naive { child: Child, address: String },
}

impl Running {
    /// Starts an engine with its best settings, on a database of its own.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(engine: Engine) -> anyhow::Result<Self> {
        match engine {
            Engine::Onsale | Engine::OnsaleStream => {
                let running = Self::start_onsale(1).await?;
                Ok(Self { engine, ..running })
            }
            Engine::NaiveAtomicUpdate
            | Engine::NaiveForUpdate
            | Engine::BatchedSql
            | Engine::Echo
            | Engine::BareSelect => Self::start_naive(engine, engine.best_connections()).await,
        }
    }

    /// Starts so many instances of command-service on one database.
    ///
    /// # Errors
    /// One does not start.
    pub async fn start_onsale(instances: usize) -> anyhow::Result<Self> {
        let database = migrated_database().await;
        let mut services = Vec::new();
        for _ in 0..instances {
            services.push(Service::start(Kind::Command, database.url(), &[]).await);
        }
        Ok(Self {
            engine: Engine::Onsale,
            process: Process::Onsale(services),
            database,
        })
    }

    /// Starts a naive engine with so many connections to its database.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_naive(engine: Engine, connections: u32) -> anyhow::Result<Self> {
        let database = TestDatabase::create_empty().await;
        // Room on each page, so that PostgreSQL can keep the versions of a row together. `taken` is what the last
        // statement of `batched-sql` got.
        sqlx::raw_sql(
            "CREATE TABLE bench_pools (id text PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0),
                                       taken bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50)",
        )
        .execute(&mut database.admin().await)
        .await?;
        let (child, address) = spawn(engine, connections, database.url()).await?;
        Ok(Self {
            engine,
            process: Process::Naive { child, address },
            database,
        })
    }

    /// Where it serves: a `http://host:port` for each process.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        match &self.process {
            Process::Onsale(services) => {
                let addresses = services.iter().map(|service| service.address().to_owned());
                addresses.collect()
            }
            Process::Naive { address, .. } => vec![address.clone()],
        }
    }

    /// A meter for its processes.
    ///
    /// # Errors
    /// Its database cannot be reached.
    pub async fn meter(&self) -> anyhow::Result<Meter> {
        let pids = match &self.process {
            Process::Onsale(services) => services.iter().map(Service::pid).collect(),
            Process::Naive { child, .. } => child.id().into_iter().collect(),
        };
        Meter::new(&self.database.options(), pids).await
    }

    /// Opens the sale of pools that are all alike.
    ///
    /// # Errors
    /// One cannot be created.
    pub async fn open_pools(&self, ids: &[String], pool: &v1::Pool) -> anyhow::Result<()> {
        match self.engine {
            Engine::Echo | Engine::BareSelect => Ok(()),
            Engine::NaiveAtomicUpdate | Engine::NaiveForUpdate | Engine::BatchedSql => {
                sqlx::query(
                    "INSERT INTO bench_pools (id, available) SELECT unnest($1::text[]), $2",
                )
                .bind(ids)
                .bind(pool.capacity)
                .execute(&mut self.database.admin().await)
                .await?;
                Ok(())
            }
            Engine::Onsale | Engine::OnsaleStream => {
                let address = self.addresses().into_iter().next().context("an address")?;
                let commands = CommandServiceClient::connect(address).await?;
                stream::iter(ids)
                    .map(|id| {
                        let mut commands = commands.clone();
                        async move { commands.create_pool(create_request(id, pool.clone())).await }
                    })
                    .buffer_unordered(CREATING_MAX)
                    .try_for_each(|_created| async { Ok(()) })
                    .await?;
                Ok(())
            }
        }
    }

    /// Takes what is left of a pool of a naive engine, so that it is sold out.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn sell_out(&self, id: &str) -> anyhow::Result<()> {
        sqlx::query("UPDATE bench_pools SET available = 0 WHERE id = $1")
            .bind(id)
            .execute(&mut self.database.admin().await)
            .await?;
        Ok(())
    }
}

/// Starts an engine of this program as a process on a database that there is; the process, and where it serves.
///
/// # Errors
/// It does not start.
pub async fn spawn(
    engine: Engine,
    connections: u32,
    database_url: &str,
) -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(env::current_exe()?)
        .args(["engine", engine.name()])
        .args(["--connections", &connections.to_string()])
        .env("DATABASE_URL", database_url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().context("stdout is piped")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = timeout(PATIENCE, lines.next_line()).await??;
    let address = line.with_context(|| format!("{} does not start", engine.name()))?;
    Ok((child, address))
}
