//! With how many connections to PostgreSQL each naive engine is at its best. Run it on a new machine, and write the winners
//! into [`Engine::best_connections`].

use std::{fs, path::Path};

use serde::Serialize;

use super::{
    engines::{Engine, running::Running},
    load::{closed, connection::Connection},
    report::{Figures, machine::Machine, progress},
    scenarios::{
        Settings,
        contest::{HOT, PLENTY, hot_claims},
    },
};
use crate::caller::a_pool;

/// What is tried.
const SIZES: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];

/// What was found.
#[derive(Debug, Serialize)]
struct Sweep {
    machine: Machine,
    settings: Settings,
    tried: Vec<Tried>,
}

#[derive(Debug, Serialize)]
struct Tried {
    engine: Engine,
    connections: u32,
    median: Figures,
}

/// Tries every size with every naive engine, on one hot pool, and writes `sweep.json` into `folder`.
///
/// # Errors
/// An engine does not start, its load cannot run, or the folder cannot be written.
pub async fn run(settings: Settings, folder: &Path) -> anyhow::Result<()> {
    let mut sweep = Sweep {
        machine: Machine::look().await?,
        settings,
        tried: Vec::new(),
    };
    for engine in Engine::NAIVE {
        for connections in SIZES {
            let median = measure(engine, connections, &settings).await?;
            progress(&format!("{}, {connections}: {median}", engine.name()));
            sweep.tried.push(Tried {
                engine,
                connections,
                median,
            });
        }
        let of_engine = sweep.tried.iter().filter(|tried| tried.engine == engine);
        if let Some(best) = of_engine.max_by_key(|tried| tried.median.per_second) {
            progress(&format!(
                "{} is at its best with {} connections",
                engine.name(),
                best.connections
            ));
        }
    }
    fs::create_dir_all(folder)?;
    let mut json = serde_json::to_string_pretty(&sweep)?;
    json.push('\n');
    fs::write(folder.join("sweep.json"), json)?;
    Ok(())
}

async fn measure(engine: Engine, connections: u32, settings: &Settings) -> anyhow::Result<Figures> {
    let running = Running::start_naive(engine, connections).await?;
    running
        .open_pools(&[HOT.to_owned()], &a_pool(PLENTY))
        .await?;
    let callers = Connection::open_all(&running.addresses(), settings.connections).await?;
    let mut meter = running.meter().await?;
    let mut rounds = Vec::new();
    for _round in 0..settings.rounds {
        let (calls, in_flight) = (hot_claims()?, settings.in_flight);
        let measured =
            closed::run(&callers, calls, in_flight, settings.timing(), &mut meter).await?;
        rounds.push(Figures::new(&measured, measured.usage.transactions));
    }
    Ok(Figures::median(&rounds))
}
