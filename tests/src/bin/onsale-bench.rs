//! `make bench`: measures what the documents say.

use std::{
    io::{Write as _, stdout},
    time::Duration,
};

use clap::Parser;
use onsale_tests::{
    bench::{expiry, latency, load},
    service::resident_kib,
    system::System,
};

/// Measures Onsale on this machine: release builds, durable PostgreSQL, through gRPC.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// How many samples of the latency from acknowledgement to frame.
    #[arg(long, default_value_t = 1_000)]
    samples: usize,

    /// How long each load runs, in seconds.
    #[arg(long, default_value_t = 5)]
    load_seconds: u64,

    /// How many tickets are sold in a second while ten thousand claims end.
    #[arg(long, default_value_t = 1_000)]
    sale_rate: u32,

    /// How often each load is run; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let system = System::start().await;
    let (command, query) = (
        resident_kib(system.commands[0].pid()),
        resident_kib(system.query.pid()),
    );
    let mib = |kib: Option<u64>| kib.unwrap_or(0) / 1_024;
    say(&format!(
        "memory after start: command-service {} MiB, query-service {} MiB",
        mib(command),
        mib(query)
    ))?;
    drop(system);

    let with = latency::measure(&[], cli.samples).await?;
    say(&format!(
        "acknowledgement to frame, with notifications: {}",
        with.summary()
    ))?;
    let polling = [("ONSALE_NOTIFY", "false"), ("ONSALE_QUERY_HINTS", "false")];
    let without = latency::measure(&polling, cli.samples).await?;
    say(&format!(
        "acknowledgement to frame, polling each 100 ms: {}",
        without.summary()
    ))?;

    for claims in [0, 10_000] {
        let mut rounds = Vec::new();
        for _ in 0..cli.rounds {
            rounds.push(expiry::measure(claims, cli.sale_rate).await?);
        }
        rounds.sort_by_key(|round| round.latencies.at(990));
        let round = &rounds[rounds.len() / 2];
        say(&format!(
            "{} sales/s while {} claims end in one second: {}, {} failed, places back after {:.1?}",
            cli.sale_rate,
            round.ended,
            round.latencies.summary(),
            round.failed,
            round.back_after
        ))?;
    }

    let span = Duration::from_secs(cli.load_seconds);
    for in_flight in [16, 256] {
        let mut rounds = Vec::new();
        for _ in 0..cli.rounds {
            rounds.push((
                load::purchases(in_flight, span).await?,
                load::refusals(in_flight, span).await?,
            ));
        }
        rounds.sort_by_key(|(bought, _)| bought.per_second);
        let (bought, _) = &rounds[rounds.len() / 2];
        say(&format!(
            "purchases, {in_flight} in flight: {}/s, {}, {} unexpected",
            bought.per_second,
            bought.latencies.summary(),
            bought.unexpected
        ))?;
        rounds.sort_by_key(|(_, refused)| refused.per_second);
        let (_, refused) = &rounds[rounds.len() / 2];
        say(&format!(
            "SOLD_OUT, each proved, {in_flight} in flight: {}/s, {}, {} unexpected",
            refused.per_second,
            refused.latencies.summary(),
            refused.unexpected
        ))?;
    }
    Ok(())
}

fn say(line: &str) -> std::io::Result<()> {
    writeln!(stdout(), "{line}")
}
