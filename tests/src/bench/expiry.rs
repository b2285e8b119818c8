//! What sales feel of ten thousand claims of the same pool that end in the same second.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use onsale_proto::v1;
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::Samples;
use crate::{
    caller::{Caller, a_pool, claim_request, create_request, limits_request, purchase_request},
    system::System,
};

/// Claims are made in so many rounds, one a second, each with a shorter duration than the one before.
const ROUNDS: u32 = 10;
/// Seconds from the first claim to the end of all.
const END: u32 = 16;
/// Sales are measured from so long before the end of the claims ...
const BEFORE: Duration = Duration::from_secs(2);
/// ... and for so long.
const MEASURED: Duration = Duration::from_secs(6);
/// Places are back so long after the last deadline, or something is wrong.
const GONE_WITHIN: Duration = Duration::from_secs(60);
/// Calls in flight while claims are made.
const IN_FLIGHT: usize = 128;

/// What sales at a steady rate felt.
#[derive(Debug)]
pub struct Expiry {
    /// How long each sale took, from the moment at which it was due.
    pub latencies: Samples,
    /// Claims that ended within the second.
    pub ended: u64,
    /// How long after the last deadline all places were back.
    pub back_after: Duration,
    /// Sales that failed.
    pub failed: u64,
}

/// Sells `rate` tickets a second from a pool of which `claims` claims of one ticket end in the same second.
///
/// # Errors
/// The system does not start, or a call fails that prepares the measurement.
pub async fn measure(claims: u32, rate: u32) -> anyhow::Result<Expiry> {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let pool = "expiring";
    caller
        .commands
        .create_pool(create_request(pool, a_pool(10_000_000)))
        .await?;
    let started = tokio::time::Instant::now();
    let at = |seconds: u32| started + Duration::from_secs(seconds.into());
    for round in 0..ROUNDS {
        sleep_until(at(round)).await;
        let duration = Duration::from_secs((END - round).into());
        let limits = v1::ChangeLimitsRequest {
            claim_duration: Some(duration.try_into()?),
            max_tickets_per_customer: 10_000_000,
            ..limits_request(pool)
        };
        caller.commands.change_limits(limits).await?;
        claim(&caller, pool, claims / ROUNDS).await?;
    }
    let end = at(END);
    sleep_until(end - BEFORE).await;
    let held = caller.availability(pool, "").await?.held;
    anyhow::ensure!(held == i64::from(claims), "{held} tickets are held");
    let mut watcher = caller.clone();
    let back = tokio::spawn(async move {
        // The last round's claims end up to a second later.
        while tokio::time::Instant::now() < end + GONE_WITHIN {
            if watcher.availability(pool, "").await?.held == 0 {
                return Ok(tokio::time::Instant::now());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        anyhow::bail!("tickets are held {GONE_WITHIN:?} after the last deadline")
    });
    let (latencies, failed) = sell(&caller, pool, rate).await?;
    let back_after = match claims {
        0 => Duration::ZERO,
        _some => back.await??.saturating_duration_since(end),
    };
    Ok(Expiry {
        latencies,
        ended: claims.into(),
        back_after,
        failed,
    })
}

async fn claim(caller: &Caller, pool: &str, count: u32) -> anyhow::Result<()> {
    let calls = stream::iter(0..count).map(|n| {
        let mut caller = caller.clone();
        let request = claim_request(pool, &format!("holder-{n}"), 1);
        async move { caller.commands.claim_tickets(request).await }
    });
    let mut calls = calls.buffer_unordered(IN_FLIGHT);
    while let Some(answer) = calls.next().await {
        answer.context("a claim")?;
    }
    Ok(())
}

/// An open loop: each sale is sent when it is due, whatever became of those before.
async fn sell(caller: &Caller, pool: &'static str, rate: u32) -> anyhow::Result<(Samples, u64)> {
    let mut ticks = interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let count = u64::from(rate) * MEASURED.as_secs();
    let mut sales = Vec::new();
    for n in 0..count {
        let due: Instant = ticks.tick().await.into();
        let mut caller = caller.clone();
        sales.push(tokio::spawn(async move {
            let request = purchase_request(pool, &format!("buyer-{n}"), 1);
            let answer = caller.commands.purchase_tickets(request).await;
            answer.map(|_| due.elapsed())
        }));
    }
    let (mut measured, mut failed) = (Vec::new(), 0);
    for sale in sales {
        match sale.await? {
            Ok(latency) => measured.push(latency),
            Err(_refused) => failed += 1,
        }
    }
    Ok((Samples::new(measured), failed))
}
