//! The test: a storm, then the proof.

use std::{
    env,
    ops::RangeInclusive,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use onsale_command_service::verify::verify_log;
use onsale_proto::{
    reason::Reason,
    v1::{self, command_service_client::CommandServiceClient},
};
use onsale_shared::{
    event::{PoolEvent, ReleaseCause},
    id::PoolId,
    log::{
        EventLog as _, Position, RecordedEvent, StreamName,
        postgres::{PostgresLog, PostgresLogConfig},
    },
};
use onsale_tests::{
    caller::{a_pool, create_request, euros},
    history::{Counts, History, check},
    proof,
    wait::within,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    client::Client,
    faults,
    instance::{Instance, Said},
    observer::observe,
    promoter::promote,
    server::Server,
    stopwatch::Stopwatch,
    wall_clock::{self, WallClock},
    wishes::Customer,
};

pub(crate) const POOL: &str = "storm";
/// The instance whose wall clock is off.
const SECOND: &str = "second";
pub(crate) const BASE_PRICE_CENTS: i32 = 2_000;
/// So few that they are nearly sold out most of the time.
pub(crate) const CAPACITIES: RangeInclusive<u32> = 40..=110;
/// Nothing takes longer, whatever breaks.
pub(crate) const LIMIT: Duration = Duration::from_secs(40);
const CLIENTS: usize = 32;
const CLAIM_SECONDS: i64 = 1;
const ORDER_MAX: u32 = 4;
const CUSTOMER_MAX: u32 = 12;
/// How long things break: unset, as long as `make test` has time for.
const SPAN_VARIABLE: &str = "ONSALE_TEST_FAULTS_SECONDS";
const SPAN_DEFAULT: u64 = 8;
/// A storm of so long has to hit as much as is asked for.
const SPAN_FULL: u64 = 60;

fn span() -> u64 {
    let given = env::var(SPAN_VARIABLE).ok();
    given.map_or(SPAN_DEFAULT, |text| {
        text.parse().expect("a number of seconds")
    })
}

/// A pool whose price tells how many tickets were sold and held before.
fn pool() -> v1::Pool {
    let step = |sold_percent, change_basis_points| v1::DemandStep {
        sold_percent,
        change_basis_points,
    };
    let pricing = v1::Pricing {
        base_price: Some(euros(i64::from(BASE_PRICE_CENTS) / 100, 0)),
        demand_steps: vec![step(0, 0), step(100, 5_000)],
        demand_basis: v1::DemandBasis::Committed.into(),
        interpolation: v1::Interpolation::Linear.into(),
        ..v1::Pricing::default()
    };
    v1::Pool {
        pricing: Some(pricing),
        max_tickets_per_order: ORDER_MAX,
        max_tickets_per_customer: CUSTOMER_MAX,
        claim_duration: Some(prost_types::Duration {
            seconds: CLAIM_SECONDS,
            nanos: 0,
        }),
        ..a_pool((*CAPACITIES.end()).into())
    }
}

async fn whole_log(log: &PostgresLog) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    loop {
        let after = events
            .last()
            .map_or(Position::START, |last: &RecordedEvent| last.position);
        let page = log.read(after, 1_000).await.unwrap();
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

/// A customer who wants one thing after the other until he is stopped.
async fn shop(mut client: Client, name: String, stop: CancellationToken) -> Client {
    let mut customer = Customer::new(&name);
    while !stop.is_cancelled() {
        let wish = customer.wish(&mut client.random);
        if let Some(grant) = client.call(wish).await {
            customer.learn(&grant);
        }
    }
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_oversold_or_untrue_while_everything_breaks() {
    let span = span();
    let server = Server::start().await;
    onsale_command_service::migrate(&server.url).await.unwrap();
    let mut admin = server.connect().await;
    let watch = Stopwatch::set_by(&mut admin).await;

    let clock = WallClock::build();
    let preload = clock.as_ref().map(|clock| {
        let library = clock.library().to_string_lossy().into_owned();
        ("LD_PRELOAD".to_owned(), library)
    });
    let first = Instance::start("first", &server, vec![]).await;
    let second = Instance::start(SECOND, &server, preload.into_iter().collect()).await;
    let is_off = wall_clock::is_off(second.service.as_ref().unwrap(), watch.now());
    assert_eq!(is_off, clock.is_some(), "the second instance's wall clock");
    let channel = first.service.as_ref().unwrap().channel().await;
    CommandServiceClient::new(channel)
        .create_pool(create_request(POOL, pool()))
        .await
        .unwrap();

    let stream = StreamName::of_pool(&PoolId::parse(POOL).unwrap());
    let (stop, blind) = (CancellationToken::new(), CancellationToken::new());
    let looking = observe(
        server.options.clone(),
        stream.to_string(),
        watch,
        blind.clone(),
    );
    let looking = tokio::spawn(looking);
    let granted: Arc<AtomicU64> = Arc::default();
    let mut seeds = StdRng::seed_from_u64(watch.now().as_micros().unsigned_abs());
    let mut client = || Client {
        doors: [first.door(), second.door()],
        watch,
        random: StdRng::seed_from_u64(seeds.random()),
        granted: Arc::clone(&granted),
        record: Vec::new(),
    };
    let mut clients = JoinSet::new();
    clients.spawn(promote(client(), stop.clone()));
    for number in 0..CLIENTS {
        // Two clients for each customer.
        let name = format!("customer-{}", number / 2);
        clients.spawn(shop(client(), name, stop.clone()));
    }

    let mut instances = [first, second];
    let span_of_time = Duration::from_secs(span);
    let faults = faults::rage(&server, &mut instances, &granted, span_of_time).await;
    stop.cancel();
    let clients = within(LIMIT, "the last answers", clients.join_all()).await;
    blind.cancel();
    let looks = looking.await.unwrap();
    let [first, second] = instances;
    let said = first.stop().await.and(second.stop().await);
    server.all_quiet().await;

    let config = PostgresLogConfig {
        notify: false,
        ..PostgresLogConfig::new(server.options.clone(), None)
    };
    let log = PostgresLog::connect(config).await.unwrap();
    let events = whole_log(&log).await;
    let history = History {
        pool: PoolId::parse(POOL).unwrap(),
        commands: clients
            .into_iter()
            .flat_map(|client| client.record)
            .collect(),
        looks,
    };
    let counts = Counts::of(&history, &events);
    let checking = Instant::now();
    let findings = check(&history, &events);
    eprintln!(
        "{span} s, {faults} faults, {} events, {} looks: {counts:?}, {said:?}; checked in {:?}",
        events.len(),
        history.looks.len(),
        checking.elapsed()
    );
    for finding in findings.iter().take(20) {
        eprintln!("{finding}");
    }
    assert_eq!(findings.len(), 0, "findings");
    let report = verify_log(&log).await.unwrap();
    assert!(report.is_sound(), "{report}");
    let proof = proof::of_pool(&mut server.connect().await, POOL).await;
    assert!(proof.is_sound(), "{proof:?}");
    assert_hit_enough(span, &counts, said, &events, history.looks.len());
}

/// A run that hit too little shows nothing. A shorter one has to hit a quarter of its share.
fn assert_hit_enough(
    span: u64,
    counts: &Counts,
    said: Said,
    events: &[RecordedEvent],
    looks: usize,
) {
    let refused = |reason: Reason| counts.refused.get(reason.as_str()).copied().unwrap_or(0);
    let expired = events.iter().filter(|event| is_of_deadline(event)).count();
    let sold_out = refused(Reason::SoldOut) + refused(Reason::SoldOutForNow);
    let least = |full: u64| match span {
        SPAN_FULL.. => full,
        _ => (full * span / SPAN_FULL / 4).max(1),
    };
    for (what, hits, full) in [
        (
            "unknown outcomes that were recorded",
            counts.unknown_recorded,
            20,
        ),
        (
            "unknown outcomes that were not",
            counts.unknown_not_recorded,
            20,
        ),
        ("conflicts", said.conflicts, 100),
        ("take-overs", said.take_overs, 5),
        (
            "repeats that were answered from the first attempt",
            counts.repeats,
            100,
        ),
        (
            "repeats that were refused for good",
            counts.refused_for_good,
            20,
        ),
        (
            "commands decided with a wrong wall clock",
            decided_by(SECOND, events),
            500,
        ),
        ("refusals since it was sold out", sold_out, 500),
        ("tickets that went back at their deadline", expired, 200),
        ("looks at the pool", looks, 2_000),
    ] {
        let least = least(full);
        assert!(
            hits as u64 >= least,
            "{hits} {what}, and {least} are too few"
        );
    }
}

fn is_of_deadline(event: &RecordedEvent) -> bool {
    let event = event.decode().unwrap();
    matches!(event, PoolEvent::TicketReleased(released) if released.cause == ReleaseCause::Expired)
}

/// How many commands the instance of that name has decided, in all its lives.
fn decided_by(name: &str, events: &[RecordedEvent]) -> usize {
    let commands = events.iter().filter_map(|event| {
        let metadata = event.metadata().ok()?;
        metadata.request_id.and(metadata.command)
    });
    commands
        .filter(|command| command.source.instance.starts_with(name))
        .count()
}
