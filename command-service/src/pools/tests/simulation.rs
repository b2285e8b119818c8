//! Two instances sell one pool over a log that fails in every way, while customers repeat what got no answer, now here
//! and now there. A recorded history is then checked against the log, by rules told a second time.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use onsale_shared::{
    event::{EventType, PoolEvent, StopMode},
    id::ClaimId,
    log::{EventLog, RecordedEvent, Version, memory::MemoryLog},
};

use tokio::time::timeout;

use super::{
    faulty_log::{FaultyLog, Hits, Random},
    instance::{Instance, append_foreign, stream},
};
use crate::{
    domain::{
        Command, Rejection,
        commands::{
            BuyTickets, ReleaseTickets,
            testing::{claim, created, minute, purchase, resume, stop},
        },
    },
    pools::{Answer, Failure},
};

const CAPACITY: u32 = 120;
const CUSTOMERS: u64 = 24;
const COMMANDS_PER_CUSTOMER: u128 = 16;
const ATTEMPTS_MAX: u32 = 1_000;
/// A customer gives up on an answer after at most so long, and asks again, perhaps elsewhere.
const PATIENCE_MILLIS_MAX: u64 = 60;

/// A refusal, and the versions of the pool between the call and the answer.
struct Refusal {
    id: u128,
    rejection: Rejection,
    from: Version,
    to: Version,
}

#[derive(Default)]
struct Records {
    answers: HashMap<u128, Answer>,
    refusals: Vec<Refusal>,
    /// Answered from an earlier attempt that had got no answer.
    repeats: u32,
    /// Told that nothing was recorded, on the only attempt.
    not_recorded: Vec<u128>,
}

async fn version(log: &MemoryLog) -> Version {
    let events = log
        .read_stream(&stream(), Version::START, usize::MAX)
        .await
        .unwrap();
    events.last().map_or(Version::START, |event| event.version)
}

