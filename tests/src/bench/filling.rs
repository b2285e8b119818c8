//! Streams as their actors would have written them, at times of their own: decided by the rules, appended in bulk.

use std::time::Duration;

use anyhow::Context as _;
use onsale_command_service::domain::{
    Command, Decision, Entry, Fact, Pool, Request,
    commands::{ClaimTickets, CreatePool},
    decide,
};
use onsale_shared::{
    event::{
        CommandHash, CommandMetadata, Labels, Limits, Metadata, PoolEvent, Schedule, Source, encode,
    },
    id::{ClaimId, IdSource, PoolId, RequestId},
    log::{Group, NewEvent, Position, StreamName, Version},
    money::{Amount, Currency, Minor},
    pricing::Pricing,
    text::Reference,
    time::Timestamp,
};

/// One stream.
#[derive(Debug)]
pub(super) struct Filling {
    id: PoolId,
    pool: Pool,
    now: Timestamp,
    step: Duration,
    batch: Vec<NewEvent>,
    appended: Version,
}

impl Filling {
    /// A stream without events, whose commands come `step` after each other, from `now` on.
    pub(super) fn new(id: PoolId, now: Timestamp, step: Duration) -> Self {
        Self {
            id,
            pool: Pool::default(),
            now,
            step,
            batch: Vec::new(),
            appended: Version::START,
        }
    }

    /// The version of the last event.
    pub(super) const fn version(&self) -> Version {
        self.pool.version()
    }

    /// How many events are not taken yet.
    pub(super) const fn waiting(&self) -> usize {
        self.batch.len()
    }

    /// Decides and folds a command, and returns the claim that it makes.
    ///
    /// # Errors
    /// It is not accepted.
    pub(super) fn tell(&mut self, command: Command) -> anyhow::Result<Option<ClaimId>> {
        self.now = self.now.plus(self.step);
        let mut ids = IdSource.ids(self.now);
        let id = ids.event().0;
        let request = Request {
            id: RequestId(id),
            hash: CommandHash(id.as_u128()),
            is_repeat: false,
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
        let first = facts.first().map(|fact| &fact.event);
        Ok(match first {
            Some(PoolEvent::TicketClaimed(claimed)) => Some(claimed.claim),
            Some(_) | None => None,
        })
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

    /// The events that were not taken before.
    pub(super) fn take(&mut self) -> Group {
        let events = std::mem::take(&mut self.batch);
        let group = Group::of_stream(StreamName::of_pool(&self.id), self.appended, events);
        self.appended = self.version();
        group
    }
}

/// A pool whose claims live longer than any measurement.
pub(super) fn create() -> anyhow::Result<Command> {
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

/// An order of two.
pub(super) fn order(customer: &str) -> anyhow::Result<ClaimTickets> {
    Ok(ClaimTickets {
        customer: Reference::parse(customer)?,
        quantity: 2,
        max_unit_price: None,
        reference: None,
        labels: Labels::new(),
    })
}
