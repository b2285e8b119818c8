//! From the acknowledgement of a command to the subscriber's frame, on an idle system.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use onsale_proto::{name, v1};

use super::{Scenario, Settings};
use crate::{
    bench::{
        load::tally::{Measured, histogram, micros},
        report::{Figures, Findings},
    },
    caller::purchase_request,
    system::System,
};

/// The shortest interval between frames that a stream may ask for.
const MIN_INTERVAL: Duration = Duration::from_millis(20);

/// Measures with notifications, and with the poll alone.
///
/// # Errors
/// A call or the stream failed.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let polling = [("ONSALE_NOTIFY", "false"), ("ONSALE_QUERY_HINTS", "false")];
    let sides: [(_, &[_]); 2] = [
        ("with notifications", &[]),
        ("polling each 100 ms", &polling),
    ];
    for (name, options) in sides {
        let figures = measure(options, settings.frames).await?;
        findings.add(Scenario::Frames, name, vec![figures]);
    }
    Ok(())
}

/// Measures `count` purchases, one after the other, each on an idle stream. `options` are the services' environment.
async fn measure(options: &[(&str, &str)], count: usize) -> anyhow::Result<Figures> {
    let system = System::start_with(1, options).await;
    let mut caller = system.caller().await;
    let receipt = caller.create_pool("idle", 10_000).await?;
    caller
        .availability("idle", &receipt.consistency_token)
        .await?;
    let request = v1::WatchAvailabilityRequest {
        pools: vec![name::pool("idle")],
        min_interval: Some(MIN_INTERVAL.try_into()?),
        ..v1::WatchAvailabilityRequest::default()
    };
    let mut frames = caller
        .queries
        .watch_availability(request)
        .await?
        .into_inner();
    let mut seen = 0;
    let mut measured = histogram()?;
    let began = Instant::now();
    for n in 0..count {
        let request = purchase_request("idle", &format!("customer-{n}"), 1);
        let bought = caller
            .commands
            .purchase_tickets(request)
            .await?
            .into_inner();
        let acknowledged = Instant::now();
        let version = bought.receipt.context("a receipt")?.version;
        while seen < version {
            let frame = frames.message().await?.context("the stream goes on")?;
            seen = frame
                .availability
                .map_or(seen, |availability| availability.version);
        }
        measured.saturating_record(micros(acknowledged.elapsed()));
        // The next change must find the stream idle.
        tokio::time::sleep(MIN_INTERVAL + Duration::from_millis(2)).await;
    }
    let measured = Measured::of_latencies(measured, 0, began.elapsed());
    Ok(Figures::of_latencies(&measured))
}
