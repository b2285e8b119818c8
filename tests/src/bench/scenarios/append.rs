//! The append function alone, fed with ready batches: claims encoded as the service encodes them, as many a batch as the
//! service itself appends under load. What the write path could reach if deciding and gRPC cost nothing.

use std::time::{Duration, Instant};

use onsale_shared::{
    event::{CommandHash, CommandMetadata, Metadata, PoolEvent, Source, TicketClaimed, encode},
    id::{IdSource, RequestId},
    log::{AppendBatch, EventLog as _, Group, NewEvent, Origin, StreamName, Version},
    money::Minor,
    text::Reference,
    time::Timestamp,
};
use uuid::Uuid;

use super::{Scenario, Settings};
use crate::{
    bench::{
        load::tally::{Measured, histogram, micros},
        meter::Meter,
        report::{Figures, Findings},
    },
    database::TestDatabase,
};

/// Events of a batch, if the service's own batches were not measured in this run.
const BATCH_DEFAULT: u32 = 120;
/// Events of a round; the batches are made before.
const EVENTS: u32 = 150_000;
/// Of them, before anything is counted.
const WARM_UP_EVENTS: u32 = 30_000;
/// How long a claim lives.
const CLAIM: Duration = Duration::from_mins(10);

/// Measures the function with batches as large as those of the hot pool.
///
/// # Errors
/// The log cannot be appended to.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let batch = findings.batch_of_hot_claims().unwrap_or(BATCH_DEFAULT);
    let mut rounds = Vec::new();
    for _round in 0..settings.rounds {
        rounds.push(measure(batch).await?);
    }
    findings.add(Scenario::Append, "append", rounds);
    Ok(())
}

async fn measure(batch: u32) -> anyhow::Result<Figures> {
    let database = TestDatabase::create().await;
    let log = database.log().await;
    let now = log.head().await?.time;
    let batches = (0..EVENTS / batch).map(|n| ready(batch, n * batch, now));
    let batches: Vec<_> = batches.collect::<anyhow::Result<_>>()?;
    let warm_up = usize::try_from(WARM_UP_EVENTS / batch)?;
    let mut latencies = histogram()?;
    let mut meter = Meter::new(&database.options(), Vec::new()).await?;
    let mut before = meter.read().await?;
    let mut began = Instant::now();
    for (n, batch) in batches.iter().enumerate() {
        if n == warm_up {
            before = meter.read().await?;
            began = Instant::now();
        }
        let sent = Instant::now();
        log.append(batch).await?;
        if n >= warm_up {
            latencies.saturating_record_n(micros(sent.elapsed()), batch.event_count().try_into()?);
        }
    }
    let elapsed = began.elapsed();
    let measured = Measured {
        elapsed,
        latencies,
        unexpected: 0,
        dropped: 0,
        first_unexpected: None,
        usage: meter.read().await?.since(&before),
    };
    let commits = meter.appends(&measured.usage).await?.unwrap_or_default();
    Ok(Figures::new(&measured, commits))
}

/// Claims of one ticket each, as one write to the pool's stream after `version` others.
fn ready(events: u32, version: u32, now: Timestamp) -> anyhow::Result<AppendBatch> {
    let claims = (0..events).map(|n| claim(version + n, now));
    let claims = claims.collect::<anyhow::Result<_>>()?;
    let group = Group::of_stream(
        StreamName::from("pools/hot"),
        Version::START.plus(version),
        claims,
    );
    Ok(AppendBatch::new(vec![group])?)
}

fn claim(n: u32, now: Timestamp) -> anyhow::Result<NewEvent> {
    let mut ids = IdSource.ids(now);
    let event = encode(&PoolEvent::TicketClaimed(TicketClaimed {
        claim: ids.claim(),
        ticket: ids.ticket(),
        customer: Reference::parse(&format!("customer-{n:06}"))?,
        unit_price: Minor::new(4_999).unwrap_or_default(),
        pricing_version: 1,
        expire_time: now.plus(CLAIM),
        reference: None,
        labels: std::collections::BTreeMap::new(),
        replaces: None,
        granted: false,
    }))?;
    let metadata = Metadata {
        request_id: Some(RequestId(Uuid::new_v4())),
        causation_id: None,
        command: Some(CommandMetadata {
            command_hash: Some(CommandHash(Uuid::new_v4().as_u128())),
            correlation_id: None,
            traceparent: None,
            actor: "anonymous".to_owned(),
            source: Source {
                service: "command-service".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                instance: "12345-0123abcd".to_owned(),
            },
        }),
    };
    Ok(NewEvent {
        id: ids.event(),
        kind: event.kind,
        schema: event.schema,
        time: now,
        data: event.data,
        metadata: metadata.to_json()?,
        origin: Some(Origin {
            ip: Some(std::net::Ipv4Addr::LOCALHOST.into()),
            user_agent: None,
        }),
    })
}
