//! How long one purchase takes to decide and fold on a large pool, and how much memory the pool's state takes.
//!
//! `cargo bench -p onsale-command-service` (part of `make bench`). The pool: 100,000 tickets sold, 20,000 live claims,
//! 100,000 remembered requests.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a benchmark on data of its own"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use onsale_command_service::domain::{
    Command, Decision, Entry, Fact, Pool, Request,
    commands::{ClaimTickets, CreatePool, PurchaseTickets, ReleaseTickets},
    decide,
    journal::Mark,
};
use onsale_shared::{
    event::{CommandHash, Labels, Limits, PoolEvent, Schedule},
    id::{ClaimId, IdSource, RequestId},
    log::Position,
    money::{Amount, Currency, Minor},
    pricing::{DemandStep, Interpolation, Pricing, TimeStep},
    text::Reference,
    time::Timestamp,
};
/// Purchases of two tickets each.
const PURCHASES: u32 = 50_000;
/// Live claims of two tickets each.
const LIVE_CLAIMS: u32 = 20_000;
/// Claims of two tickets that were given back: two requests each.
const RELEASED_CLAIMS: u32 = 15_000;

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn create() -> Command {
    let euros = |cents| Amount {
        currency: Currency::parse("EUR").unwrap(),
        minor: Minor::new(cents).unwrap(),
    };
    Command::CreatePool(CreatePool {
        display_name: None,
        promoter: None,
        show: None,
        labels: Labels::new(),
        schedule: Schedule {
            show_time: Some(START.plus(Duration::from_hours(24 * 90))),
            ..Schedule::default()
        },
        capacity: 1_000_000,
        pricing: Pricing {
            demand_steps: (0..10)
                .map(|tenth| DemandStep {
                    sold_percent: tenth * 10,
                    change_basis_points: u32::from(tenth) * 500,
                })
                .collect(),
            time_steps: (1..10)
                .rev()
                .map(|weeks| TimeStep {
                    before_show: Duration::from_hours(24 * 7 * weeks),
                    change_basis_points: -100 * (10 - i32::try_from(weeks).unwrap()),
                })
                .collect(),
            interpolation: Interpolation::Linear,
            ..Pricing::fixed(euros(4_999))
        },
        limits: Limits {
            max_tickets_per_order: 4,
            max_tickets_per_customer: 4,
            claim_duration: Duration::from_mins(10),
            late_purchase_window: Duration::from_mins(15),
        },
    })
}

fn order(customer: u32) -> ClaimTickets {
    ClaimTickets {
        customer: Reference::parse(&format!("customer-{customer}")).unwrap(),
        quantity: 2,
        max_unit_price: None,
        reference: None,
        labels: Labels::new(),
    }
}

fn purchase(customer: u32) -> Command {
    Command::PurchaseTickets(PurchaseTickets {
        order: order(customer),
        payment_reference: None,
    })
}

fn request(command: Command) -> Request {
    let id = IdSource.ids(START).event().0;
    Request {
        id: RequestId(id),
        hash: CommandHash(id.as_u128()),
        is_repeat: false,
        command,
    }
}

fn facts(pool: &Pool, request: &Request) -> Vec<Fact> {
    match decide(pool, request, START, &mut IdSource.ids(START)).unwrap() {
        Decision::Record(facts) => facts,
        other => unreachable!("{other:?}"),
    }
}

fn fold(pool: &mut Pool, request: &Request, facts: &[Fact]) {
    let mut hash = Some(request.hash);
    for fact in facts {
        let version = pool.version().next();
        pool.evolve(&Entry {
            event: &fact.event,
            id: fact.id,
            version,
            position: Position::new(version.get()),
            time: START,
            request: Some(request.id),
            command_hash: hash.take(),
            actor: None,
        });
    }
}

fn tell(pool: &mut Pool, command: Command) -> Option<ClaimId> {
    let request = request(command);
    let facts = facts(pool, &request);
    fold(pool, &request, &facts);
    match &facts.first()?.event {
        PoolEvent::TicketClaimed(claimed) => Some(claimed.claim),
        _other => None,
    }
}

fn a_large_pool() -> Pool {
    let mut pool = Pool::default();
    tell(&mut pool, create());
    let mut customer = 0..;
    for customer in customer.by_ref().take(PURCHASES as usize) {
        tell(&mut pool, purchase(customer));
    }
    for customer in customer.by_ref().take(LIVE_CLAIMS as usize) {
        tell(&mut pool, Command::ClaimTickets(order(customer)));
    }
    for customer in customer.take(RELEASED_CLAIMS as usize) {
        let claim = tell(&mut pool, Command::ClaimTickets(order(customer))).unwrap();
        let tickets = Vec::new();
        tell(
            &mut pool,
            Command::ReleaseTickets(ReleaseTickets {
                claim,
                tickets,
                by_operator: false,
            }),
        );
    }
    pool
}

/// The memory of this process that is in use, in KiB; Linux only.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.unwrap_or(0)
}

fn domain(criterion: &mut Criterion) {
    let before = resident_kib();
    let mut pool = a_large_pool();
    let after = resident_kib();
    let counts = *pool.stock.counts();
    println!(
        "state of a pool with {} tickets sold, {} held, 100,000 remembered requests: {} MB resident",
        counts.sold,
        counts.held,
        (after - before) * 1_024 / 1_000_000
    );
    let buyer = request(purchase(u32::MAX));
    let mut mark = 0;
    criterion.bench_function("decide and evolve a purchase of two", |bencher| {
        bencher.iter_custom(|times| {
            let mut spent = Duration::ZERO;
            for _ in 0..times {
                mark += 1;
                pool.begin(Some(Mark(mark)));
                let began = Instant::now();
                let facts = facts(&pool, black_box(&buyer));
                fold(&mut pool, &buyer, &facts);
                spent += began.elapsed();
                // So that the pool stays as large as it is.
                pool.undo(Mark(mark));
            }
            spent
        });
    });
    let over_the_limit = request(Command::ClaimTickets(ClaimTickets {
        quantity: 4,
        ..order(0)
    }));
    criterion.bench_function("refuse a customer who has too many", |bencher| {
        let mut ids = IdSource.ids(START);
        bencher.iter(|| decide(&pool, black_box(&over_the_limit), START, &mut ids));
    });
}

criterion_group!(benches, domain);
criterion_main!(benches);
