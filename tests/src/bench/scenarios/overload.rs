//! Twice the load that can be served, with an append that takes 20 ms longer: how long those wait who are served, and how
//! soon those know who are not. By the service's own histogram, since a client that is in the same need of processors
//! would measure itself.

use std::time::Duration;

use anyhow::Context as _;
use sqlx::ConnectOptions as _;

use super::{
    Scenario, Settings,
    contest::{HOT, PLENTY, figures, hot_claims},
};
use crate::{
    bench::{
        load::{closed, connection::Connection, open},
        meter::Meter,
        report::Findings,
    },
    caller::{Caller, a_pool},
    proxy::Proxy,
    scrape::{free_address, scrape},
    service::{Kind, Service},
    system::migrated_database,
};

/// What PostgreSQL says comes so much later.
const SLOWED_BY: Duration = Duration::from_millis(20);
/// Limits so small that the load meets them: events of an append, commands that wait for a pool, commands of an instance.
const LIMITS: [(&str, &str); 3] = [
    ("ONSALE_BATCH_EVENTS", "20"),
    ("ONSALE_QUEUE_MAX", "20"),
    ("ONSALE_CALLS_MAX", "64"),
];
/// In flight while the rate is found that can be served: one batch on its way, one that waits.
const SUSTAINED: usize = 40;
const HISTOGRAM: &str = "onsale_command_seconds";
const PERCENT: u64 = 99;

/// Finds the rate that can be served, offers twice as much, and reads the service's histogram.
///
/// # Errors
/// The service does not start, or its load cannot run.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let database = migrated_database().await;
    let proxy = Proxy::to(&database.options()).await;
    let url = proxy.through(database.options()).to_url_lossy();
    let metrics = free_address()?;
    let listen = metrics.to_string();
    let mut options = LIMITS.to_vec();
    options.push(("ONSALE_COMMAND_METRICS_LISTEN", &listen));
    let service = Service::start(Kind::Command, url.as_str(), &options).await;
    let channel = service.channel().await;
    Caller::new(channel.clone(), channel)
        .create(HOT, a_pool(PLENTY))
        .await?;
    proxy.slow_down(SLOWED_BY);

    let mut meter = Meter::new(&database.options(), vec![service.pid()]).await?;
    let addresses = [service.address().to_owned()];
    let connections = Connection::open_all(&addresses, settings.connections).await?;
    let timing = settings.timing();
    let sustained = closed::run(&connections, hot_claims()?, SUSTAINED, timing, &mut meter).await?;
    findings.add(
        Scenario::Overload,
        "as much as can be served",
        vec![figures(&sustained, &mut meter).await?],
    );
    let before = scrape(metrics).await?;
    let offered = sustained.per_second() * 2;
    let overload = open::run(&connections, hot_claims()?, offered, timing, &mut meter).await?;
    findings.add(
        Scenario::Overload,
        "twice as much",
        vec![figures(&overload, &mut meter).await?],
    );
    let after = scrape(metrics).await?;
    for (outcome, name) in [
        ("accepted", "99 of 100 of those who are served wait at most"),
        (
            "shed",
            "99 of 100 of those who are shed know it after at most",
        ),
    ] {
        let label = format!("outcome=\"{outcome}\"");
        let bound = after.bound_since(&before, HISTOGRAM, &label, PERCENT)?;
        let bound = bound.with_context(|| format!("nobody was {outcome}"))?;
        let bound = Duration::try_from_secs_f64(bound).unwrap_or(Duration::MAX);
        let micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
        findings.note(Scenario::Overload, name, micros, "us");
    }
    Ok(())
}
