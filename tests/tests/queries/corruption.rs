//! A log that holds what cannot be.

use onsale_proto::{health::is_serving, reason::Reason, v1};
use onsale_tests::{
    service::{Kind, Service},
    system::System,
    wait::eventually,
};

use super::{
    db::{Db, LIMIT},
    refused::refused,
    storm::{Storm, pools},
    subscription::{Subscription, watch_request},
};

const CONTRADICTS: &str = "an event contradicts its pool; the pool is marked as corrupted";
const CANNOT_FOLLOW: &str = "the log cannot be followed any further; reads are refused until the cause is mended and \
    the service restarted";

/// A ticket that is bought a second time.
async fn bought_twice(db: &Db, pool: &str) -> i64 {
    let bought = "{\"claim\": \"01890a5d-ac96-774b-bcce-b302099a8057\", \
        \"ticket\": \"01890a5d-ac96-774b-bcce-b302099a8058\", \"customer\": \"nobody\", \"unit_price\": 4999, \
        \"expire_time\": \"2100-01-01T00:00:00.000000Z\"}";
    db.plant(pool, "TicketBought", bought).await
}

#[tokio::test]
async fn an_impossible_event_corrupts_its_pool_and_no_other() {
    let mut system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "pool", 3).await;
    let (bad, good) = (&names[0], &names[1..]);
    // A ticket is held, so that counts alone would take the sale of another one.
    caller.claim(bad, "customer", 1).await.unwrap();
    let before = caller.purchase(bad, "customer", 2).await.unwrap();
    let before = before.receipt.unwrap();
    let mut stream = Subscription::open(&caller.queries, watch_request(&names))
        .await
        .unwrap();
    let storm = Storm::start(&caller, good, 4);
    storm.go_on(20).await;
    let at = bought_twice(&db, bad).await;
    let told = stream.reach(bad, before.version + 1).await;
    assert_eq!(told.sale_status(), v1::SaleStatus::Stopped);
    assert_eq!((told.sold, told.held), (2, 1), "it changes no count");
    // More of it is no news.
    bought_twice(&db, bad).await;
    stream.reach(bad, before.version + 2).await;

    storm.go_on(20).await;
    let last = storm.end().await;
    db.projected().await;
    for restarted in [false, true] {
        if restarted {
            system.query.kill().await;
            system.query = Service::start(Kind::Query, system.database.url(), &[]).await;
            caller = system.caller().await;
        }
        let shown = caller.pool(bad, "").await.unwrap();
        assert_eq!(shown.state(), v1::PoolState::Corrupted);
        let counts = shown.availability.unwrap();
        assert_eq!(counts.sale_status(), v1::SaleStatus::Stopped);
        assert_eq!(counts.version, before.version + 2);
        let live = caller.availability(bad, "").await.unwrap();
        assert_eq!(live.sale_status(), v1::SaleStatus::Stopped);
        for (pool, receipt) in &last {
            let token = &receipt.consistency_token;
            let shown = caller.pool(pool, token).await.unwrap();
            assert_eq!(shown.state(), v1::PoolState::Active);
            assert_eq!(shown.etag, receipt.etag);
            let live = caller.availability(pool, token).await.unwrap();
            assert_eq!(live.sale_status(), v1::SaleStatus::Open);
        }
        let differences = db.differences().await;
        assert_eq!(differences.keys().collect::<Vec<_>>(), [bad]);
        let lines = system.query.log();
        let told: Vec<_> = lines
            .iter()
            .filter(|line| line["message"] == CONTRADICTS)
            .collect();
        assert_eq!(told.len(), usize::from(!restarted), "told once");
        for line in told {
            assert_eq!(line["level"], "ERROR");
            assert_eq!(line["pool.id"], bad.as_str());
            assert_eq!(line["event.position"], at);
            assert_eq!(line["event.kind"], "TicketBought");
        }
    }
    assert!(is_serving(system.query.address().to_owned()).await);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_stops_all_reads_and_nothing_is_lost_when_it_is_mended() {
    let mut system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "pool", 2).await;
    let mode = "{\"mode\": \"VOID_CLAIMS\"}";
    let stopped = ("SalesStopped", mode, v1::PoolState::Stopped);
    let resumed = ("SalesResumed", "{}", v1::PoolState::Active);
    for (version, kind, data, (meant, with, state)) in [
        (2, "PoolPaintedGreen", "{}", stopped),
        (3, "SalesResumed", "{\"reason\": 7}", resumed),
    ] {
        let before = caller.purchase(&names[0], kind, 2).await.unwrap();
        let token = before.receipt.unwrap().consistency_token;
        caller.pool(&names[0], &token).await.unwrap();
        let mut stream = Subscription::open(&caller.queries, watch_request(&names))
            .await
            .unwrap();
        let at = db.plant(&names[1], kind, data).await;
        let ended: Result<(), _> = Err(stream.end().await);
        refused(ended, Reason::NotReady);
        let address = system.query.address();
        eventually(LIMIT, "it is not healthy", || async {
            (!is_serving(address.to_owned()).await).then_some(())
        })
        .await;
        for pool in &names {
            refused(caller.pool(pool, "").await, Reason::NotReady);
            refused(caller.availability(pool, "").await, Reason::NotReady);
            let request = watch_request(&[pool]);
            let stream = caller.queries.watch_availability(request).await;
            refused(stream, Reason::NotReady);
        }
        let lines = system.query.log();
        let line = lines.iter().find(|line| line["message"] == CANNOT_FOLLOW);
        let line = line.unwrap();
        assert_eq!(line["level"], "ERROR");
        let text = line.to_string();
        for part in [
            format!("position {at}, version {version} of pools/{}", names[1]),
            kind.to_owned(),
        ] {
            assert!(text.contains(&part), "{text}");
        }

        // The log goes on; what cannot be read is passed by nobody.
        let after = caller.purchase(&names[0], kind, 1).await.unwrap();
        let after = after.receipt.unwrap();
        assert_eq!(db.checkpoint().await, at - 1);
        let mut refusing = Service::start_unready(Kind::Query, system.database.url(), &[]).await;
        eventually(LIMIT, "a restart alone mends nothing", || async {
            (refusing.logged(CANNOT_FOLLOW) == 1).then_some(())
        })
        .await;
        assert!(!is_serving(refusing.address().to_owned()).await);
        assert_eq!(db.checkpoint().await, at - 1);

        db.execute(&format!(
            "UPDATE onsale_log.events SET type = '{meant}', data = '{with}' WHERE position = {at}"
        ))
        .await;
        refusing.signal("TERM").await;
        assert_eq!(refusing.ended().await, Some(0));
        system.query.kill().await;
        system.query = Service::start(Kind::Query, system.database.url(), &[]).await;
        caller = system.caller().await;
        let token = &after.consistency_token;
        assert_eq!(
            caller.pool(&names[0], token).await.unwrap().etag,
            after.etag
        );
        let mended = caller.pool(&names[1], token).await.unwrap();
        assert_eq!(mended.state(), state);
        db.assert_table_is_fold().await;
    }
}
