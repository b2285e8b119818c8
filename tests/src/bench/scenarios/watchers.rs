//! Claims from a hot pool that 1,000 subscribers watch through query-service, which tails the log on the same machine.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use onsale_proto::{
    name,
    v1::{self, query_service_client::QueryServiceClient},
};
use tokio::{runtime, sync::oneshot};
use tonic::transport::Channel;

use super::{
    Scenario, Settings,
    contest::{HOT, PLENTY, figures, hot_claims},
};
use crate::{
    bench::{
        engines::{Engine, running::Running},
        load::{closed, connection::Connection},
        report::Findings,
    },
    caller::{Caller, a_pool},
    service::{Kind, Service, connect},
    wait::eventually,
};

/// Subscribers of the hot pool ...
const WATCHERS: usize = 1_000;
/// ... over so many connections.
const CONNECTIONS: usize = 4;
/// How long query-service may take to know a pool.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures Onsale with its subscribers; without them it is `hot-claim`.
///
/// # Errors
/// A service does not start, or a stream ends.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let running = Running::start(Engine::Onsale).await?;
    let query = Service::start(Kind::Query, running.database.url(), &[]).await;
    running
        .open_pools(&[HOT.to_owned()], &a_pool(PLENTY))
        .await?;
    known(&query).await;
    let frames = Arc::new(AtomicU64::new(0));
    let watching = Watching::start(query.address().to_owned(), Arc::clone(&frames)).await?;
    let connections = Connection::open_all(&running.addresses(), settings.connections).await?;
    let mut meter = running.meter().await?;
    let mut rounds = Vec::new();
    let (began, before) = (Instant::now(), frames.load(Ordering::Relaxed));
    for _round in 0..settings.rounds {
        let (in_flight, timing) = (settings.in_flight, settings.timing());
        let measured =
            closed::run(&connections, hot_claims()?, in_flight, timing, &mut meter).await?;
        rounds.push(figures(&measured, &mut meter).await?);
    }
    let millis = u64::try_from(began.elapsed().as_millis())?.max(1);
    let seen = frames.load(Ordering::Relaxed) - before;
    watching.end()?;
    findings.add(Scenario::Watchers, "onsale, 1,000 watchers", rounds);
    findings.note(
        Scenario::Watchers,
        "frames to all watchers together, in a second",
        seen * 1_000 / millis,
        "",
    );
    Ok(())
}

/// Waits until the pool can be watched: memory is a moment behind the log.
async fn known(query: &Service) {
    let channel = query.channel().await;
    let caller = Caller::new(channel.clone(), channel);
    eventually(PATIENCE, "the pool is known", || {
        let mut caller = caller.clone();
        async move { caller.availability(HOT, "").await.ok() }
    })
    .await;
}

/// The subscribers, on a thread of their own, so that the load generator does not wait for them.
struct Watching {
    thread: thread::JoinHandle<anyhow::Result<()>>,
    stop: oneshot::Sender<()>,
}

impl Watching {
    /// Returns when every subscriber has its first frame.
    async fn start(address: String, frames: Arc<AtomicU64>) -> anyhow::Result<Self> {
        let (ready, is_ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async move {
                subscribe(&address, &frames).await?;
                // The other end may have given up; then `stopped` says so too.
                ready.send(()).ok();
                stopped.await.ok();
                Ok(())
            })
        });
        is_ready.await.context("the subscribers")?;
        Ok(Self { thread, stop })
    }

    fn end(self) -> anyhow::Result<()> {
        self.stop.send(()).ok();
        let ended = self.thread.join();
        ended.map_err(|_panic| anyhow::anyhow!("the subscribers' thread"))?
    }
}

async fn subscribe(address: &str, frames: &Arc<AtomicU64>) -> anyhow::Result<()> {
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        channels.push(connect(address).await);
    }
    for channel in channels.iter().cycle().take(WATCHERS) {
        watch(channel.clone(), Arc::clone(frames)).await?;
    }
    Ok(())
}

/// Returns with the first frame, and counts the others in a task.
async fn watch(channel: Channel, frames: Arc<AtomicU64>) -> anyhow::Result<()> {
    let request = v1::WatchAvailabilityRequest {
        pools: vec![name::pool(HOT)],
        ..v1::WatchAvailabilityRequest::default()
    };
    let mut queries = QueryServiceClient::new(channel);
    let mut stream = queries.watch_availability(request).await?.into_inner();
    stream.message().await?.context("a first frame")?;
    let counting = async move {
        while let Ok(Some(_frame)) = stream.message().await {
            frames.fetch_add(1, Ordering::Relaxed);
        }
    };
    drop(tokio::spawn(counting));
    Ok(())
}
