//! Two query-services on one database: one writes the table, both answer.

use std::time::{Duration, Instant};

use onsale_proto::v1;
use onsale_tests::{
    caller::Caller,
    service::{Kind, Service},
    system::System,
    wait::eventually,
};

use super::{
    db::{Db, LIMIT},
    reader::{Reader, Replicas},
    storm::{Storm, pools},
    subscription::{Subscription, watch_request},
};

const LEADING: &str = "leading the projection `pools`";

/// How soon somebody else leads.
const TAKE_OVER: Duration = Duration::from_secs(5);

/// The session that leads the projection: it holds the advisory lock.
const LEADER: &str = "pid IN (SELECT l.pid FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted \
    AND l.classid = 1869509489 AND l.objid::bigint = (hashtext('lead pools')::bigint & 4294967295) AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))";

struct Pair {
    system: System,
    /// Of `system.query`'s database.
    second: Service,
    caller: Caller,
    db: Db,
    names: Vec<String>,
}

impl Pair {
    /// The first leads.
    async fn start() -> Self {
        let system = System::start().await;
        let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
        eventually(LIMIT, "the first leads", || async {
            (system.query.logged(LEADING) == 1).then_some(())
        })
        .await;
        let second = Service::start(Kind::Query, system.database.url(), &[]).await;
        let names = pools(&mut caller, "pair", 4).await;
        Self {
            system,
            second,
            caller,
            db,
            names,
        }
    }

    fn services(&self) -> [&Service; 2] {
        [&self.system.query, &self.second]
    }

    fn terms(&self) -> usize {
        self.services().map(|s| s.logged(LEADING)).iter().sum()
    }

