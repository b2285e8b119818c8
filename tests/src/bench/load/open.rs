//! An open loop: calls are sent when they are due, whatever became of those before, and each is timed from the moment at
//! which it was due. So a server that stops for a while is charged with everybody who came meanwhile.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    Timing,
    calls::Calls,
    closed::count,
    connection::Connection,
    tally::{Measured, Tally},
};
use crate::bench::meter::Meter;

/// As many calls are in flight at most; what is due beyond them is dropped.
const IN_FLIGHT_MAX: usize = 8_192;
/// A call that can be sent only so long after it was due is dropped.
const LATE_MAX: Duration = Duration::from_secs(1);
/// How often it looks what is due.
const TICK: Duration = Duration::from_millis(1);

/// Sends `rate` calls a second over `connections`.
///
/// # Errors
/// The meter cannot be read.
pub async fn run(
    connections: &[Connection],
    calls: Calls,
    rate: u64,
    timing: Timing,
    meter: &mut Meter,
) -> anyhow::Result<Measured> {
    let tally = Arc::new(Tally::new()?);
    let sending = tokio::spawn(send(
        connections.to_vec(),
        Arc::new(calls),
        rate,
        Arc::clone(&tally),
    ));
    let measured = count(&tally, timing, meter).await;
    sending.await?;
    measured
}

async fn send(connections: Vec<Connection>, calls: Arc<Calls>, rate: u64, tally: Arc<Tally>) {
    let began = Instant::now();
    let mut connections = connections.iter().cycle();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut in_flight = FuturesUnordered::new();
    let mut sent = 0;
    while !tally.is_ended() {
        tokio::select! {
            _ = ticks.tick() => {}
            Some(()) = in_flight.next() => continue,
        }
        let due = due_by(began.elapsed(), rate);
        for n in sent..due {
            let due = began + Duration::from_micros(n.saturating_mul(1_000_000) / rate.max(1));
            let Some(connection) = connections.next() else {
                return;
            };
            if in_flight.len() >= IN_FLIGHT_MAX || due.elapsed() > LATE_MAX {
                tally.drop_call();
            } else {
                in_flight.push(call(connection, &calls, due, &tally));
            }
        }
        sent = due;
    }
    while in_flight.next().await.is_some() {}
}

/// How many calls are due after this time: the first one at once.
fn due_by(elapsed: Duration, rate: u64) -> u64 {
    let elapsed = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    elapsed.saturating_mul(rate) / 1_000_000 + 1
}

async fn call(connection: &Connection, calls: &Calls, due: Instant, tally: &Tally) {
    let outcome = match connection.call(calls.method, calls.next()).await {
        Ok(answer) => calls.check(&answer),
        Err(broken) => Err(broken.to_string()),
    };
    tally.count(due.elapsed(), outcome);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_sent_when_it_is_due_and_not_when_the_next_one_is() {
        let due = |millis| due_by(Duration::from_millis(millis), 200);
        assert_eq!([due(0), due(4), due(5), due(9), due(10)], [1, 1, 2, 2, 3]);
    }
}
