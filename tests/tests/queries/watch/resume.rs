//! Streams that break off and go on.

use onsale_proto::{name, v1};
use onsale_tests::caller::Caller;

use crate::{
    refused::violates,
    shared::{fresh_pool, shared},
    storm::{Storm, pools},
    subscription::{Subscription, watch_request},
};

async fn open(caller: &Caller, pools: &[String], resume_token: &str) -> Subscription {
    let request = v1::WatchAvailabilityRequest {
        resume_token: resume_token.to_owned(),
        ..watch_request(pools)
    };
    Subscription::open(&caller.queries, request).await.unwrap()
}

/// The pools of the frames up to the end of the first round.
async fn first_round(stream: &mut Subscription) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let frame = stream.next().await.unwrap();
        names.extend(frame.availability.map(|state| state.pool));
        if !frame.resume_token.is_empty() {
            return names;
        }
    }
}

#[tokio::test]
async fn a_stream_that_broke_off_goes_on_with_the_pools_that_changed_and_no_others() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, &fresh_pool(), 4).await;
    let mut stream = open(&caller, &names, "").await;
    assert_eq!(first_round(&mut stream).await.len(), 4);
    let token = stream.resume_token.clone();
    drop(stream);
    let mut last = String::new();
    for pool in [&names[3], &names[1]] {
        let bought = caller.purchase(pool, "customer", 1).await.unwrap();
        last = bought.receipt.unwrap().consistency_token;
    }
    caller.availability(&names[1], &last).await.unwrap();
    // In whatever order the pools are named.
    let backwards: Vec<_> = names.iter().rev().cloned().collect();
    let mut stream = open(&caller, &backwards, &token).await;
    let changed = [name::pool(&names[3]), name::pool(&names[1])];
    assert_eq!(first_round(&mut stream).await, changed);
    let again = stream.resume_token.clone();
    let bought = caller.purchase(&names[0], "customer", 1).await.unwrap();
    let version = bought.receipt.unwrap().version;
    stream.reach(&names[0], version).await;
    assert_eq!(stream.frames, 3, "no other pool was shown");

    // Nothing has changed for who goes on from the end: that is said at once, and nothing else.
    let mut level = open(&caller, &names, &stream.resume_token).await;
    assert_eq!(first_round(&mut level).await, [""; 0]);
    // Who goes on from before gets what changed since then.
    let mut behind = open(&caller, &names, &again).await;
    assert_eq!(first_round(&mut behind).await, [name::pool(&names[0])]);
}

#[tokio::test]
async fn a_stream_that_breaks_off_again_and_again_in_a_storm_misses_no_pool() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, &fresh_pool(), 5).await;
    let storm = Storm::start(&caller, &names, 4);
    let mut stream = open(&caller, &names, "").await;
    let mut seen = std::collections::BTreeMap::new();
    for turn in 0..20 {
        // Broken off in the middle of a round, now and then.
        for _ in 0..=turn % 7 {
            stream.state().await;
        }
        seen.extend(stream.states.clone());
        let token = stream.resume_token.clone();
        stream = open(&caller, &names, &token).await;
    }
    assert_eq!(seen.len(), names.len());
    let last = storm.end().await;
    let mut token = stream.resume_token.clone();
    if token.is_empty() {
        first_round(&mut stream).await;
        token.clone_from(&stream.resume_token);
    }
    for (pool, receipt) in &last {
        caller
            .availability(pool, &receipt.consistency_token)
            .await
            .unwrap();
    }
    seen.extend(stream.states.clone());
    let mut stream = open(&caller, &names, &token).await;
    first_round(&mut stream).await;
    seen.extend(stream.states);
    for (pool, receipt) in last {
        assert_eq!(seen[&name::pool(&pool)].version, receipt.version);
    }
}

#[tokio::test]
async fn a_resume_token_of_other_pools_is_refused() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, &fresh_pool(), 3).await;
    let mut stream = open(&caller, &names[..2], "").await;
    first_round(&mut stream).await;
    for others in [&names[..1], &names[1..], &names[..]] {
        let request = v1::WatchAvailabilityRequest {
            resume_token: stream.resume_token.clone(),
            ..watch_request(others)
        };
        let answer = caller.queries.watch_availability(request).await;
        violates(answer, &["resume_token"]);
    }
    // A consistency token is not a resume token, nor the other way round.
    let receipt = caller.purchase(&names[0], "customer", 1).await.unwrap();
    let request = v1::WatchAvailabilityRequest {
        resume_token: receipt.receipt.unwrap().consistency_token,
        at_least_as_fresh: stream.resume_token.clone(),
        ..watch_request(&names[..2])
    };
    let answer = caller.queries.watch_availability(request).await;
    violates(answer, &["at_least_as_fresh", "resume_token"]);
}
