//! Idle pools leave memory: an instance serves more pools than it may have loaded at once.

use std::time::Duration;

use onsale_proto::v1;
use onsale_tests::{caller::Caller, service::Kind, service::Service, system::migrated_database};
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(60);
const LOADED_MAX: usize = 20;
const POOLS: usize = LOADED_MAX * 10;
/// While places in the memory are taken, callers hear so; it must happen or nothing is tested.
const OVERLOADED_MIN: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn ten_times_as_many_pools_as_may_be_loaded_are_served_and_known_again() {
    let database = migrated_database().await;
    let loaded = LOADED_MAX.to_string();
    let options = [
        ("ONSALE_POOLS_MAX", loaded.as_str()),
        ("ONSALE_POOL_IDLE_MS", "300"),
    ];
    let service = Service::start(Kind::Command, database.url(), &options).await;
    let channel = service.channel().await;
    let mut caller = Caller::new(channel.clone(), channel);
    let deadline = Instant::now() + LIMIT;
    let mut overloaded = 0;
    let mut claims: Vec<v1::Claim> = Vec::new();
    for n in 0..POOLS {
        let pool = format!("pool-{n}");
        loop {
            match caller.create_pool(&pool, 10).await {
                Ok(_) => break,
                Err(status) => {
                    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
                    overloaded += 1;
                }
            }
            assert!(
                Instant::now() < deadline,
                "{n} of {POOLS} pools were let in"
            );
            // What RetryInfo asks for, or less.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        claims.push(caller.claim(&pool, "customer", 2).await.unwrap());
    }
    assert!(overloaded >= OVERLOADED_MIN, "{overloaded} calls were shed");
    // The first ones were evicted long ago, and are loaded anew.
    for claim in &claims[..LOADED_MAX / 2] {
        let bought = loop {
            match caller.buy(&claim.name).await {
                Ok(bought) => break bought,
                Err(status) => assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}"),
            }
            assert!(Instant::now() < deadline, "a pool is not let in again");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let state = bought.claim.unwrap().state();
        assert_eq!(state, v1::ClaimState::Bought);
    }
}
