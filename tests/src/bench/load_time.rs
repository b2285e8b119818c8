//! How long a command takes that is the first of its pool on a fresh instance: from all events of a long stream, and
//! from a snapshot that the background fold made.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use onsale_command_service::domain::{
    Command, Decision, Entry, Fact, Pool, Request,
    commands::{ClaimTickets, CreatePool, PurchaseTickets, ReleaseTickets},
    decide,
};
use onsale_shared::{
    event::{
        CommandHash, CommandMetadata, Labels, Limits, Metadata, PoolEvent, Schedule, Source, encode,
    },
    id::{ClaimId, IdSource, PoolId, RequestId},
    log::{AppendBatch, EventLog, Group, NewEvent, Position, StreamName, Version},
    money::{Amount, Currency, Minor},
    pricing::Pricing,
    text::Reference,
    time::Timestamp,
};
use sqlx::PgConnection;

use super::Samples;
use crate::{
    caller::{Caller, a_pool, create_request},
    database::TestDatabase,
    service::{Kind, Service},
    system::migrated_database,
    wait::eventually,
};

/// Purchases of two tickets.
const PURCHASES: u32 = 5_000;
/// Live claims of two tickets.
const LIVE_CLAIMS: u32 = 5_000;
/// Events an append.
const APPENDED_AT_ONCE: usize = 1_000;
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
    /// The first command on a fresh instance, with it.
    pub from_snapshot: Samples,
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
    let filled = Filling::start(&database, id, when)
        .await?
        .fill(events)
        .await?;

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
        "SELECT octet_length(lasting)::bigint, octet_length(recent)::bigint \
           FROM onsale_command.snapshots WHERE pool = $1",
    )
    .bind(id)
    .fetch_one(&mut admin)
    .await?;
    service.kill().await;

    let mut measured = Vec::new();
    let mut resident_kib = (0, 0);
    for round in 0..rounds {
        let service = start(&database).await;
        let before = super::super::service::resident_kib(service.pid());
        measured.push(first_command(&service, id, &format!("round-{round}")).await?);
        let after = super::super::service::resident_kib(service.pid());
        resident_kib = (before.unwrap_or(0), after.unwrap_or(0));
        service.kill().await;
    }
    Ok(LoadTime {
        events: filled,
        from_events,
        snapshot_bytes,
        snapshot_after,
        from_snapshot: Samples::new(measured),
        resident_kib,
    })
}

