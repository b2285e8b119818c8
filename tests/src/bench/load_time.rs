//! How long a command takes that is the first of its pool on a fresh instance: from all events of a long stream, and
//! from a snapshot that the background fold made.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use onsale_command_service::domain::{
    Command,
    commands::{ClaimTickets, PurchaseTickets, ReleaseTickets},
};
use onsale_shared::{
    id::PoolId,
    log::{AppendBatch, EventLog as _, postgres::PostgresLog},
};
use sqlx::PgConnection;

use super::filling::{Filling, create, order};
use crate::{
    caller::{Caller, a_pool, create_request},
    database::TestDatabase,
    service::{Kind, Service, resident_kib},
    system::migrated_database,
    wait::eventually,
};

/// Purchases of two tickets.
const PURCHASES: u32 = 5_000;
/// Live claims of two tickets.
const LIVE_CLAIMS: u32 = 5_000;
/// How long the background work of an instance may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// When all of it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So that every command is remembered.
    Today,
    /// Longer ago than commands are remembered.
    Yesterday,
}

/// What was measured.
#[derive(Debug)]
pub struct LoadTime {
    /// How many events the stream had.
    pub events: i64,
    /// The first command on a fresh instance, without a snapshot.
    pub from_events: Duration,
    /// How large the snapshot is: what lasts, and what is remembered for a while.
    pub snapshot_bytes: (i64, i64),
    /// From the first command until the snapshot was there.
    pub snapshot_after: Duration,
    /// The first command on a fresh instance, with it; the shortest time first.
    pub from_snapshot: Vec<Duration>,
    /// Without a pool, and with it loaded from the snapshot, in KiB.
    pub resident_kib: (u64, u64),
}

/// Fills a pool with so many events: 10,000 tickets are sold, 10,000 are held, all others were claimed two at a time and
/// given back. Then measures `rounds` fresh instances.
///
/// # Errors
/// The system does not start, or a call fails.
pub async fn measure(events: i64, when: When, rounds: usize) -> anyhow::Result<LoadTime> {
    let database = migrated_database().await;
    let mut admin = database.admin().await;
    let id = "long";
    let filled = fill(&database, id, when, events).await?;

    let service = start(&database).await;
    let from_events = first_command(&service, id, "first").await?;
    let began = Instant::now();
    let admin_ref = tokio::sync::Mutex::new(&mut admin);
    eventually(PATIENCE, "the snapshot, and the deadlines", || async {
        is_settled(*admin_ref.lock().await, id, filled).await.ok()?
    })
    .await;
    let snapshot_after = began.elapsed();
    let snapshot_bytes = sqlx::query_as(
        "SELECT lasting_size::bigint, claims_size::bigint + requests_size \
           FROM onsale_command.snapshots WHERE pool = $1",
    )
    .bind(id)
    .fetch_one(&mut admin)
    .await?;
    service.kill().await;

    let mut measured = Vec::new();
    let mut resident = (0, 0);
    for round in 0..rounds {
        let service = start(&database).await;
        let before = resident_kib(service.pid());
        measured.push(first_command(&service, id, &format!("round-{round}")).await?);
        let after = resident_kib(service.pid());
        resident = (before.unwrap_or(0), after.unwrap_or(0));
        service.kill().await;
    }
    measured.sort_unstable();
    Ok(LoadTime {
        events: filled,
        from_events,
        snapshot_bytes,
        snapshot_after,
        from_snapshot: measured,
        resident_kib: resident,
    })
}

async fn start(database: &TestDatabase) -> Service {
    // Folding all events takes longer than callers usually wait.
    let options = [("ONSALE_DEADLINE_DEFAULT_MS", "60000")];
    Service::start(Kind::Command, database.url(), &options).await
}

/// Whether the pool's snapshot is nearly as far as its stream, and the deadlines are as far as the log.
async fn is_settled(log: &mut PgConnection, id: &str, events: i64) -> sqlx::Result<Option<()>> {
    let settled: bool = sqlx::query_scalar(
        "SELECT coalesce((SELECT version >= $2 FROM onsale_command.snapshots WHERE pool = $1), false) \
            AND (SELECT position >= $2 FROM onsale_command.checkpoints WHERE projection = 'deadlines')",
    )
    .bind(id)
    .bind(events)
    .fetch_one(log)
    .await?;
    Ok(settled.then_some(()))
}

/// A claim of one ticket, on a connection that is open and with an instance that has served another pool.
async fn first_command(service: &Service, id: &str, customer: &str) -> anyhow::Result<Duration> {
    let channel = service.channel().await;
    let mut caller = Caller::new(channel.clone(), channel);
    let other = format!("other-{customer}");
    caller
        .commands
        .create_pool(create_request(&other, a_pool(10)))
        .await?;
    let began = Instant::now();
    caller.claim(id, customer, 1).await?;
    Ok(began.elapsed())
}

/// Returns how many events the stream has.
async fn fill(database: &TestDatabase, id: &str, when: When, events: i64) -> anyhow::Result<i64> {
    let log = database.log().await;
    let (hours, step) = match when {
        When::Today => (20, Duration::from_millis(100)),
        When::Yesterday => (48, Duration::from_millis(150)),
    };
    let began = log.clock().now().minus(Duration::from_hours(hours));
    let mut stream = Filling::new(PoolId::parse(id)?, began, step);
    stream.tell(create()?)?;
    for n in 0..PURCHASES {
        stream.tell(Command::PurchaseTickets(PurchaseTickets {
            order: order(&format!("buyer-{n}"))?,
            payment_reference: None,
        }))?;
        append_most(&log, &mut stream).await?;
    }
    for n in 0..LIVE_CLAIMS {
        stream.tell(Command::ClaimTickets(order(&format!("holder-{n}"))?))?;
        append_most(&log, &mut stream).await?;
    }
    let mut n = 0_u32;
    while stream.version().get() < events {
        n += 1;
        let order: ClaimTickets = order(&format!("customer-{n}"))?;
        let claim = stream.tell(Command::ClaimTickets(order))?;
        stream.tell(Command::ReleaseTickets(ReleaseTickets {
            claim: claim.context("a claim")?,
            tickets: Vec::new(),
            by_operator: false,
        }))?;
        append_most(&log, &mut stream).await?;
    }
    log.append(&AppendBatch::new(vec![stream.take()])?).await?;
    Ok(stream.version().get())
}

/// Appends when there is nearly as much as an append takes.
async fn append_most(log: &PostgresLog, stream: &mut Filling) -> anyhow::Result<()> {
    if stream.waiting() > 900 {
        log.append(&AppendBatch::new(vec![stream.take()])?).await?;
    }
    Ok(())
}
