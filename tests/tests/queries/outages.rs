//! PostgreSQL and its notifications come and go; the log is followed all the same.

use std::time::{Duration, Instant};

use onsale_proto::{health::is_serving, name, reason::Reason, v1};
use onsale_shared::{log::Position, token::ConsistencyToken};
use onsale_tests::{
    proxy::Proxy,
    service::{Kind, Service},
    system::System,
    wait::{eventually, within},
};
use sqlx::ConnectOptions as _;
use tonic::Request;

use super::{
    db::{Db, LIMIT},
    rebuild::run,
    refused::refused,
    storm::{Storm, pools},
    subscription::{Subscription, watch_request},
};

/// The sessions that wait for notifications.
const LISTENS: &str = "query LIKE 'LISTEN%'";

/// Without a poll, as far as a test is concerned.
const NEVER: (&str, &str) = ("ONSALE_QUERY_POLL_INTERVAL_MS", "60000");

#[tokio::test]
async fn frames_come_by_poll_when_nobody_notifies() {
    let options = [
        ("ONSALE_NOTIFY", "false"),
        ("ONSALE_QUERY_POLL_INTERVAL_MS", "50"),
    ];
    let system = System::start_with(1, &options).await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, "polled", 2).await;
    let token = caller.purchase(&names[1], "customer", 1).await.unwrap();
    let token = token.receipt.unwrap().consistency_token;
    caller.pool(&names[1], &token).await.unwrap();
    let mut stream = Subscription::open(&caller.queries, watch_request(&names))
        .await
        .unwrap();
    for turn in 0..20 {
        let pool = &names[turn % 2];
        let bought = caller.purchase(pool, &format!("c-{turn}"), 1).await;
        let version = bought.unwrap().receipt.unwrap().version;
        let start = Instant::now();
        stream.reach(pool, version).await;
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test]
async fn frames_come_by_notification_when_nobody_polls() {
    let system = System::start_with(1, &[NEVER]).await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, "told", 1).await;
    let db = Db::of(&system.database).await;
    listening(&db).await;
    let token = caller.purchase(&names[0], "customer", 1).await.unwrap();
    let token = token.receipt.unwrap().consistency_token;
    caller.pool(&names[0], &token).await.unwrap();
    let mut stream = Subscription::open(&caller.queries, watch_request(&names))
        .await
        .unwrap();
    for turn in 0..20 {
        let bought = caller.purchase(&names[0], &format!("c-{turn}"), 1).await;
        let version = bought.unwrap().receipt.unwrap().version;
        stream.reach(&names[0], version).await;
    }
}

