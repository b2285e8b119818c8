//! Small histories with their logs, made as the real ones are: by the rules, a second for each command.

use std::time::Duration;

use onsale_command_service::{
    domain::{
        self, Decision, Entry, Pool, Rejection, Request,
        commands::{BuyTickets, ClaimTickets, ReleaseTickets, sweep::sweep},
        decide,
    },
    grpc::status,
    pools::Failure,
};
use onsale_proto::reason::Reason;
use onsale_shared::{
    event::{
        CommandHash, CommandMetadata, Labels, Limits, Metadata, PoolCreated, PoolEvent, Schedule,
        Source, encode,
    },
    id::{ClaimId, Ids, PoolId, RequestId},
    log::{Position, RecordedEvent, StreamName, Version},
    money::{Amount, Currency, Minor},
    pricing::{DemandBasis, DemandStep, Interpolation, Pricing},
    text::Reference,
    time::Timestamp,
};
use uuid::Uuid;

use super::super::{Attempt, Command, Grant, History, Look, Refusal, Reply, answers};

pub(super) const CAPACITY: u32 = 6;
pub(super) const CUSTOMER_MAX: u32 = 4;
/// How long claims live.
pub(super) const CLAIMS: Duration = Duration::from_secs(60);

pub(super) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A pool, what happened to it, and what its clients were told.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) pool: Pool,
    pub(super) log: Vec<RecordedEvent>,
    pub(super) history: History,
    /// When the next command is sent; everybody looks a tenth of a second before.
    pub(super) now: Timestamp,
    commands: u128,
}

pub(super) fn claim(customer: &str, quantity: u32) -> domain::Command {
    domain::Command::ClaimTickets(ClaimTickets {
        customer: Reference::parse(customer).unwrap(),
        quantity,
        max_unit_price: None,
        reference: None,
        labels: Labels::new(),
    })
}

pub(super) fn buy(claim: ClaimId) -> domain::Command {
    domain::Command::BuyTickets(BuyTickets {
        claim,
        tickets: vec![],
        payment_reference: None,
        reclaim: false,
    })
}

pub(super) fn release(claim: ClaimId) -> domain::Command {
    domain::Command::ReleaseTickets(ReleaseTickets {
        claim,
        tickets: vec![],
        by_operator: false,
    })
}

/// The claim that an answer is about.
pub(super) fn claim_of(grant: &Grant) -> ClaimId {
    let name = &grant.claim.as_ref().unwrap().name;
    let (_, id) = onsale_proto::name::parse_claim(name).unwrap();
    id.parse().unwrap()
}

/// A price that tells how many tickets were sold and held before.
fn pricing() -> Pricing {
    let amount = Amount {
        currency: Currency::parse("EUR").unwrap(),
        minor: Minor::new(1_000).unwrap(),
    };
    let step = |sold_percent, change_basis_points| DemandStep {
        sold_percent,
        change_basis_points,
    };
    Pricing {
        demand_steps: vec![step(0, 0), step(100, 6_000)],
        demand_basis: DemandBasis::Committed,
        interpolation: Interpolation::Linear,
        ..Pricing::fixed(amount)
    }
}

impl Story {
    pub(super) fn begin() -> Self {
        let mut story = Self {
            pool: Pool::default(),
            log: Vec::new(),
            history: History {
                pool: PoolId::parse("a-pool").unwrap(),
                commands: Vec::new(),
                looks: Vec::new(),
            },
            now: Timestamp::from_micros(1_800_000_000_000_000),
            commands: 0,
        };
        let created = PoolEvent::PoolCreated(PoolCreated {
            display_name: None,
            promoter: None,
            show: None,
            labels: Labels::new(),
            schedule: Schedule::default(),
            capacity: CAPACITY,
            pricing: pricing(),
            limits: Limits {
                max_tickets_per_order: CUSTOMER_MAX,
                max_tickets_per_customer: CUSTOMER_MAX,
                claim_duration: CLAIMS,
                late_purchase_window: Duration::ZERO,
            },
        });
        let id = story.next_id();
        let fact = domain::Fact {
            id: Ids::from(id.0).event(),
            event: created,
            cause: None,
        };
        story.write(Some(id), vec![fact], story.now);
        story.wait(millis(1_000));
        story
    }

    pub(super) fn next_id(&mut self) -> RequestId {
        self.commands += 1;
        RequestId(Uuid::from_u128(self.commands << 64))
    }

    /// Time passes, and somebody looks.
    pub(super) fn wait(&mut self, span: Duration) {
        self.now = self.now.plus(span);
        let sent = Timestamp::from_micros(self.now.as_micros() - 100_000);
        self.history.looks.push(Look {
            sent,
            received: sent.plus(millis(1)),
            version: Version::new(self.log.len().try_into().unwrap()).unwrap(),
        });
    }

    /// What the rules make of a command on a pool, a fifth of a second after it was sent.
    pub(super) fn decide(
        &self,
        pool: &Pool,
        id: RequestId,
        asked: &domain::Command,
    ) -> Result<Vec<domain::Fact>, Rejection> {
        let request = Request {
            id,
            hash: CommandHash(1),
            is_repeat: false,
            command: asked.clone(),
        };
        let at = self.now.plus(millis(200));
        let decision = decide(pool, &request, at, &mut Ids::from(id.0))?;
        let Decision::Record(facts) = decision else {
            unreachable!("it is neither a repeat nor in need of a sweep: {decision:?}");
        };
        Ok(facts)
    }

