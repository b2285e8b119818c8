//! How far the read side is behind while 2,000 purchases a second are offered, and how soon it has caught up after as many
//! as the write side can take.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Scenario, Settings,
    contest::{HOT, PLENTY},
    rebuild::{caught_up, projections},
};
use crate::{
    bench::{
        load::{
            calls::Calls,
            closed,
            connection::{Connection, Method},
            open,
            tally::{histogram, micros},
            template::{self, Template},
        },
        meter::Meter,
        report::Findings,
    },
    caller::{Caller, a_pool},
    system::System,
};

/// Purchases a second, two events each.
const RATE: u64 = 2_000;
/// How often it is asked how far the projections are.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(10);

/// Measures under the offered load, then after saturation.
///
/// # Errors
/// The system does not start, or its load cannot run.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let system = System::start().await;
    let mut caller = system.caller().await;
    caller.create(HOT, a_pool(PLENTY)).await?;
    caught_up(&mut caller).await?;
    let addresses: Vec<_> = system
        .commands
        .iter()
        .map(|s| s.address().to_owned())
        .collect();
    let pids = vec![system.commands[0].pid(), system.query.pid()];
    let mut meter = Meter::new(&system.database.options(), pids).await?;
    let connections = Connection::open_all(&addresses, settings.connections).await?;
    let timing = settings.timing();

    let ended = Arc::new(AtomicBool::new(false));
    let sampling = tokio::spawn(sample(system.caller().await, Arc::clone(&ended)));
    let offered = open::run(&connections, purchases()?, RATE, timing, &mut meter).await?;
    ended.store(true, Ordering::SeqCst);
    findings.note(
        Scenario::Lag,
        "purchases a second, of 2,000 offered",
        offered.per_second(),
        "",
    );
    for (name, p99) in sampling.await?? {
        let what = format!("{name}: 99 of 100 times it is behind by at most");
        findings.note(Scenario::Lag, &what, p99, "us");
    }

    let saturated = closed::run(
        &connections,
        purchases()?,
        settings.in_flight,
        timing,
        &mut meter,
    )
    .await?;
    findings.note(
        Scenario::Lag,
        "purchases a second, as many as it takes",
        saturated.per_second(),
        "",
    );
    let began = Instant::now();
    caught_up(&mut caller).await?;
    let after = began.elapsed().as_millis().try_into()?;
    findings.note(
        Scenario::Lag,
        "all projections have caught up after",
        after,
        "ms",
    );
    Ok(())
}

fn purchases() -> anyhow::Result<Calls> {
    let template = Template::new(&template::purchase(HOT, 1))?;
    Ok(Calls::of(Method::Purchase, template))
}

/// The lag of each projection, until told to end.
async fn sample(
    mut caller: Caller,
    ended: Arc<AtomicBool>,
) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut lags = BTreeMap::new();
    while !ended.load(Ordering::SeqCst) {
        for projection in projections(&mut caller).await? {
            let lag = projection.lag.unwrap_or_default();
            let lag = Duration::try_from(lag).unwrap_or_default();
            if !lags.contains_key(&projection.name) {
                lags.insert(projection.name.clone(), histogram()?);
            }
            if let Some(histogram) = lags.get_mut(&projection.name) {
                histogram.saturating_record(micros(lag));
            }
        }
        tokio::time::sleep(SAMPLE_INTERVAL).await;
    }
    let p99 = lags
        .into_iter()
        .map(|(name, lag)| (name, lag.value_at_quantile(0.99)));
    Ok(p99.collect())
}