async fn listening(db: &Db) {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
           AND application_name = 'query-service' AND state = 'idle' AND {LISTENS}"
    );
    eventually(LIMIT, "it listens", || async {
        (db.number(&sql).await == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_listening_session_that_is_killed_loses_no_event_though_nobody_polls() {
    let system = System::start_with(1, &[NEVER]).await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "deaf", 3).await;
    listening(&db).await;
    // Told at the latest by the next notification.
    caller.purchase(&names[0], "customer", 1).await.unwrap();
    for pool in &names {
        eventually(LIMIT, "the pool is known", || async {
            caller.clone().availability(pool, "").await.ok()
        })
        .await;
    }
    let mut stream = Subscription::open(&caller.queries, watch_request(&names))
        .await
        .unwrap();
    for _ in 0..5 {
        let storm = Storm::start(&caller, &names, 4);
        storm.go_on(10).await;
        assert_eq!(db.terminate_query_sessions(LISTENS).await, 1);
        storm.go_on(10).await;
        // The last events of the storm may have been told to nobody.
        for (pool, receipt) in storm.end().await {
            stream.reach(&pool, receipt.version).await;
        }
        listening(&db).await;
    }
    db.assert_table_is_fold().await;
}

/// A system whose query-service reaches PostgreSQL through a proxy.
async fn behind_a_proxy(options: &[(&str, &str)]) -> (System, Proxy) {
    let mut system = System::start().await;
    let proxy = Proxy::to(&system.database.options()).await;
    let url = proxy.through(system.database.options()).to_url_lossy();
    let direct = std::mem::replace(
        &mut system.query,
        Service::start(Kind::Query, url.as_str(), options).await,
    );
    direct.kill().await;
    (system, proxy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_answers_while_postgresql_is_out_of_reach_and_everything_recovers_after() {
    let options = [
        ("ONSALE_QUERY_LAG_MS_MAX", "1000"),
        ("ONSALE_QUERY_HEARTBEAT_INTERVAL_MS", "200"),
    ];
    let (system, proxy) = behind_a_proxy(&options).await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "far", 3).await;
    let storm = Storm::start(&caller, &names, 2);
    storm.go_on(20).await;
    for (pool, receipt) in storm.newest() {
        caller
            .pool(&pool, &receipt.consistency_token)
            .await
            .unwrap();
    }
    let mut stream = Subscription::open(&caller.queries, watch_request(&names))
        .await
        .unwrap();
    for _ in &names {
        stream.state().await;
    }

    // New connections hang, and there are no old ones.
    proxy.freeze();
    proxy.cut();
    storm.go_on(20).await;
    let newest = storm.newest();
    let last_known = caller.availability(&names[0], "").await.unwrap();
    for _ in 0..50 {
        let start = Instant::now();
        let live = caller.availability(&names[0], "").await.unwrap();
        assert_eq!(live.version, last_known.version);
        assert!(start.elapsed() < Duration::from_millis(500));
    }
    let required = newest[&names[0]].consistency_token.clone();
    let mut behind = Request::new(v1::GetAvailabilityRequest {
        pool: name::pool(&names[0]),
        at_least_as_fresh: required,
    });
    behind.set_timeout(Duration::from_millis(500));
    let behind = caller.queries.get_availability(behind).await;
    refused(behind, Reason::ReadModelBehind);
    let start = Instant::now();
    let unreadable = caller.pool(&names[0], "").await;
    refused(unreadable, Reason::DatabaseUnavailable);
    assert!(start.elapsed() < Duration::from_secs(5));
    let address = system.query.address();
    eventually(LIMIT, "it is too far behind to be healthy", || async {
        (!is_serving(address.to_owned()).await).then_some(())
    })
    .await;
    // Streams stay open, and say so.
    stream.heartbeat().await;

    proxy.thaw();
    storm.go_on(10).await;
    let last = storm.end().await;
    for (pool, receipt) in &last {
        stream.reach(pool, receipt.version).await;
        let token = &receipt.consistency_token;
        let shown = eventually(LIMIT, "GetPool answers", || async {
            caller.clone().pool(pool, token).await.ok()
        })
        .await;
        assert_eq!(shown.etag, receipt.etag);
    }
    eventually(LIMIT, "it is healthy again", || async {
        is_serving(address.to_owned()).await.then_some(())
    })
    .await;
    db.assert_table_is_fold().await;
}

/// Notes the connections over which pools were read.
async fn note_readers(db: &Db) {
    db.execute(
        "CREATE TEMP TABLE readers AS SELECT pid FROM pg_stat_activity \
          WHERE datname = current_database() AND query LIKE 'SELECT g.position AS checkpoint%'",
    )
    .await;
    assert!(db.number("SELECT count(*) FROM readers").await > 0);
}

#[tokio::test]
async fn who_cannot_be_answered_in_time_costs_others_no_connection() {
    let system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "late", 1).await;
    let claim = caller.claim(&names[0], "customer", 1).await.unwrap();
    db.projected().await;
    caller.pool(&names[0], "").await.unwrap();
    note_readers(&db).await;
    for _ in 0..3 {
        let mut request = Request::new(v1::GetPoolRequest {
            name: name::pool(&names[0]),
            at_least_as_fresh: ConsistencyToken::new(Position::new(1_000_000).unwrap()).encode(),
        });
        request.set_timeout(Duration::from_millis(300));
        refused(
            caller.queries.get_pool(request).await,
            Reason::ReadModelBehind,
        );
    }
    // A statement that takes too long is given up once, and is no outage.
    let mut other = system.database.admin().await;
    let hold = "BEGIN; LOCK TABLE onsale_query_claims_1.claims IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(hold).execute(&mut other).await.unwrap();
    let began = Instant::now();
    let request = v1::GetClaimRequest {
        name: claim.name.clone(),
        ..v1::GetClaimRequest::default()
    };
    let given_up = caller.queries.get_claim(request).await;
    refused(given_up, Reason::DeadlineExceeded);
    assert!(
        began.elapsed() < Duration::from_millis(3_500),
        "{:?}",
        began.elapsed()
    );
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    let closed = "SELECT count(*) FROM readers WHERE pid NOT IN (SELECT pid FROM pg_stat_activity)";
    assert_eq!(db.number(closed).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_a_network_forgot_are_given_up_and_replaced() {
    let (system, proxy) = behind_a_proxy(&[]).await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "forgotten", 2).await;
    db.projected().await;
    let storm = Storm::start(&caller, &names, 2);
    // Every connection that reads may have is in use once.
    let reads = (0..16).map(|_| {
        let mut caller = caller.clone();
        let pool = &names[0];
        async move { caller.pool(pool, "").await }
    });
    for read in futures::future::join_all(reads).await {
        read.expect("the pool");
    }

    proxy.freeze_open();
    let asking = (0..16).map(|_| {
        let mut caller = caller.clone();
        let mut request = Request::new(v1::GetPoolRequest {
            name: name::pool(&names[0]),
            ..v1::GetPoolRequest::default()
        });
        request.set_timeout(Duration::from_millis(300));
        async move { caller.queries.get_pool(request).await }
    });
    futures::future::join_all(asking).await;
    // What PostgreSQL does by itself with a client who sends no sign of life, only sooner: the lock of a leader whom
    // nobody hears is free.
    let forgotten = db.terminate_query_sessions("true").await;
    assert!(forgotten >= 3, "{forgotten}");
    storm.go_on(20).await;
    let last = storm.end().await;
    for (pool, receipt) in &last {
        let token = &receipt.consistency_token;
        let shown = eventually(LIMIT, "GetPool answers", || async {
            caller.clone().pool(pool, token).await.ok()
        });
        let shown = within(LIMIT, "GetPool answers", shown).await;
        assert_eq!(shown.etag, receipt.etag);
        let live = caller.availability(pool, token).await.unwrap();
        assert_eq!(live.version, receipt.version);
    }
    db.assert_table_is_fold().await;
}

/// Memory is loaded anew from tables that a rebuild has made, over a connection of its own. That there is none to be had must
/// not make it stand still.
#[tokio::test]
async fn memory_follows_the_log_while_it_cannot_be_loaded_from_new_tables() {
    let (system, proxy) = behind_a_proxy(&[]).await;
    let mut caller = system.caller().await;
    let pool = pools(&mut caller, "reload", 1).await.remove(0);
    proxy.freeze_new();
    let before = proxy.newest();
    let (went_well, printed, said) = run(system.database.url(), &["rebuild", "pools"]).await;
    assert!(went_well, "{printed}{said}");
    eventually(LIMIT, "an attempt to load memory anew", || async {
        (proxy.newest() > before).then_some(())
    })
    .await;
    for sold in 1..=20 {
        let bought = caller.purchase(&pool, "customer", 1).await.unwrap();
        let token = bought.receipt.unwrap().consistency_token;
        let shown = caller.availability(&pool, &token).await;
        assert_eq!(shown.expect("memory goes on").sold, sold);
    }
    proxy.thaw();
    eventually(LIMIT, "memory comes from the new tables", || async {
        let said = system.query.log().into_iter();
        let mut loaded = said.filter(|line| line["message"] == "memory is loaded");
        loaded.find(|line| line["generation"] == 2)
    })
    .await;
    let shown = caller.availability(&pool, "").await.expect("memory");
    assert_eq!(shown.sold, 20);
}

/// The network forgets the connection over which memory is loaded: no answer, and no end of it either.
#[tokio::test]
async fn memory_is_loaded_over_another_connection_when_one_says_nothing_more() {
    let mut system = System::start().await;
    let mut caller = system.caller().await;
    let pool = pools(&mut caller, "loaded", 1).await.remove(0);
    let receipt = caller.purchase(&pool, "customer", 1).await.unwrap().receipt;
    let token = receipt.unwrap().consistency_token;
    caller
        .pool(&pool, &token)
        .await
        .expect("it is in the table");
    let (db, mut other) = (
        Db::of(&system.database).await,
        system.database.admin().await,
    );
    let hold = "BEGIN; LOCK TABLE onsale_query_pools_1.pools IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(hold).execute(&mut other).await.unwrap();
    let proxy = Proxy::to(&system.database.options()).await;
    let url = proxy.through(system.database.options()).to_url_lossy();
    let silent = Service::start_unready(Kind::Query, url.as_str(), &[]).await;
    std::mem::replace(&mut system.query, silent).kill().await;
    eventually(LIMIT, "memory waits for its table", || async {
        let waits = db.number(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND wait_event_type = 'Lock' AND query LIKE 'BEGIN ISOLATION LEVEL REPEATABLE READ%'",
        );
        (waits.await > 0).then_some(())
    })
    .await;
    proxy.freeze_open();
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    let caller = system.caller().await;
    eventually(LIMIT, "memory is loaded", async || {
        let mut caller = caller.clone();
        caller.availability(&pool, &token).await.ok()
    })
    .await;
}
