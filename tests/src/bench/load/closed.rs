//! A closed loop: so many calls are in flight at any time; whoever is answered calls again.

use std::{sync::Arc, time::Instant};

use super::{
    Timing,
    calls::Calls,
    connection::Connection,
    tally::{Measured, Tally},
};
use crate::bench::meter::Meter;

/// Runs `in_flight` loops of `calls` over `connections`.
///
/// # Errors
/// The meter cannot be read.
pub async fn run(
    connections: &[Connection],
    calls: Calls,
    in_flight: usize,
    timing: Timing,
    meter: &mut Meter,
) -> anyhow::Result<Measured> {
    let tally = Arc::new(Tally::new()?);
    let calls = Arc::new(calls);
    let loops: Vec<_> = connections
        .iter()
        .cycle()
        .take(in_flight)
        .map(|connection| {
            let calling = keep_calling(connection.clone(), Arc::clone(&calls), Arc::clone(&tally));
            tokio::spawn(calling)
        })
        .collect();
    let measured = count(&tally, timing, meter).await;
    for calling in loops {
        calling.await?;
    }
    measured
}

/// Counts for the span after the warm-up, then ends the load.
///
/// # Errors
/// The meter cannot be read.
pub async fn count(tally: &Tally, timing: Timing, meter: &mut Meter) -> anyhow::Result<Measured> {
    tokio::time::sleep(timing.warm_up).await;
    let before = meter.read().await;
    tally.begin();
    tokio::time::sleep(timing.span).await;
    tally.end();
    let after = meter.read().await;
    Ok(tally.measured(after?.since(&before?)))
}

async fn keep_calling(connection: Connection, calls: Arc<Calls>, tally: Arc<Tally>) {
    while !tally.is_ended() {
        let request = calls.next();
        let called = Instant::now();
        match connection.call(calls.method, request).await {
            Ok(answer) => tally.count(called.elapsed(), calls.check(&answer)),
            Err(broken) => {
                tally.count(called.elapsed(), Err(broken.to_string()));
                return;
            }
        }
    }
}