async fn start(database: &TestDatabase) -> Service {
    Service::start(Kind::Command, database.url(), &[]).await
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

/// A stream as its actor would have written it, at times of its own.
struct Filling {
    log: Arc<dyn EventLog>,
    id: PoolId,
    pool: Pool,
    now: Timestamp,
    step: Duration,
    batch: Vec<NewEvent>,
    appended: Version,
}

impl Filling {
    async fn start(database: &TestDatabase, id: &str, when: When) -> anyhow::Result<Self> {
        let log: Arc<dyn EventLog> = database.log().await;
        let (hours, step) = match when {
            When::Today => (20, Duration::from_millis(100)),
            When::Yesterday => (48, Duration::from_millis(150)),
        };
        Ok(Self {
            now: log.clock().now().minus(Duration::from_hours(hours)),
            log,
            id: PoolId::parse(id)?,
            pool: Pool::default(),
            step,
            batch: Vec::new(),
            appended: Version::START,
        })
    }

    async fn fill(mut self, events: i64) -> anyhow::Result<i64> {
        self.tell(create()?).await?;
        for n in 0..PURCHASES {
            let order = order(&format!("buyer-{n}"))?;
            let payment_reference = None;
            self.tell(Command::PurchaseTickets(PurchaseTickets {
                order,
                payment_reference,
            }))
            .await?;
        }
        for n in 0..LIVE_CLAIMS {
            let order = order(&format!("holder-{n}"))?;
            self.tell(Command::ClaimTickets(order)).await?;
        }
        let mut n = 0_u32;
        while self.pool.version().get() < events {
            n += 1;
            let order = order(&format!("customer-{n}"))?;
            let claim = self.tell(Command::ClaimTickets(order)).await?;
            self.tell(Command::ReleaseTickets(ReleaseTickets {
                claim: claim.context("a claim")?,
                tickets: Vec::new(),
                by_operator: false,
            }))
            .await?;
        }
        self.append().await?;
        Ok(self.pool.version().get())
    }

    async fn tell(&mut self, command: Command) -> anyhow::Result<Option<ClaimId>> {
        self.now = self.now.plus(self.step);
        let mut ids = IdSource.ids(self.now);
        let id = ids.event().0;
        let request = Request {
            id: RequestId(id),
            hash: CommandHash(id.as_u128()),
            command,
        };
        let decided = decide(&self.pool, &request, self.now, &mut ids);
        let Ok(Decision::Record(facts)) = decided else {
            anyhow::bail!("{decided:?}");
        };
        let mut hash = Some(request.hash);
        for fact in &facts {
            self.record(fact, &request, hash.take())?;
        }
        if self.batch.len() >= APPENDED_AT_ONCE - 4 {
            self.append().await?;
        }
        Ok(facts.first().and_then(|fact| match &fact.event {
            PoolEvent::TicketClaimed(claimed) => Some(claimed.claim),
            _other => None,
        }))
    }

    fn record(
        &mut self,
        fact: &Fact,
        request: &Request,
        hash: Option<CommandHash>,
    ) -> anyhow::Result<()> {
        let version = self.pool.version().next();
        self.pool.evolve(&Entry {
            event: &fact.event,
            id: fact.id,
            version,
            position: Position::new(version.get()),
            time: self.now,
            request: Some(request.id),
            command_hash: hash,
            actor: None,
        });
        let encoded = encode(&fact.event)?;
        let metadata = Metadata {
            request_id: Some(request.id),
            causation_id: fact.cause,
            command: hash.map(|hash| CommandMetadata {
                command_hash: Some(hash),
                correlation_id: None,
                traceparent: None,
                actor: "anonymous".to_owned(),
                source: Source {
                    service: "command-service".to_owned(),
                    version: "0".to_owned(),
                    instance: "filling".to_owned(),
                },
            }),
        };
        self.batch.push(NewEvent {
            id: fact.id,
            kind: encoded.kind,
            schema: encoded.schema,
            time: self.now,
            data: encoded.data,
            metadata: metadata.to_json()?,
            origin: None,
        });
        Ok(())
    }

    async fn append(&mut self) -> anyhow::Result<()> {
        let events = std::mem::take(&mut self.batch);
        let group = Group::of_stream(StreamName::of_pool(&self.id), self.appended, events);
        self.log.append(&AppendBatch::new(vec![group])?).await?;
        self.appended = self.pool.version();
        Ok(())
    }
}

fn create() -> anyhow::Result<Command> {
    let price = Amount {
        currency: Currency::parse("EUR")?,
        minor: Minor::new(4_999).context("a price")?,
    };
    Ok(Command::CreatePool(CreatePool {
        display_name: None,
        promoter: None,
        show: None,
        labels: Labels::new(),
        schedule: Schedule::default(),
        capacity: 1_000_000,
        pricing: Pricing::fixed(price),
        limits: Limits {
            max_tickets_per_order: 4,
            max_tickets_per_customer: 4,
            // Whatever is held stays so while it is measured.
            claim_duration: Duration::from_hours(24 * 30),
            late_purchase_window: Duration::from_mins(15),
        },
    }))
}

fn order(customer: &str) -> anyhow::Result<ClaimTickets> {
    Ok(ClaimTickets {
        customer: Reference::parse(customer)?,
        quantity: 2,
        max_unit_price: None,
        reference: None,
        labels: Labels::new(),
    })
}
