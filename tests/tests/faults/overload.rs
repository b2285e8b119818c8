//! More calls than can be served: new claims are shed first and at once, no buy is, and a stop is recorded within a
//! second.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use onsale_proto::{
    reason::Reason,
    status::reason_of,
    v1::{self, Claim},
};
use onsale_tests::{
    caller::Caller,
    proxy::Proxy,
    scrape::{free_address, scrape},
    service::{Kind, Service},
    system::migrated_database,
    wait::{eventually, within},
};
use sqlx::ConnectOptions as _;
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(20);
/// What PostgreSQL says comes so much later.
const SLOWED_BY: Duration = Duration::from_millis(20);
/// So many customers always want a ticket: several times what waits and is on its way.
const CUSTOMERS: usize = 100;
/// So many customers have claimed one and buy it, one after the other.
const BUYERS: usize = 8;
const CLAIMS_PER_BUYER: usize = 5;

#[derive(Debug, Default)]
struct Told {
    accepted: AtomicUsize,
    shed: AtomicUsize,
    stopped: AtomicUsize,
}

/// Claims until told to end.
async fn keep_claiming(
    mut caller: Caller,
    customer: String,
    told: Arc<Told>,
    end: Arc<AtomicBool>,
) {
    while !end.load(Ordering::SeqCst) {
        let counter = match caller.claim("hot", &customer, 1).await {
            Ok(_) => &told.accepted,
            Err(status) => match reason_of(&status) {
                Some(Reason::Overloaded) => &told.shed,
                Some(Reason::SalesStopped) => &told.stopped,
                _ => unreachable!("{status:?}"),
            },
        };
        counter.fetch_add(1, Ordering::SeqCst);
    }
}

async fn buy_all(mut caller: Caller, claims: Vec<Claim>) {
    for claim in claims {
        let bought = caller.buy(&claim.name).await;
        bought.expect("no buy is shed while claims are accepted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_overload_claims_are_shed_no_buy_is_and_a_stop_is_recorded_within_a_second() {
    let database = migrated_database().await;
    let proxy = Proxy::to(&database.options()).await;
    let url = proxy.through(database.options()).to_url_lossy();
    let metrics = free_address().expect("a free port");
    let options = [
        ("ONSALE_BATCH_EVENTS", "5"),
        ("ONSALE_QUEUE_MAX", "10"),
        ("ONSALE_CALLS_MAX", "64"),
        ("ONSALE_COMMAND_METRICS_LISTEN", &metrics.to_string()),
    ];
    let command = Service::start(Kind::Command, url.as_str(), &options).await;
    let caller = async || {
        let channel = command.channel().await;
        Caller::new(channel.clone(), channel)
    };
    let mut promoter = caller().await;
    promoter
        .create_pool("hot", 1_000_000)
        .await
        .expect("a new name");
    let mut carts = Vec::new();
    for buyer in 0..BUYERS {
        let mut claims = Vec::new();
        for _ in 0..CLAIMS_PER_BUYER {
            let claimed = promoter.claim("hot", &format!("b-{buyer}"), 1).await;
            claims.push(claimed.expect("a place"));
        }
        carts.push(claims);
    }

    proxy.slow_down(SLOWED_BY);
    let (told, end) = (Arc::<Told>::default(), Arc::<AtomicBool>::default());
    let crowd = caller().await;
    let customers: Vec<_> = (0..CUSTOMERS)
        .map(|n| {
            let (told, end) = (Arc::clone(&told), Arc::clone(&end));
            tokio::spawn(keep_claiming(crowd.clone(), format!("c-{n}"), told, end))
        })
        .collect();
    eventually(LIMIT, "claims are shed, and accepted", || async {
        let [accepted, shed] = [&told.accepted, &told.shed].map(|n| n.load(Ordering::SeqCst));
        (accepted > 50 && shed > 50).then_some(())
    })
    .await;
    let before = told.accepted.load(Ordering::SeqCst);
    let buyers = carts
        .into_iter()
        .map(|claims| buy_all(crowd.clone(), claims));
    within(LIMIT, "all buy", join_all(buyers)).await;
    let during = told.accepted.load(Ordering::SeqCst) - before;
    assert!(
        during > 0,
        "claims went on beside {} buys",
        BUYERS * CLAIMS_PER_BUYER
    );

    let asked = Instant::now();
    promoter
        .stop_sales("hot", v1::StopMode::FinishClaims)
        .await
        .expect("a stop finds a place");
    let recorded = asked.elapsed();
    assert!(
        recorded < Duration::from_secs(1),
        "recorded after {recorded:?}"
    );
    eventually(LIMIT, "customers are told", || async {
        (told.stopped.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;
    // All places for claims are taken, as metrics show too.
    eventually(LIMIT, "the places that are taken are measured", || async {
        let measured = scrape(metrics).await.ok()?;
        measured
            .value("onsale_commands_waiting")
            .filter(|waiting| *waiting > 0.0)
    })
    .await;
    end.store(true, Ordering::SeqCst);
    for customer in customers {
        within(LIMIT, "an answer", customer)
            .await
            .expect("no panic");
    }
    let measured = scrape(metrics).await.expect("metrics are served");
    let count = |outcome| {
        let series = format!("onsale_command_seconds_count{{outcome=\"{outcome}\"}}");
        measured.value(&series).expect("it is measured")
    };
    // Whoever waited until his deadline is told OVERLOADED too.
    let shed = count("shed") + count("late");
    for (outcome, value, counted) in [
        ("accepted", count("accepted"), &told.accepted),
        ("shed", shed, &told.shed),
    ] {
        let least = f64::from(u32::try_from(counted.load(Ordering::SeqCst)).expect("a number"));
        assert!(value >= least, "{outcome}: {value} measured, {least} seen");
    }
    assert_eq!(command.panics(), Vec::<String>::new());
}
