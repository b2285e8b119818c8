//! Who hands a token on sees what it names, or is told that it is not there yet.

use std::time::{Duration, Instant};

use futures::future::join_all;
use onsale_proto::{name, reason::Reason, v1};
use onsale_shared::{log::Position, token::ConsistencyToken};
use onsale_tests::{caller::Caller, system::System, wait::within};
use tonic::{Request, Status};

use super::{
    db::{Db, LIMIT},
    reader::position,
    refused::{number, refused},
    shared::{fresh_pool, shared},
    subscription::{Subscription, watch_request},
};

const COMMANDS: usize = 200;

fn token_of(position: i64) -> String {
    ConsistencyToken::new(Position::new(position).unwrap()).encode()
}

/// One command of a row of different ones; returns its receipt.
async fn command(caller: &mut Caller, pool: &str, turn: usize) -> v1::Receipt {
    let customer = format!("customer-{turn}");
    let receipt = match turn % 5 {
        0 => caller.purchase(pool, &customer, 2).await.unwrap().receipt,
        1 => {
            let claim = caller.claim(pool, &customer, 3).await.unwrap();
            caller.buy(&claim.name).await.unwrap().receipt
        }
        2 => {
            let claim = caller.claim(pool, &customer, 1).await.unwrap();
            caller.release(&claim.name).await.unwrap().receipt
        }
        3 => Some(
            caller
                .stop_sales(pool, v1::StopMode::FinishClaims)
                .await
                .unwrap(),
        ),
        _ => Some(caller.resume_sales(pool).await.unwrap()),
    };
    receipt.unwrap()
}

/// Both reads, at once, see what the receipt says.
async fn seen_by_both(caller: &Caller, pool: &str, receipt: &v1::Receipt) {
    let (mut first, mut second) = (caller.clone(), caller.clone());
    let token = &receipt.consistency_token;
    let (table, live) = tokio::join!(first.pool(pool, token), second.availability(pool, token));
    let table = table.unwrap().availability.unwrap().version;
    let live = live.unwrap().version;
    assert!(table >= receipt.version, "{table} for {receipt:?}");
    assert!(live >= receipt.version, "{live} for {receipt:?}");
}

#[tokio::test]
async fn each_of_200_commands_is_seen_by_the_reads_after_it() {
    let system = shared().await;
    let (mut caller, pool) = (system.caller().await, fresh_pool());
    caller.create_pool(&pool, 10_000).await.unwrap();
    for turn in 0..COMMANDS {
        let receipt = command(&mut caller, &pool, turn).await;
        seen_by_both(&caller, &pool, &receipt).await;
    }
}

#[tokio::test]
async fn each_of_200_commands_at_once_is_seen_by_the_reads_after_it() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let pools = [fresh_pool(), fresh_pool(), fresh_pool()];
    for pool in &pools {
        caller.create_pool(pool, 10_000).await.unwrap();
    }
    let calls = (0..COMMANDS).map(|turn| {
        let (mut caller, pool) = (caller.clone(), &pools[turn % pools.len()]);
        async move {
            // Purchases, claims and releases: a stop would refuse the others.
            let receipt = command(&mut caller, pool, turn / 3 * 5 + turn % 3).await;
            seen_by_both(&caller, pool, &receipt).await;
        }
    });
    within(LIMIT * 2, "all commands and reads", join_all(calls)).await;
}

#[tokio::test]
async fn a_pool_that_was_just_created_is_found_with_its_token() {
    let system = shared().await;
    let mut caller = system.caller().await;
    for _ in 0..20 {
        let pool = fresh_pool();
        let receipt = caller.create_pool(&pool, 10).await.unwrap();
        seen_by_both(&caller, &pool, &receipt).await;
        let request = v1::WatchAvailabilityRequest {
            at_least_as_fresh: receipt.consistency_token,
            ..watch_request(&[&pool])
        };
        let mut stream = Subscription::open(&caller.queries, request).await.unwrap();
        assert_eq!(stream.state().await.version, 1);
    }
}

#[tokio::test]
async fn a_token_from_the_future_is_refused_within_the_deadline_of_the_call() {
    let system = shared().await;
    let (mut caller, pool) = (system.caller().await, fresh_pool());
    let created = caller.create_pool(&pool, 10).await.unwrap();
    let known = position(&created.consistency_token);
    caller
        .pool(&pool, &created.consistency_token)
        .await
        .unwrap();
    // No other test of this target writes a million events.
    let required = known + 1_000_000;
    let (timeout, name) = (Duration::from_millis(800), name::pool(&pool));
    let mut by_table = Request::new(v1::GetPoolRequest {
        name: name.clone(),
        at_least_as_fresh: token_of(required),
    });
    let mut by_memory = Request::new(v1::GetAvailabilityRequest {
        pool: name,
        at_least_as_fresh: token_of(required),
    });
    let mut by_stream = Request::new(v1::WatchAvailabilityRequest {
        at_least_as_fresh: token_of(required),
        ..watch_request(&[&pool])
    });
    by_table.set_timeout(timeout);
    by_memory.set_timeout(timeout);
    by_stream.set_timeout(timeout);
    let [mut one, mut two, mut three] = [(); 3].map(|()| caller.queries.clone());
    let (table, memory, stream) = tokio::join!(
        timed(one.get_pool(by_table)),
        timed(two.get_availability(by_memory)),
        timed(three.watch_availability(by_stream)),
    );
    for (answer, took) in [table, memory, stream] {
        let status = refused(answer, Reason::ReadModelBehind);
        assert_eq!(number(&status, "required_position"), required);
        let reached = number(&status, "position");
        assert!((known..required).contains(&reached), "{status:?}");
        assert!(took < timeout, "{took:?}");
        assert!(took > timeout / 2, "it waited: {took:?}");
    }
}

async fn timed<T>(call: impl Future<Output = Result<T, Status>>) -> (Result<(), Status>, Duration) {
    let start = Instant::now();
    let answer = call.await.map(drop);
    (answer, start.elapsed())
}

#[tokio::test]
async fn a_read_without_a_deadline_waits_as_long_as_the_server_is_set_to() {
    let options = [("ONSALE_QUERY_READ_TIMEOUT_MS", "1000")];
    let system = System::start_with(1, &options).await;
    let mut caller = system.caller().await;
    let token = caller.create_pool("slow", 10).await.unwrap();
    caller.pool("slow", &token.consistency_token).await.unwrap();
    for memory in [true, false] {
        let (answer, took) = if memory {
            timed(caller.availability("slow", &token_of(99))).await
        } else {
            timed(caller.pool("slow", &token_of(99))).await
        };
        let status = refused(answer, Reason::ReadModelBehind);
        assert_eq!(number(&status, "position"), 1);
        assert_eq!(number(&status, "required_position"), 99);
        assert!(took >= Duration::from_secs(1), "{took:?}");
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
}

#[tokio::test]
async fn reads_that_wait_are_answered_by_the_event_that_they_wait_for() {
    let system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    caller.create_pool("awaited", 10).await.unwrap();
    let token = token_of(db.head().await + 2);
    let (mut first, mut second) = (caller.clone(), caller.clone());
    // Polled in this order: the reads are asked before anything is bought.
    let (table, memory, bought) = tokio::join!(
        biased;
        first.pool("awaited", &token),
        second.availability("awaited", &token),
        caller.purchase("awaited", "customer", 1),
    );
    let version = bought.unwrap().receipt.unwrap().version;
    assert_eq!(table.unwrap().availability.unwrap().version, version);
    assert_eq!(memory.unwrap().version, version);
}
