//! Places of dead claims come back, whoever is alive.

use std::time::Duration;

use onsale_command_service::deadlines::{index::Index, store};
use onsale_proto::v1;
use onsale_shared::log::{EventLog as _, Position, postgres::Lineage};
use onsale_tests::{
    proof,
    proxy::Proxy,
    scrape::{free_address, scrape},
    service::{Kind, Service},
    system::System,
    wait::eventually,
};
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::sync::Mutex;

const LIMIT: Duration = Duration::from_secs(20);
/// So often may a seller that has to wait for a core be more than its grace late.
const RACES_MAX: u8 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn places_come_back_within_two_seconds_of_readiness_though_every_instance_was_killed_and_nobody_calls()
 {
    let mut system = System::start().await;
    let mut caller = system.caller().await;
    caller
        .create_pool_with_claims("forgotten", 10, Duration::from_secs(1))
        .await
        .unwrap();
    let claim = caller.claim("forgotten", "customer", 4).await.unwrap();
    system.commands.remove(0).kill().await;

    // Past the deadline by the log's clock, with no command-service alive.
    let deadline = claim.expire_time.unwrap().seconds;
    let mut log = system.database.admin().await;
    let log_ref = Mutex::new(&mut log);
    eventually(LIMIT, "the deadline", || async {
        let now: f64 = sqlx::query_scalar("SELECT extract(epoch FROM clock_timestamp())::float8")
            .fetch_one(&mut **log_ref.lock().await)
            .await
            .unwrap();
        (now > f64::from(i32::try_from(deadline).unwrap()) + 1.5).then_some(())
    })
    .await;
    assert_eq!(
        proof::of_pool(&mut log, "forgotten").await.held,
        4,
        "nobody was there to sweep"
    );

    system.add_command(&[]).await;
    let ready = std::time::Instant::now();
    let log_ref = Mutex::new(&mut log);
    eventually(Duration::from_secs(2), "the places are back", || async {
        let proof = proof::of_pool(*log_ref.lock().await, "forgotten").await;
        (proof.held == 0).then_some(())
    })
    .await;
    eprintln!("back {} ms after readiness", ready.elapsed().as_millis());
    let causes: Vec<String> = sqlx::query_scalar(
        "SELECT r.data ->> 'cause' FROM onsale_log.events r JOIN onsale_log.events c \
             ON c.event_id::text = r.metadata ->> 'causation_id' AND c.type = 'TicketClaimed' \
          WHERE r.type = 'TicketReleased'",
    )
    .fetch_all(&mut log)
    .await
    .unwrap();
    assert_eq!(
        causes, ["EXPIRED"; 4],
        "each release is caused by its claim"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loaded_pool_sweeps_within_a_second_and_each_place_comes_back_once() {
    let system = System::start_with(2, &[]).await;
    let (mut first, mut second) = (system.caller_of(0).await, system.caller_of(1).await);
    first
        .create_pool_with_claims("short", 100, Duration::from_secs(1))
        .await
        .unwrap();
    // Both instances have the pool loaded, both sweep it.
    for n in 0..10 {
        first.claim("short", &format!("a-{n}"), 2).await.unwrap();
        second.claim("short", &format!("b-{n}"), 2).await.unwrap();
    }
    let mut log = system.database.admin().await;
    let log_ref = Mutex::new(&mut log);
    eventually(LIMIT, "all places are back", || async {
        let proof = proof::of_pool(*log_ref.lock().await, "short").await;
        (proof.held == 0).then_some(())
    })
    .await;
    let late_ms: f64 = sqlx::query_scalar(
        "SELECT max(extract(epoch FROM recorded_at - (data ->> 'expire_time')::timestamptz) * 1000)::float8 \
           FROM onsale_log.events WHERE type = 'TicketReleased'",
    )
    .fetch_one(&mut log)
    .await
    .unwrap();
    eprintln!("the last place came back {late_ms:.0} ms after its deadline");
    assert!(late_ms < 1_000.0, "{late_ms} ms");
    let proof = proof::of_pool(&mut log, "short").await;
    assert!(proof.is_sound(), "{proof:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voiding_stop_that_is_killed_at_once_is_resumed_by_the_next_instance() {
    let mut system = System::start().await;
    let mut caller = system.caller().await;
    caller.create_pool("voided", 2_000).await.unwrap();
    let claims = (0..500).map(|n| {
        let mut caller = caller.clone();
        async move { caller.claim("voided", &format!("c-{n}"), 4).await.unwrap() }
    });
    futures::future::join_all(claims).await;
    caller
        .stop_sales("voided", v1::StopMode::VoidClaims)
        .await
        .unwrap();
    system.commands.remove(0).kill().await;
    let mut log = system.database.admin().await;
    let left = proof::of_pool(&mut log, "voided").await.held;

    system.add_command(&[]).await;
    let log_ref = Mutex::new(&mut log);
    eventually(LIMIT, "all places are back", || async {
        let proof = proof::of_pool(*log_ref.lock().await, "voided").await;
        (proof.held == 0).then_some(())
    })
    .await;
    let proof = proof::of_pool(&mut log, "voided").await;
    assert!(proof.is_sound() && proof.sold == 0, "{proof:?}");
    eprintln!("{left} of 2,000 places were still held when the instance was killed");
}

/// How many tickets of a pool are held, as the table has it, as soon as it has any.
async fn stored(log: &Mutex<PgConnection>, pool: &'static str) -> i32 {
    eventually(LIMIT, "the deadline is stored", || async {
        let held: Option<i32> =
            sqlx::query_scalar("SELECT held FROM onsale_command.deadlines WHERE pool = $1")
                .bind(pool)
                .fetch_optional(&mut *log.lock().await)
                .await
                .unwrap();
        held
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_are_stored_over_another_connection_when_one_says_nothing_more() {
    let mut system = System::start().await;
    let proxy = Proxy::to(&system.database.options()).await;
    let url = proxy.through(system.database.options()).to_url_lossy();
    let behind = Service::start(Kind::Command, url.as_str(), &[]).await;
    std::mem::replace(&mut system.commands[0], behind)
        .kill()
        .await;
    let mut caller = system.caller().await;
    let log = Mutex::new(system.database.admin().await);
    let mut other = system.database.admin().await;
    caller.create_pool("silent", 10).await.unwrap();
    // Storing waits for this, and then for an answer that never comes.
    let hold = "BEGIN; SELECT FROM onsale_command.checkpoints FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut other).await.unwrap();
    caller.claim("silent", "customer", 3).await.unwrap();
    eventually(LIMIT, "storing waits", || async {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
                AND wait_event_type = 'Lock' AND query LIKE 'UPDATE onsale_command.checkpoints%')",
        )
        .fetch_one(&mut *log.lock().await)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
    proxy.freeze_open();
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(stored(&log, "silent").await, 3);
}

/// Whoever comes second writes nothing, and leaves nothing open on his connection.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_late_with_the_deadlines_learns_where_they_are() {
    let mut system = System::start().await;
    system.commands.remove(0).kill().await;
    let (mut own, mut admin) = (system.database.admin().await, system.database.admin().await);
    sqlx::raw_sql("UPDATE onsale_command.checkpoints SET position = 7")
        .execute(&mut admin)
        .await
        .unwrap();
    let own_id: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut own)
        .await
        .unwrap();
    let (index, lineage) = (Index::default(), Lineage::default());
    let [from, to, there] = [3, 9, 7].map(|position| Position::new(position).unwrap());
    let saved = store::save(&mut own, &lineage, &index, from, to).await;
    assert_eq!(saved.unwrap(), there);
    let state: String = sqlx::query_scalar("SELECT state FROM pg_stat_activity WHERE pid = $1")
        .bind(own_id)
        .fetch_one(&mut admin)
        .await
        .unwrap();
    assert_eq!(state, "idle");
}

/// What was folded before a failover is not stored after it, though the table is where it was.
#[tokio::test(flavor = "multi_thread")]
async fn deadlines_of_a_log_that_was_lost_are_not_stored() {
    let mut system = System::start().await;
    let mut caller = system.caller().await;
    caller.create_pool("lost", 10).await.unwrap();
    system.commands.remove(0).kill().await;
    let log = system.database.log().await;
    let page = log.read(Position::START, 10).await.unwrap();
    let last = page.last().expect("the creation").position;
    let mut before = system.database.admin().await;
    sqlx::raw_sql("UPDATE onsale_command.checkpoints SET position = 0")
        .execute(&mut before)
        .await
        .unwrap();
    system.database.lose_events_after(0).await;
    let mut connection = system.database.admin().await;
    let (index, lineage) = (Index::default(), log.lineage());
    let (from, to) = (Position::START, last);
    let saved = store::save(&mut connection, &lineage, &index, from, to).await;
    assert!(saved.is_err(), "{saved:?}");
    let at: i64 = sqlx::query_scalar("SELECT position FROM onsale_command.checkpoints")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(at, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_deadlines_there_are_an_instance_starts_with_all_of_them() {
    let mut system = System::start().await;
    let mut caller = system.caller().await;
    let log = Mutex::new(system.database.admin().await);
    let short = Duration::from_secs(2);
    caller
        .create_pool_with_claims("the-last", 10, short)
        .await
        .unwrap();
    caller.claim("the-last", "customer", 3).await.unwrap();
    assert_eq!(stored(&log, "the-last").await, 3);
    system.commands.remove(0).kill().await;
    sqlx::raw_sql(
        "INSERT INTO onsale_command.deadlines (pool, slot, held) \
         SELECT 'pool-' || n % 1000, 90000000000 + n, 1 FROM generate_series(1, 120000) AS n",
    )
    .execute(&mut *log.lock().await)
    .await
    .unwrap();
    system.add_command(&[]).await;
    eventually(LIMIT, "the places are back", || async {
        let proof = proof::of_pool(&mut *log.lock().await, "the-last").await;
        (proof.held == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_that_are_emptied_are_folded_anew() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let log = Mutex::new(system.database.admin().await);
    caller.create_pool("early", 10).await.unwrap();
    caller.claim("early", "customer", 3).await.unwrap();
    assert_eq!(stored(&log, "early").await, 3);
    sqlx::raw_sql("TRUNCATE onsale_command.deadlines, onsale_command.checkpoints")
        .execute(&mut *log.lock().await)
        .await
        .unwrap();
    caller.create_pool("later", 10).await.unwrap();
    caller.claim("later", "customer", 2).await.unwrap();
    assert_eq!(stored(&log, "later").await, 2);
    assert_eq!(stored(&log, "early").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_nobody_asks_does_not_race_the_seller_to_the_deadlines() {
    let mut system = System::start().await;
    let metrics = free_address().unwrap();
    let listen = metrics.to_string();
    system
        .add_command(&[
            ("ONSALE_COMMAND_METRICS_LISTEN", listen.as_str()),
            ("ONSALE_POOL_IDLE_MS", "1500"),
        ])
        .await;
    let (mut seller, mut other) = (system.caller_of(0).await, system.caller_of(1).await);
    seller
        .create_pool_with_claims("lapsing", 1_000, Duration::from_secs(2))
        .await
        .unwrap();
    let mut sale = tokio::time::interval(Duration::from_millis(50));
    for n in 0..80 {
        sale.tick().await;
        if n == 10 {
            // A refusal loads the pool, with the claims that there are.
            other.claim("lapsing", "customer", 5).await.unwrap_err();
        }
        seller.claim("lapsing", &format!("c-{n}"), 1).await.unwrap();
    }
    // Three seconds after the refusal, and claims of the seller's go on ending.
    let loaded = scrape(metrics).await.unwrap().value("onsale_pools_loaded");
    assert_eq!(loaded, Some(0.0), "the other instance has let the pool go");
    let log = Mutex::new(system.database.admin().await);
    eventually(LIMIT, "all places are back", || async {
        let proof = proof::of_pool(&mut *log.lock().await, "lapsing").await;
        (proof.held == 0).then_some(())
    })
    .await;
    let measured = scrape(metrics).await.unwrap();
    let conflicts = measured.value("onsale_conflicts_total").unwrap_or(0.0);
    eprintln!("the other instance lost {conflicts} races");
    assert!(conflicts <= f64::from(RACES_MAX), "{conflicts} races");
}
