//! An open loop at 80 % of the rate that the same engine reached in the closed loop: what callers feel of a server that is
//! busy, but not too much.

use super::{
    Scenario, Settings,
    contest::{HOT, PLENTY, figures, hot_claims},
};
use crate::{
    bench::{
        engines::{Engine, running::Running},
        load::{closed, connection::Connection, open},
        report::Findings,
    },
    caller::a_pool,
};

/// Of the highest rate.
const PERCENT: u64 = 80;

/// Measures Onsale and the naive engine, each at 80 % of its own highest rate, found just before.
///
/// # Errors
/// An engine does not start, or its load cannot run.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    for engine in [Engine::Onsale, Engine::NaiveAtomicUpdate] {
        let running = Running::start(engine).await?;
        running
            .open_pools(&[HOT.to_owned()], &a_pool(PLENTY))
            .await?;
        let mut meter = running.meter().await?;
        let connections = Connection::open_all(&running.addresses(), settings.connections).await?;
        let mut rounds = Vec::new();
        for _round in 0..settings.rounds {
            let timing = settings.timing();
            let calls = hot_claims()?;
            let highest =
                closed::run(&connections, calls, settings.in_flight, timing, &mut meter).await?;
            let rate = highest.per_second() * PERCENT / 100;
            let steady = open::run(&connections, hot_claims()?, rate, timing, &mut meter).await?;
            rounds.push(figures(&steady, &mut meter).await?);
        }
        findings.add(Scenario::Steady, engine.name(), rounds);
    }
    Ok(())
}
