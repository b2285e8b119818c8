//! `make bench`: measures what the documents say.

use std::{
    io::{Write as _, stdout},
    path::PathBuf,
};

use clap::{Parser, Subcommand, ValueEnum as _};
use onsale_tests::bench::{
    engines::{Engine, server},
    growth::{self, Growth},
    report::{Findings, Report, machine::Machine, progress, table, targets::targets},
    scenarios::{Scenario, Settings},
    sweep,
    wear_in::wear_in,
};
use tokio::runtime::{Builder, Runtime};

/// Measures Onsale on this machine: release builds, durable PostgreSQL, through gRPC.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// A look in about three minutes, without the scenario `expiry`; the figures are not to be quoted
    #[arg(long)]
    quick: bool,

    /// Only these scenarios
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SCENARIO")]
    only: Vec<Scenario>,

    /// How often each engine has its turn; medians count
    #[arg(long)]
    rounds: Option<usize>,

    /// Where results.json, results.md and rates.svg (or sweep.json) are written; nowhere if it is not given
    #[arg(long, value_name = "FOLDER", overrides_with = "out")]
    out: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Find with how many connections each naive engine is at its best
    Sweep,
    /// Whether a log of 20 million events is slower than one of 100 thousand; takes about ten minutes and 20 GB
    Growth {
        /// Pools of the large log, of 1,000 events each
        #[arg(long, default_value_t = 20_000)]
        pools: u32,
        /// Pools of the small log
        #[arg(long, default_value_t = 100)]
        pools_of_small: u32,
        /// A shell command that restarts PostgreSQL and empties the machine's cache of files; unset: nothing is measured
        /// cold
        #[arg(long, value_name = "COMMAND")]
        restart: Option<String>,
    },
    /// Run a naive engine until it is killed; it prints its address
    #[command(hide = true)]
    Engine {
        #[arg(value_enum)]
        engine: Engine,
        #[arg(long)]
        connections: u32,
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: String,
    },
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Some(Command::Engine {
        engine,
        connections,
        database_url,
    }) = &cli.command
    {
        return Runtime::new()?.block_on(server::serve(*engine, database_url, *connections));
    }
    // On one thread: with less ado between threads the generator costs least.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(cli))
}

async fn measure(cli: Cli) -> anyhow::Result<()> {
    let mut settings = match cli.quick {
        true => Settings::QUICK,
        false => Settings::WHOLE,
    };
    settings.rounds = cli.rounds.unwrap_or(settings.rounds).max(1);
    match cli.command {
        Some(Command::Sweep) => {
            return sweep::run(settings, &cli.out.unwrap_or_else(|| PathBuf::from("."))).await;
        }
        Some(Command::Growth {
            pools,
            pools_of_small,
            restart,
        }) => {
            return growth::run(&Growth {
                pools,
                pools_of_small,
                restart,
            })
            .await;
        }
        Some(Command::Engine { .. }) | None => {}
    }
    wear_in().await?;
    let machine = Machine::look().await?;
    progress(&machine.sentence());
    let mut findings = Findings::default();
    let scenarios = match cli.only.as_slice() {
        [] => Scenario::value_variants().to_vec(),
        only => only.to_vec(),
    };
    let left_out =
        |scenario: &Scenario| cli.quick && cli.only.is_empty() && *scenario == Scenario::NOT_QUICK;
    for scenario in scenarios.into_iter().filter(|one| !left_out(one)) {
        scenario.run(&settings, &mut findings).await?;
    }
    let report = Report {
        machine,
        settings,
        targets: targets(&findings),
        findings,
    };
    writeln!(stdout(), "{}", table::markdown(&report)?)?;
    if let Some(folder) = cli.out {
        report.write(&folder)?;
        progress(&format!("written into {}", folder.display()));
    }
    Ok(())
}