    /// The last receipt of each pool is seen by both reads of a service.
    async fn sees(
        &self,
        service: &Service,
        last: &std::collections::BTreeMap<String, v1::Receipt>,
    ) {
        let mut caller = Caller::new(
            self.system.commands[0].channel().await,
            service.channel().await,
        );
        for (pool, receipt) in last {
            let token = &receipt.consistency_token;
            let table = caller.pool(pool, token).await.unwrap();
            assert_eq!(table.etag, receipt.etag);
            let live = caller.availability(pool, token).await.unwrap();
            assert_eq!(live.version, receipt.version);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_services_leads_and_the_other_takes_over_when_it_is_killed_in_a_storm() {
    let mut pair = Pair::start().await;
    let storm = Storm::start(&pair.caller, &pair.names, 3);
    for _ in 0..2 {
        let replicas = Replicas::of(&pair.services());
        let readers: Vec<_> = pair
            .names
            .iter()
            .take(2)
            .map(|pool| Reader::start(&replicas, pool))
            .collect();
        storm.go_on(50).await;
        for reader in &readers {
            reader.go_on(8).await;
        }
        assert_eq!(pair.terms(), 1, "one leads, the other stands by");
        assert_eq!(pair.second.logged(LEADING), 0);
        let newcomer = Service::start(Kind::Query, pair.system.database.url(), &[]).await;
        let leader = std::mem::replace(&mut pair.system.query, pair.second);
        pair.second = newcomer;
        leader.kill().await;
        let killed = Instant::now();
        let at_kill = storm.newest();
        replicas.set(&pair.services());
        let mut survivor = pair.system.caller().await;
        for (pool, receipt) in &at_kill {
            let shown = survivor.pool(pool, &receipt.consistency_token).await;
            let version = shown.unwrap().availability.unwrap().version;
            assert!(version >= receipt.version, "{pool}: {version}");
        }
        eventually(LIMIT, "somebody leads", || async {
            (pair.terms() == 1).then_some(())
        })
        .await;
        assert!(killed.elapsed() < TAKE_OVER, "{:?}", killed.elapsed());
        storm.go_on(30).await;
        for reader in readers {
            reader.go_on(4).await;
            reader.end().await;
        }
        // The next round knows who leads.
        if pair.second.logged(LEADING) == 1 {
            std::mem::swap(&mut pair.system.query, &mut pair.second);
        }
    }
    let last = storm.end().await;
    for service in pair.services() {
        pair.sees(service, &last).await;
    }
    pair.db.assert_table_is_fold().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminated_leaders_and_sessions_lose_nothing() {
    let pair = Pair::start().await;
    let replicas = Replicas::of(&pair.services());
    let reader = Reader::start(&replicas, &pair.names[0]);
    let storm = Storm::start(&pair.caller, &pair.names, 3);
    let mut terms = pair.terms();
    for turn in 0..6 {
        storm.go_on(30).await;
        let condition = if turn % 3 == 2 { "true" } else { LEADER };
        let ended = pair.db.terminate_query_sessions(condition).await;
        assert!(ended >= 1, "{condition}");
        eventually(LIMIT, "somebody leads again", || async {
            (pair.terms() > terms).then_some(())
        })
        .await;
        terms = pair.terms();
        reader.go_on(4).await;
    }
    let last = storm.end().await;
    reader.end().await;
    for service in pair.services() {
        pair.sees(service, &last).await;
    }
    pair.db.assert_table_is_fold().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_that_somebody_moves_is_noticed_and_the_table_becomes_the_fold_again() {
    let pair = Pair::start().await;
    let storm = Storm::start(&pair.caller, &pair.names, 3);
    for (noticed, back) in [1, 50, 1_000_000].into_iter().enumerate() {
        storm.go_on(30).await;
        // Rows as of an earlier time, as a restored table would have them.
        pair.db
            .execute(&format!(
                "UPDATE onsale_query.generations SET position = greatest(0, position - {back}) \
                  WHERE projection = 'pools'; \
                 UPDATE onsale_read.pools SET sold = 0, held = 0, version = 1 \
                  WHERE position > (SELECT position FROM onsale_query.generations WHERE projection = 'pools')"
            ))
            .await;
        eventually(LIMIT, "the leader notices", || async {
            let moved = "the checkpoint of `pools` was moved by somebody else; standing by";
            let now: usize = pair.services().map(|s| s.logged(moved)).iter().sum();
            (now > noticed).then_some(())
        })
        .await;
        let newest = storm.newest();
        let (pool, receipt) = newest.first_key_value().unwrap();
        let mut caller = pair.caller.clone();
        let shown = caller.pool(pool, &receipt.consistency_token).await.unwrap();
        assert!(shown.availability.unwrap().version >= receipt.version);
    }
    let last = storm.end().await;
    for service in pair.services() {
        pair.sees(service, &last).await;
    }
    pair.db.assert_table_is_fold().await;
}

#[tokio::test]
async fn tokens_of_one_replica_are_good_on_the_other_though_it_is_behind() {
    let mut pair = Pair::start().await;
    // It neither listens nor looks more often than four times a second.
    let options = [
        ("ONSALE_QUERY_HINTS", "false"),
        ("ONSALE_QUERY_POLL_INTERVAL_MS", "250"),
    ];
    pair.second = Service::start(Kind::Query, pair.system.database.url(), &options).await;
    let fast = pair.caller.queries.clone();
    let mut slow = Caller::new(
        pair.system.commands[0].channel().await,
        pair.second.channel().await,
    );
    let pool = pair.names[0].clone();
    let mut stream = Subscription::open(&fast, watch_request(&pair.names))
        .await
        .unwrap();
    for turn in 0..4 {
        let bought = pair.caller.purchase(&pool, &format!("c-{turn}"), 1).await;
        let version = bought.unwrap().receipt.unwrap().version;
        stream.reach(&pool, version).await;
        let frame = stream.resume_token.clone();
        if frame.is_empty() {
            stream.heartbeat().await;
        }
        // The stream goes on there without a step back.
        let request = v1::WatchAvailabilityRequest {
            resume_token: stream.resume_token.clone(),
            ..watch_request(&pair.names)
        };
        let mut resumed = Subscription::open(&slow.queries, request).await.unwrap();
        let first = resumed.next().await.unwrap();
        if let Some(state) = first.availability {
            assert!(state.version >= version, "{state:?}");
        }
        let live = slow
            .availability(&pool, &first.consistency_token)
            .await
            .unwrap();
        assert!(live.version >= version, "{live:?}");
        let shown = slow.pool(&pool, &first.consistency_token).await.unwrap();
        assert!(shown.availability.unwrap().version >= version);
    }
}
