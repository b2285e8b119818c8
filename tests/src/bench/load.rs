//! How many purchases one instance records in a second, and how many it refuses, each refusal proved by a look at the log.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use onsale_proto::{reason::Reason, status::reason_of};

use super::Samples;
use crate::{
    caller::{Caller, purchase_request},
    system::System,
};

/// As many connections carry the calls.
const CONNECTIONS: usize = 4;

/// What a closed loop of callers reached.
#[derive(Debug)]
pub struct Load {
    /// Calls answered in a second.
    pub per_second: u64,
    /// How long each took.
    pub latencies: Samples,
    /// Calls answered in another way than expected.
    pub unexpected: u64,
}

/// Purchases of one ticket each from one hot pool, `in_flight` at once.
///
/// # Errors
/// The system does not start.
pub async fn purchases(in_flight: usize, span: Duration) -> anyhow::Result<Load> {
    run("hot", 10_000_000, in_flight, span, None).await
}

/// Purchases from a pool that is sold out.
///
/// # Errors
/// The system does not start.
pub async fn refusals(in_flight: usize, span: Duration) -> anyhow::Result<Load> {
    run("full", 1, in_flight, span, Some(Reason::SoldOut)).await
}

async fn run(
    pool: &'static str,
    capacity: i64,
    in_flight: usize,
    span: Duration,
    refusal: Option<Reason>,
) -> anyhow::Result<Load> {
    let system = System::start().await;
    let mut callers = Vec::new();
    for _ in 0..CONNECTIONS {
        callers.push(system.caller().await);
    }
    let mut promoter = callers.first().context("a connection")?.clone();
    promoter.create_pool(pool, capacity).await?;
    if refusal.is_some() {
        promoter.purchase(pool, "the-last", 1).await?;
    }
    let ended = Arc::new(AtomicBool::new(false));
    let unexpected = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let loops = (0..in_flight).map(|n| {
        let caller = callers[n % CONNECTIONS].clone();
        tokio::spawn(keep_buying(
            caller,
            pool,
            refusal,
            Arc::clone(&ended),
            Arc::clone(&unexpected),
        ))
    });
    let loops: Vec<_> = loops.collect();
    tokio::time::sleep(span).await;
    ended.store(true, Ordering::Relaxed);
    let mut measured = Vec::new();
    for calls in loops {
        measured.extend(calls.await?);
    }
    let millis = u64::try_from(started.elapsed().as_millis())?.max(1);
    Ok(Load {
        per_second: u64::try_from(measured.len())? * 1_000 / millis,
        latencies: Samples::new(measured),
        unexpected: unexpected.load(Ordering::Relaxed),
    })
}

async fn keep_buying(
    mut caller: Caller,
    pool: &'static str,
    refusal: Option<Reason>,
    ended: Arc<AtomicBool>,
    unexpected: Arc<AtomicU64>,
) -> Vec<Duration> {
    let mut measured = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let called = Instant::now();
        let answer = caller
            .commands
            .purchase_tickets(purchase_request(pool, "customer", 1))
            .await;
        let as_expected = match answer {
            Ok(_) => refusal.is_none(),
            Err(status) => refusal.is_some() && reason_of(&status) == refusal,
        };
        if as_expected {
            measured.push(called.elapsed());
        } else {
            unexpected.fetch_add(1, Ordering::Relaxed);
        }
    }
    measured
}
