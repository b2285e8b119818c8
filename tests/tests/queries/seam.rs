//! A start from the read model goes on where the table is: nothing is missing, nothing counts twice, nothing goes back.

use onsale_proto::name;
use onsale_tests::{
    service::{Kind, Service},
    system::System,
};

use super::{
    db::Db,
    reader::{Reader, Replicas},
    storm::{Storm, pools},
    subscription::{Subscription, watch_request},
};

const POOLS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_in_the_middle_of_a_storm_have_no_seam() {
    let mut system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "seam", POOLS).await;
    db.projected().await;
    let replicas = Replicas::of(&[&system.query]);
    let readers: Vec<_> = names
        .iter()
        .take(3)
        .map(|pool| Reader::start(&replicas, pool))
        .collect();
    let storm = Storm::start(&caller, &names, 3);
    let mut behind = 0;
    for _ in 0..4 {
        storm.go_on(40).await;
        for reader in &readers {
            reader.go_on(3).await;
        }
        system.query.kill().await;
        // What nobody folds while nobody is there.
        storm.go_on(60).await;
        let (table, acknowledged) = (db.rows().await, storm.newest());
        behind += db.head().await - db.checkpoint().await;
        system.query = Service::start(Kind::Query, system.database.url(), &[]).await;
        replicas.set(&[&system.query]);
        let queries = system.caller().await.queries;
        let mut stream = Subscription::open(&queries, watch_request(&names))
            .await
            .unwrap();
        for _ in &names {
            stream.state().await;
        }
        for pool in &names {
            let first = stream.states[&name::pool(pool)].version;
            assert!(first >= table[pool].2, "{pool}: {first} of {table:?}");
            // What was acknowledged before the start is in the log, and the service is ready.
            let known = acknowledged[pool].version;
            assert!(first >= known, "{pool}: {first}, {known} was acknowledged");
        }
    }
    assert!(behind >= 400, "only {behind} events were folded at starts");
    let last = storm.end().await;
    for reader in readers {
        reader.go_on(2).await;
        assert!(reader.end().await > 10);
    }

    // Memory, the table and the log say the same.
    db.assert_table_is_fold().await;
    let (table, fold) = (db.rows().await, db.fold().await);
    assert_eq!(table, fold);
    let mut caller = system.caller().await;
    for (pool, counts) in &fold {
        let token = &last[pool].consistency_token;
        let live = caller.availability(pool, token).await.unwrap();
        assert_eq!((live.sold, live.held, live.version), *counts, "{pool}");
        assert_eq!(last[pool].version, counts.2);
        let shown = caller.pool(pool, token).await.unwrap();
        let shown = shown.availability.unwrap();
        assert_eq!((shown.sold, shown.held, shown.version), *counts, "{pool}");
    }
}

#[tokio::test]
async fn a_service_says_that_it_is_ready_only_when_it_has_caught_up() {
    let mut system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "late", 2).await;
    db.projected().await;
    system.query.kill().await;
    let storm = Storm::start(&caller, &names, 8);
    storm.go_on(250).await;
    let last = storm.end().await;
    assert!(db.head().await - db.checkpoint().await >= 500);
    // Small pages, so that catching up takes a while.
    let options = [("ONSALE_QUERY_PAGE_EVENTS", "2")];
    system.query = Service::start(Kind::Query, system.database.url(), &options).await;
    let mut caller = system.caller().await;
    for (pool, receipt) in &last {
        let live = caller.availability(pool, "").await.unwrap();
        assert_eq!(live.version, receipt.version);
    }
    db.assert_table_is_fold().await;
}

#[tokio::test]
async fn a_start_on_a_table_that_was_lost_folds_the_whole_log() {
    let mut system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "lost", 3).await;
    let storm = Storm::start(&caller, &names, 4);
    storm.go_on(60).await;
    storm.end().await;
    db.projected().await;
    system.query.kill().await;
    let before = db.rows().await;
    db.execute("DELETE FROM onsale_read.pools; UPDATE onsale_query.generations SET position = 0, time = 'epoch'")
        .await;
    system.query = Service::start(Kind::Query, system.database.url(), &[]).await;
    db.assert_table_is_fold().await;
    assert_eq!(db.rows().await, before);
}
