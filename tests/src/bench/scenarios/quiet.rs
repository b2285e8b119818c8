//! What the callers of a quiet pool feel of a hot one in the same instance.

use std::thread;

use onsale_proto::v1;
use tokio::runtime;

use super::{
    Scenario, Settings,
    contest::{HOT, PLENTY, figures, hot_claims},
};
use crate::{
    bench::{
        engines::{Engine, running::Running},
        load::{
            Timing,
            calls::Calls,
            closed,
            connection::{Connection, Method},
            open,
            template::{self, Template},
        },
        meter::Meter,
        report::{Figures, Findings},
    },
    caller::a_pool,
};

/// The quiet pool.
const QUIET: &str = "quiet";
/// Claims from it in a second, in an open loop.
const RATE: u64 = 200;

/// Measures claims from the quiet pool alone, and while the hot pool is under full load.
///
/// # Errors
/// The engine does not start, or a load cannot run.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let running = Running::start(Engine::Onsale).await?;
    let pool: v1::Pool = a_pool(PLENTY);
    running
        .open_pools(&[HOT.to_owned(), QUIET.to_owned()], &pool)
        .await?;
    let connections = Connection::open_all(&running.addresses(), settings.connections).await?;
    let mut meter = running.meter().await?;
    let (mut alone, mut beside, mut hot) = (Vec::new(), Vec::new(), Vec::new());
    let timing = settings.timing();
    for _round in 0..settings.rounds {
        alone.push(joined(quiet_caller(&running, timing)).await?);
        let quiet = quiet_caller(&running, timing);
        let (calls, in_flight) = (hot_claims()?, settings.in_flight);
        let measured = closed::run(&connections, calls, in_flight, timing, &mut meter).await?;
        beside.push(joined(quiet).await?);
        hot.push(figures(&measured, &mut meter).await?);
    }
    findings.add(Scenario::Quiet, "quiet, alone", alone);
    findings.add(Scenario::Quiet, "quiet, beside hot", beside);
    findings.add(Scenario::Quiet, "hot, beside quiet", hot);
    Ok(())
}

/// A caller on a thread of his own: he must not wait for the generator of the hot load.
type QuietCaller = thread::JoinHandle<anyhow::Result<Figures>>;

fn quiet_caller(running: &Running, timing: Timing) -> QuietCaller {
    let addresses = running.addresses();
    let options = running.database.options();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let connections = Connection::open_all(&addresses, 1).await?;
            // What the service costs is counted by the meter of the hot load.
            let mut meter = Meter::new(&options, Vec::new()).await?;
            let calls = Calls::of(Method::Claim, Template::new(&template::claim(QUIET, 1))?);
            let measured = open::run(&connections, calls, RATE, timing, &mut meter).await?;
            Ok(Figures::of_latencies(&measured))
        })
    })
}

async fn joined(caller: QuietCaller) -> anyhow::Result<Figures> {
    let joined = tokio::task::spawn_blocking(|| caller.join()).await?;
    joined.map_err(|_panic| anyhow::anyhow!("the quiet caller's thread"))?
}
