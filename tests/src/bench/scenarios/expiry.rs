//! What sales feel of ten thousand claims of the same pool that end in the same second.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use onsale_proto::v1;
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::{Scenario, Settings};
use crate::{
    bench::{
        load::tally::{Measured, histogram, micros},
        report::{Figures, Findings},
    },
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

/// Sales in a second, in an open loop ...
const RATE: u32 = 1_000;
/// ... while so many claims end.
const CLAIMS: u32 = 10_000;

/// Measures sales without and with a mass of claims that end.
///
/// # Errors
/// The system does not start, or a call fails that prepares the measurement.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    for (name, claims) in [
        ("1,000 sales/s", 0),
        ("1,000 sales/s, 10,000 claims end", CLAIMS),
    ] {
        let (mut rounds, mut back_after) = (Vec::new(), Duration::ZERO);
        for _round in 0..settings.rounds {
            let (figures, back) = measure(claims, RATE).await?;
            rounds.push(figures);
            back_after = back_after.max(back);
        }
        findings.add(Scenario::Expiry, name, rounds);
        if claims > 0 {
            findings.note(
                Scenario::Expiry,
                "all places are back after (the longest of all rounds)",
                u64::try_from(back_after.as_millis())?,
                "ms",
            );
        }
    }
    Ok(())
}

/// Sells `rate` tickets a second from a pool of which `claims` claims of one ticket end in the same second. Also says how
/// long after the last deadline all places were back.
async fn measure(claims: u32, rate: u32) -> anyhow::Result<(Figures, Duration)> {
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
    let measured = sell(&caller, pool, rate).await?;
    let back_after = match claims {
        0 => Duration::ZERO,
        _some => back.await??.saturating_duration_since(end),
    };
    Ok((Figures::of_latencies(&measured), back_after))
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
async fn sell(caller: &Caller, pool: &'static str, rate: u32) -> anyhow::Result<Measured> {
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
    let (mut measured, mut failed) = (histogram()?, 0);
    for sale in sales {
        match sale.await? {
            Ok(latency) => measured.saturating_record(micros(latency)),
            Err(_refused) => failed += 1,
        }
    }
    Ok(Measured::of_latencies(measured, failed, MEASURED))
}
