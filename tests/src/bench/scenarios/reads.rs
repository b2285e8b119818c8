//! What a read costs: `GetAvailability`, which memory answers, beside an echo; `GetPool`, which PostgreSQL answers, beside a bare
//! `SELECT` of the same row through tonic and sqlx.

use super::{
    Scenario, Settings,
    contest::{HOT, PLENTY, figures, hot_claims},
};
use crate::{
    bench::{
        engines::{
            Engine,
            running::{Running, spawn},
        },
        load::{
            calls::Calls,
            closed,
            connection::{Connection, Method},
        },
        meter::Meter,
        report::Findings,
    },
    caller::a_pool,
    system::System,
};
use onsale_proto::{name, v1};

/// Connections to PostgreSQL of the bare engine: as many as query-service has for reads.
const CONNECTIONS: u32 = 16;

/// Measures the four, in turn.
///
/// # Errors
/// Something does not start, or a load cannot run.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let receipt = caller.create(HOT, a_pool(PLENTY)).await?;
    caller.pool(HOT, &receipt.consistency_token).await?;
    let echo = Running::start(Engine::Echo).await?;
    let (bare, bare_address) =
        spawn(Engine::BareSelect, CONNECTIONS, system.database.url()).await?;
    let of = &system.database.options();
    let query = system.query.address().to_owned();
    let mut sides = Vec::new();
    for (name, addresses, pid, calls) in [
        (
            "GetAvailability",
            vec![query.clone()],
            system.query.pid(),
            availability as fn() -> _,
        ),
        ("echo", echo.addresses(), 0, hot_claims as fn() -> _),
        (
            "GetPool",
            vec![query],
            system.query.pid(),
            pool as fn() -> _,
        ),
        (
            "bare SELECT",
            vec![bare_address],
            bare.id().unwrap_or(0),
            pool as fn() -> _,
        ),
    ] {
        let pids = Some(pid).filter(|pid| *pid > 0).into_iter().collect();
        let connections = Connection::open_all(&addresses, settings.connections).await?;
        sides.push((
            name,
            calls,
            connections,
            Meter::new(of, pids).await?,
            Vec::new(),
        ));
    }
    for _round in 0..settings.rounds {
        for (_name, calls, connections, meter, rounds) in &mut sides {
            let (in_flight, timing) = (settings.in_flight, settings.timing());
            let measured = closed::run(connections, calls()?, in_flight, timing, meter).await?;
            rounds.push(figures(&measured, meter).await?);
        }
    }
    for (name, _calls, _connections, _meter, rounds) in sides {
        findings.add(Scenario::Reads, name, rounds);
    }
    Ok(())
}

fn availability() -> anyhow::Result<Calls> {
    let request = v1::GetAvailabilityRequest {
        pool: name::pool(HOT),
        ..Default::default()
    };
    Calls::fixed(Method::GetAvailability, &request)
}

fn pool() -> anyhow::Result<Calls> {
    let request = v1::GetPoolRequest {
        name: name::pool(HOT),
        ..Default::default()
    };
    Calls::fixed(Method::GetPool, &request)
}