/// A customer sends commands one after the other; each until it gets an answer, to one instance or the other.
async fn customer(number: u64, instances: [Instance; 2], log: MemoryLog, seed: u64) -> Records {
    let mut random = Random(seed ^ (number << 32));
    let mut records = Records::default();
    let mut mine: Option<ClaimId> = None;
    for n in 0..COMMANDS_PER_CUSTOMER {
        let id = (u128::from(number) + 1) * 1_000 + n;
        let quantity = u32::try_from(random.below(4) + 1).unwrap();
        let command = match (mine, random.below(10)) {
            (Some(claim), 0..=4) => Command::BuyTickets(BuyTickets {
                claim,
                tickets: vec![],
                payment_reference: None,
                reclaim: false,
            }),
            (Some(claim), 5..=8) => Command::ReleaseTickets(ReleaseTickets {
                claim,
                tickets: vec![],
                by_operator: false,
            }),
            (_, 9) if number == 0 => stop(StopMode::VoidClaims),
            (_, 8) if number == 0 => resume(),
            (None, 0..=1) => purchase(quantity),
            _ => claim(quantity),
        };
        for attempt in 0..ATTEMPTS_MAX {
            let from = version(&log).await;
            let instance = &instances[usize::try_from(random.below(2)).unwrap()];
            let patience = Duration::from_millis(random.below(PATIENCE_MILLIS_MAX) + 1);
            let (_, answer) = instance.submit(id, attempt > 0, command.clone());
            let answer = timeout(patience, answer).await;
            let answer = answer.map(|answered| answered.expect("every call is answered"));
            let to = version(&log).await;
            match answer.unwrap_or(Err(Failure::OutcomeUnknown)) {
                Ok(answer) => {
                    mine = answer.claim.as_ref().map(|view| view.id).or(mine);
                    records.repeats += u32::from(attempt > 0 && answer.version <= from);
                    records.answers.insert(id, answer);
                    break;
                }
                Err(Failure::Rejected(rejection)) => {
                    records.refusals.push(Refusal {
                        id,
                        rejection,
                        from,
                        to,
                    });
                    break;
                }
                // Half of those who are told so at once believe it, and never ask again.
                Err(Failure::DatabaseUnavailable | Failure::Contention)
                    if attempt == 0 && n % 2 == 0 =>
                {
                    records.not_recorded.push(id);
                    break;
                }
                Err(
                    Failure::DatabaseUnavailable | Failure::Contention | Failure::OutcomeUnknown,
                ) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    records
}

/// The pool's numbers after each version, from 0; a naive model of its own.
struct Model {
    capacity: i64,
    sold: Vec<i64>,
    held: Vec<i64>,
    stopped: Vec<bool>,
}

impl Model {
    fn of(events: &[RecordedEvent]) -> Self {
        let mut model = Self {
            capacity: i64::from(CAPACITY),
            sold: vec![0],
            held: vec![0],
            stopped: vec![false],
        };
        for recorded in events {
            let (sold, held) = (*model.sold.last().unwrap(), *model.held.last().unwrap());
            let stopped = *model.stopped.last().unwrap();
            let (sold, held, stopped) = match recorded.decode().unwrap() {
                PoolEvent::TicketRefunded(_) => (sold - 1, held, stopped),
                PoolEvent::PoolCancelled(_) => (sold, held, true),
                PoolEvent::PoolCreated(_)
                | PoolEvent::ClaimExtended(_)
                | PoolEvent::CapacityChanged(_)
                | PoolEvent::PricingChanged(_)
                | PoolEvent::PoolRescheduled(_)
                | PoolEvent::LimitsChanged(_)
                | PoolEvent::CommandRefused(_) => (sold, held, stopped),
                PoolEvent::TicketClaimed(_) => (sold, held + 1, stopped),
                PoolEvent::TicketBought(_) => (sold + 1, held - 1, stopped),
                PoolEvent::TicketReleased(_) => (sold, held - 1, stopped),
                PoolEvent::SalesStopped(_) => (sold, held, true),
                PoolEvent::SalesResumed(_) => (sold, held, false),
            };
            assert!(
                sold + held <= model.capacity && held >= 0,
                "oversold at {}",
                recorded.version
            );
            model.sold.push(sold);
            model.held.push(held);
            model.stopped.push(stopped);
        }
        model
    }

    /// Whether the refusal holds at this version.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest cannot happen here"
    )]
    fn holds(&self, rejection: &Rejection, version: usize) -> bool {
        let (sold, held) = (self.sold[version], self.held[version]);
        let same = |counts: &crate::domain::partials::Counts| {
            // Places of voided claims count as free in a refusal though they are not swept: held may be less there.
            i64::from(counts.sold) == sold && i64::from(counts.held) <= held
        };
        match rejection {
            Rejection::SoldOut { counts, .. } => sold == self.capacity && same(counts),
            Rejection::SoldOutForNow { counts, .. } => {
                sold + held == self.capacity && held > 0 && same(counts)
            }
            Rejection::InsufficientAvailability { counts, .. } => same(counts),
            Rejection::SalesStopped { .. } | Rejection::AlreadyStopped { .. } => {
                self.stopped[version]
            }
            Rejection::NotStopped => !self.stopped[version],
            // About one claim; checked by the domain's own tests.
            Rejection::TicketNotHeld { .. } | Rejection::ClaimVoided { .. } => true,
            Rejection::AlreadyRefused { version: since, .. } => {
                usize::try_from(since.get()).unwrap() <= version
            }
            other => panic!("{other:?} cannot happen here"),
        }
    }
}

/// What the log hit, how many repeats and refusals were answered, and how many of these are in the log.
async fn simulate(seed: u64) -> (Hits, u32, usize, usize) {
    let memory = MemoryLog::new(minute(1));
    let mut pool = created();
    if let PoolEvent::PoolCreated(created) = &mut pool {
        created.capacity = CAPACITY;
    }
    append_foreign(&memory, 0, &[pool]).await;
    let log = FaultyLog::new(memory.clone(), seed);
    let instances = ["a", "b"].map(|name| Instance::start(name, Arc::new(log.clone())));
    let customers: Vec<_> = (0..CUSTOMERS)
        .map(|number| tokio::spawn(customer(number, instances.clone(), memory.clone(), seed)))
        .collect();
    let mut records = Records::default();
    for customer in customers {
        let of_one = customer.await.unwrap();
        records.answers.extend(of_one.answers);
        records.refusals.extend(of_one.refusals);
        records.repeats += of_one.repeats;
        records.not_recorded.extend(of_one.not_recorded);
    }
    // Whatever an abandoned backend still does, it does within this time.
    tokio::time::sleep(Duration::from_secs(1)).await;

    let events = memory
        .read_stream(&stream(), Version::START, usize::MAX)
        .await
        .unwrap();
    let model = Model::of(&events);
    let mut recorded: HashMap<u128, (usize, Version)> = HashMap::new();
    let mut refused_for_good = HashSet::new();
    let mut runs = 0;
    let mut last = None;
    for event in &events {
        let id = event
            .metadata()
            .unwrap()
            .request_id
            .map(|id| id.0.as_u128());
        if let Some(id) = id.filter(|_| event.kind == EventType::CommandRefused.as_str()) {
            assert!(
                refused_for_good.insert(id),
                "seed {seed}: {id} was refused twice"
            );
        } else if let Some(id) = id {
            runs += usize::from(last != Some(id));
            let entry = recorded.entry(id).or_insert((0, event.version));
            *entry = (entry.0 + 1, event.version);
        }
        last = id;
    }
    assert_eq!(
        runs,
        recorded.len(),
        "seed {seed}: a command was recorded twice"
    );
    for (id, answer) in &records.answers {
        let (_, version) = recorded
            .get(id)
            .unwrap_or_else(|| panic!("seed {seed}: {id} was acknowledged and is not in the log"));
        assert_eq!(
            answer.version, *version,
            "seed {seed}: the receipt of {id} names its last event"
        );
        let position = events
            .iter()
            .find(|event| event.version == *version)
            .map(|event| event.position);
        assert_eq!(answer.position, position, "seed {seed}: and its position");
    }
    for id in &records.not_recorded {
        assert!(
            !recorded.contains_key(id),
            "seed {seed}: {id} was told that nothing was recorded"
        );
    }
    for refusal in &records.refusals {
        // Whatever was on its way when its caller asked again.
        let id = refusal.id;
        assert!(!recorded.contains_key(&id), "seed {seed}: {id} was refused");
        let versions = usize::try_from(refusal.from.get()).unwrap()
            ..=usize::try_from(refusal.to.get()).unwrap();
        assert!(
            versions
                .clone()
                .any(|version| model.holds(&refusal.rejection, version)),
            "seed {seed}: {:?} was untrue at every version of {versions:?}",
            refusal.rejection
        );
    }
    let (refusals, for_good) = (records.refusals.len(), refused_for_good.len());
    (log.hits(), records.repeats, refusals, for_good)
}

#[test]
fn two_instances_over_a_failing_log_oversell_nothing_lose_nothing_and_tell_no_untruth() {
    let mut total = Hits::default();
    let (mut repeats, mut refusals, mut refused_for_good) = (0, 0, 0);
    for seed in 0..60 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (hits, repeated, refused, for_good) = runtime.block_on(simulate(seed));
        repeats += repeated;
        refusals += refused;
        refused_for_good += for_good;
        total.appended_without_answer += hits.appended_without_answer;
        total.appended_later += hits.appended_later;
        total.lost += hits.lost;
        total.refused += hits.refused;
        total.stale += hits.stale;
        total.repeated += hits.repeated;
        total.locks += hits.locks;
        total.unreadable += hits.unreadable;
    }
    eprintln!(
        "{total:?}, {repeats} repeats answered, {refusals} refusals, {refused_for_good} for good"
    );
    // A run that hit too little would show nothing.
    let least = [
        total.appended_without_answer,
        total.appended_later,
        total.lost,
        total.refused,
        total.stale,
        total.repeated,
        total.locks,
        total.unreadable,
        repeats,
    ];
    assert!(
        least.into_iter().all(|hits| hits >= 40),
        "{total:?}, {repeats} repeats"
    );
    assert!(refusals >= 1_000, "{refusals} refusals");
    assert!(refused_for_good >= 40, "{refused_for_good} for good");
}
