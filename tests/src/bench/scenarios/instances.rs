//! Two instances of command-service on the same hot pool, against one alone: what it costs that any instance may serve any
//! pool.

use super::{
    Scenario, Settings,
    contest::{HOT, PLENTY, figures, hot_claims},
};
use crate::{
    bench::{
        engines::running::Running,
        load::{closed, connection::Connection},
        report::Findings,
    },
    caller::a_pool,
};

/// Measures one instance and two, in turn.
///
/// # Errors
/// They do not start, or the load cannot run.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let sides = [("one instance", 1), ("two instances", 2)];
    let mut systems = Vec::new();
    for (name, instances) in sides {
        let running = Running::start_onsale(instances).await?;
        running
            .open_pools(&[HOT.to_owned()], &a_pool(PLENTY))
            .await?;
        let connections = Connection::open_all(&running.addresses(), settings.connections).await?;
        systems.push((
            name,
            running.meter().await?,
            connections,
            running,
            Vec::new(),
        ));
    }
    for _round in 0..settings.rounds {
        for (_name, meter, connections, _running, rounds) in &mut systems {
            let (in_flight, timing) = (settings.in_flight, settings.timing());
            let measured =
                closed::run(connections, hot_claims()?, in_flight, timing, meter).await?;
            rounds.push(figures(&measured, meter).await?);
        }
    }
    for (name, _meter, _connections, _running, rounds) in systems {
        findings.add(Scenario::Instances, name, rounds);
    }
    Ok(())
}
