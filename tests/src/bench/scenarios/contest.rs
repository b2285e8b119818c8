//! The scenarios in which engines take turns: the same load on each, one after the other, round after round.

use clap::ValueEnum as _;
use onsale_proto::{reason::Reason, v1::execute_request::Command};

use super::{Scenario, Settings};
use crate::{
    bench::{
        engines::{Engine, running::Running},
        load::{
            calls::Calls,
            closed,
            connection::{Connection, Method},
            stream,
            tally::Measured,
            template::{self, Template, pool_ids},
            zipf,
        },
        meter::Meter,
        report::{Figures, Findings},
    },
    caller::a_pool,
};

/// The pool of the scenarios that have one.
pub const HOT: &str = "hot";
/// More tickets than any load sells.
pub const PLENTY: i64 = 10_000_000;
/// The pools of the scenario that has many ...
const POOLS: u32 = 1_000;
/// ... and after so many requests their order begins anew.
const ORDER_LENGTH: usize = 1 << 16;

/// An engine that takes turns.
struct Contestant {
    running: Running,
    meter: Meter,
    connections: Vec<Connection>,
    rounds: Vec<Figures>,
}

/// Measures a scenario.
///
/// # Errors
/// An engine does not start, or its load cannot run.
pub async fn run(
    scenario: Scenario,
    settings: &Settings,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let mut contestants = Vec::new();
    for engine in engines(scenario) {
        contestants.push(Contestant::start(scenario, engine, settings).await?);
    }
    for _round in 0..settings.rounds {
        for contestant in &mut contestants {
            contestant.take_turn(scenario, settings).await?;
        }
    }
    for contestant in contestants {
        findings.add(
            scenario,
            contestant.running.engine.name(),
            contestant.rounds,
        );
    }
    Ok(())
}

/// Echo does not know pools; with one request in flight nothing is collected or waited for.
fn engines(scenario: Scenario) -> Vec<Engine> {
    let competes = |engine: &Engine| match engine {
        Engine::Onsale | Engine::NaiveAtomicUpdate => true,
        Engine::OnsaleStream | Engine::NaiveForUpdate | Engine::BatchedSql => {
            scenario != Scenario::Single
        }
        Engine::Echo => scenario != Scenario::ManyPools,
        Engine::BareSelect => false,
    };
    let all = Engine::value_variants().iter().copied();
    all.filter(competes).collect()
}

/// The requests of a scenario, and the answers that they have to get from an engine.
fn calls(scenario: Scenario, engine: Engine) -> anyhow::Result<Calls> {
    let streamed = engine == Engine::OnsaleStream;
    if scenario == Scenario::HotPurchase {
        let message = template::purchase(HOT, 1);
        return match streamed {
            false => Ok(Calls::of(Method::Purchase, Template::new(&message)?)),
            true => {
                let template = Template::command(Command::PurchaseTickets(message))?;
                Ok(Calls::of(Method::Execute, template))
            }
        };
    }
    let method = match streamed {
        false => Method::Claim,
        true => Method::Execute,
    };
    let templates = pools(scenario).into_iter().map(|id| {
        let message = template::claim(&id, 1);
        match streamed {
            false => Template::new(&message),
            true => Template::command(Command::ClaimTickets(message)),
        }
    });
    let templates = templates.collect::<Result<Vec<_>, _>>()?;
    let order = match templates.len() {
        1 => vec![0],
        _ => zipf::order(POOLS, ORDER_LENGTH),
    };
    let calls = Calls::in_order(method, templates, order);
    Ok(
        match scenario == Scenario::SoldOut && engine != Engine::Echo {
            true => calls.refused(Reason::SoldOut),
            false => calls,
        },
    )
}

/// Claims of one ticket of the hot pool.
///
/// # Errors
/// None in practice.
pub fn hot_claims() -> anyhow::Result<Calls> {
    let template = Template::new(&template::claim(HOT, 1))?;
    Ok(Calls::of(Method::Claim, template))
}

fn pools(scenario: Scenario) -> Vec<String> {
    if scenario == Scenario::ManyPools {
        return pool_ids(usize::try_from(POOLS).unwrap_or(usize::MAX));
    }
    vec![HOT.to_owned()]
}

impl Contestant {
    async fn start(
        scenario: Scenario,
        engine: Engine,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let running = Running::start(engine).await?;
        if scenario == Scenario::SoldOut {
            sold_out(&running).await?;
        } else {
            let pools = pools(scenario);
            running.open_pools(&pools, &a_pool(PLENTY)).await?;
        }
        Ok(Self {
            meter: running.meter().await?,
            connections: Connection::open_all(&running.addresses(), settings.connections).await?,
            running,
            rounds: Vec::new(),
        })
    }

    async fn take_turn(&mut self, scenario: Scenario, settings: &Settings) -> anyhow::Result<()> {
        let calls = calls(scenario, self.running.engine)?;
        let in_flight = if scenario == Scenario::Single {
            1
        } else {
            settings.in_flight
        };
        let timing = settings.timing();
        let (connections, meter) = (&self.connections, &mut self.meter);
        let measured = match calls.method {
            Method::Execute => stream::run(connections, calls, in_flight, timing, meter).await?,
            Method::Claim
            | Method::Purchase
            | Method::Buy
            | Method::GetAvailability
            | Method::GetPool
            | Method::ListTickets => {
                closed::run(connections, calls, in_flight, timing, meter).await?
            }
        };
        self.rounds.push(figures(&measured, &mut self.meter).await?);
        Ok(())
    }
}

/// The figures of a load, with the transactions that it took.
///
/// # Errors
/// The database cannot be asked.
pub async fn figures(measured: &Measured, meter: &mut Meter) -> anyhow::Result<Figures> {
    let appends = meter.appends(&measured.usage).await?;
    let commits = appends.unwrap_or(measured.usage.transactions);
    Ok(Figures::new(measured, commits))
}

/// A pool whose last ticket is sold.
async fn sold_out(running: &Running) -> anyhow::Result<()> {
    running.open_pools(&[HOT.to_owned()], &a_pool(1)).await?;
    match running.engine {
        Engine::Echo | Engine::BareSelect => Ok(()),
        Engine::Onsale | Engine::OnsaleStream => {
            let connection = Connection::open_all(&running.addresses(), 1).await?;
            let last = Calls::of(
                Method::Purchase,
                Template::new(&template::purchase(HOT, 1))?,
            );
            for connection in connection {
                let answer = connection.call(last.method, last.next()).await?;
                last.check(&answer).map_err(anyhow::Error::msg)?;
            }
            Ok(())
        }
        Engine::NaiveAtomicUpdate | Engine::NaiveForUpdate | Engine::BatchedSql => {
            running.sell_out(HOT).await
        }
    }
}