    /// Facts go into the log, whatever they are.
    pub(super) fn write(
        &mut self,
        request: Option<RequestId>,
        facts: Vec<domain::Fact>,
        time: Timestamp,
    ) {
        let mut command = Some(CommandMetadata {
            command_hash: Some(CommandHash(1)),
            correlation_id: None,
            traceparent: None,
            actor: "a".into(),
            source: Source {
                service: "a".into(),
                version: "1".into(),
                instance: "a".into(),
            },
        });
        for fact in facts {
            let number = i64::try_from(self.log.len()).unwrap() + 1;
            let encoded = encode(&fact.event).unwrap();
            let metadata = Metadata {
                request_id: request,
                causation_id: fact.cause,
                command: command.take(),
            };
            let recorded = RecordedEvent {
                position: Position::new(number).unwrap(),
                stream: StreamName::of_pool(&self.history.pool),
                version: Version::new(number).unwrap(),
                id: fact.id,
                kind: encoded.kind.into(),
                schema: encoded.schema,
                time,
                data: encoded.data,
                metadata: metadata.to_json().unwrap(),
                recorded_at: time.plus(millis(10)),
            };
            self.pool.evolve(&Entry {
                event: &fact.event,
                id: fact.id,
                version: recorded.version,
                position: Some(recorded.position),
                time,
                request,
                command_hash: Some(CommandHash(1)),
                actor: None,
            });
            self.log.push(recorded);
        }
    }

    /// What the log says to a command that it holds.
    pub(super) fn answer(&self, id: RequestId) -> Grant {
        let at = self.now.plus(millis(200));
        let version = self.pool.requests.get(id).unwrap().version;
        let last = &self.log[usize::try_from(version.get()).unwrap() - 1];
        Grant {
            receipt: answers::receipt(last),
            claim: answers::claim(&self.history.pool, &self.pool, id, at),
        }
    }

    /// An attempt that is sent now and ends a third of a second later.
    pub(super) fn attempt(&self, reply: Reply) -> Attempt {
        Attempt {
            called: self.now,
            ended: self.now.plus(millis(300)),
            reply,
        }
    }

    pub(super) fn remember(&mut self, id: RequestId, asked: domain::Command, attempt: Attempt) {
        self.history.commands.push(Command {
            id,
            asked,
            attempts: vec![attempt],
        });
        self.wait(millis(1_000));
    }

    /// A command that was decided on `pool` goes into the log, and is answered with success.
    pub(super) fn grant_on(&mut self, pool: &Pool, asked: domain::Command) -> Grant {
        let id = self.next_id();
        let facts = self.decide(pool, id, &asked).unwrap();
        self.write(Some(id), facts, self.now.plus(millis(200)));
        let grant = self.answer(id);
        let attempt = self.attempt(Reply::Granted(Box::new(grant.clone())));
        self.remember(id, asked, attempt);
        grant
    }

    pub(super) fn grant(&mut self, asked: domain::Command) -> Grant {
        let pool = self.pool.clone();
        self.grant_on(&pool, asked)
    }

    /// A command is refused, as the rules say.
    pub(super) fn refuse(&mut self, asked: domain::Command) -> Refusal {
        let id = self.next_id();
        let rejection = self.decide(&self.pool, id, &asked).unwrap_err();
        let failure = Failure::Rejected(rejection.clone());
        let rich = status::of_failure(failure, &self.history.pool, "", false);
        let mut reasons = Reason::ALL.iter().copied();
        let reason = reasons.find(|reason| reason.as_str() == rejection.reason());
        let refusal = Refusal::of_status(reason.unwrap(), &rich.into());
        let attempt = self.attempt(Reply::Refused(refusal.clone()));
        self.remember(id, asked, attempt);
        refusal
    }

    /// A command that got no answer at first is refused when it comes again.
    pub(super) fn refuse_for_good(&mut self, asked: domain::Command) {
        let unknown = self.attempt(Reply::Unknown);
        self.wait(millis(1_000));
        let before = self.pool.clone();
        self.refuse(asked);
        let mut command = self.history.commands.pop().unwrap();
        // What the rules say of a repeat, before anything else happened.
        let request = Request {
            id: command.id,
            hash: CommandHash(1),
            is_repeat: true,
            command: command.asked.clone(),
        };
        let decided = command.attempts[0].called.plus(millis(200));
        let decision = decide(&before, &request, decided, &mut Ids::from(command.id.0));
        let Ok(Decision::Refuse(facts, _)) = decision else {
            unreachable!("it was refused: {decision:?}");
        };
        self.history.looks.pop();
        self.write(Some(command.id), facts, decided);
        self.wait(Duration::ZERO);
        command.attempts.insert(0, unknown);
        self.history.commands.push(command);
    }

    /// Dead claims go back, as somebody decided it at `at`.
    pub(super) fn sweep_at(&mut self, at: Timestamp) {
        let mut ids = Ids::from(self.next_id().0);
        let facts = sweep(&self.pool, at, 100, &mut ids);
        assert!(!facts.is_empty(), "something is dead at {at}");
        self.write(None, facts, at);
        self.wait(millis(1_000));
    }

    /// The last attempt, to be told otherwise.
    pub(super) fn last_attempt(&mut self) -> &mut Attempt {
        let command = self.history.commands.last_mut().unwrap();
        command.attempts.last_mut().unwrap()
    }
}
