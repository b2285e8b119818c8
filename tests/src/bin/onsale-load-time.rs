//! Measures how long a pool of a million events takes to load, and how much memory many pools take.

use std::io::{Write as _, stdout};

use clap::Parser;
use onsale_tests::bench::{
    load_time::{When, measure},
    many_pools,
};

/// Measures how long the first command of a long pool takes on a fresh instance: release builds, through gRPC.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// How many events the pool has.
    #[arg(long, default_value_t = 1_000_000)]
    events: i64,

    /// How many pools the log has when memory is measured; a hundredth of them are active.
    #[arg(long, default_value_t = 100_000)]
    pools: u32,

    /// How many fresh instances are measured.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    for when in [When::Yesterday, When::Today] {
        let measured = measure(cli.events, when, cli.rounds).await?;
        let (lasting, recent) = measured.snapshot_bytes;
        let (before, after) = measured.resident_kib;
        writeln!(
            stdout(),
            "{when:?}: {} events: first command {:.0?} from events; from a snapshot of {lasting} + {recent} bytes {:.0?}; \
             the snapshot came {:.1?} after the first command; {} MiB resident before, {} MiB after",
            measured.events,
            measured.from_events,
            measured.from_snapshot,
            measured.snapshot_after,
            before / 1_024,
            after / 1_024,
        )?;
    }
    let many = many_pools::measure(cli.pools, cli.pools / 100).await?;
    writeln!(
        stdout(),
        "{} pools in the log: {} MiB resident, {} MiB with {} of them active",
        cli.pools,
        many.idle / 1_024,
        many.active / 1_024,
        cli.pools / 100,
    )?;
    Ok(())
}
