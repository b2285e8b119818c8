//! When a stream says what.

use std::time::{Duration, Instant};

use onsale_proto::{name, v1};

use crate::{
    reader::position,
    shared::{fresh_pool, shared},
    storm::{Storm, pools},
    subscription::{Subscription, millis, watch_request},
};

#[tokio::test]
async fn the_first_frames_are_the_full_state_of_each_pool_and_the_last_of_them_ends_the_round() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, &fresh_pool(), 3).await;
    caller.claim(&names[1], "customer", 2).await.unwrap();
    let bought = caller.purchase(&names[2], "customer", 3).await.unwrap();
    let token = bought.receipt.unwrap().consistency_token;
    let request = v1::WatchAvailabilityRequest {
        at_least_as_fresh: token.clone(),
        ..watch_request(&names)
    };
    let mut stream = Subscription::open(&caller.queries, request).await.unwrap();
    for (number, pool) in names.iter().enumerate() {
        let frame = stream.next().await.unwrap();
        assert!(position(&frame.consistency_token) >= position(&token));
        assert_eq!(frame.resume_token.is_empty(), number < 2, "{frame:?}");
        let mut state = frame.availability.unwrap();
        let mut expected = caller.availability(pool, "").await.unwrap();
        (state.as_of_time, expected.as_of_time) = (None, None);
        assert_eq!(state, expected);
    }
    let states = stream.states.values();
    let counts: Vec<_> = states.map(|s| (s.sold, s.held, s.version)).collect();
    assert_eq!(counts, [(0, 0, 1), (0, 2, 3), (3, 0, 7)]);
}

#[tokio::test]
async fn every_pool_of_a_stream_shows_its_own_changes_as_absolute_states() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, &fresh_pool(), 2).await;
    let request = watch_request(&names);
    let mut stream = Subscription::open(&caller.queries, request).await.unwrap();
    let claim = caller.claim(&names[0], "customer", 4).await.unwrap();
    let state = stream.reach(&names[0], 5).await;
    assert_eq!((state.sold, state.held), (0, 4));
    let bought = caller.buy(&claim.name).await.unwrap().receipt.unwrap();
    let state = stream.reach(&names[0], bought.version).await;
    assert_eq!((state.sold, state.held), (4, 0));
    let stopped = caller
        .stop_sales(&names[1], v1::StopMode::FinishClaims)
        .await
        .unwrap();
    let state = stream.reach(&names[1], stopped.version).await;
    assert_eq!(state.sale_status(), v1::SaleStatus::Stopped);
    let resumed = caller.resume_sales(&names[1]).await.unwrap();
    let state = stream.reach(&names[1], resumed.version).await;
    assert_eq!(state.sale_status(), v1::SaleStatus::Open);
    let untouched = &stream.states[&name::pool(&names[0])];
    assert_eq!(untouched.version, bought.version);
}

#[tokio::test]
async fn the_first_change_on_an_idle_stream_comes_at_once_and_the_next_after_the_interval() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let [pool]: [String; 1] = pools(&mut caller, &fresh_pool(), 1)
        .await
        .try_into()
        .unwrap();
    // A sign of life after 1,100 ms of silence proves that no round is due any more.
    let interval = Duration::from_millis(1_000);
    let request = v1::WatchAvailabilityRequest {
        min_interval: Some(millis(1_000)),
        ..watch_request(&[&pool])
    };
    let mut stream = Subscription::open(&caller.queries, request).await.unwrap();
    stream.state().await;
    for _ in 0..2 {
        stream.heartbeat().await;
        let acknowledged = caller.claim(&pool, "customer", 1).await.unwrap();
        let start = Instant::now();
        let first = stream.state().await;
        assert!(start.elapsed() < interval * 8 / 10, "{:?}", start.elapsed());
        assert_eq!(first.held, 1, "{acknowledged:?}");
        let began = Instant::now();
        caller.release(&acknowledged.name).await.unwrap();
        let second = stream.state().await;
        assert_eq!(second.held, 0);
        // Frames may be late on their way, the first one too.
        assert!(began.elapsed() > interval * 7 / 10, "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_storm_is_conflated_to_a_round_per_interval_and_ends_with_the_final_state() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, &fresh_pool(), 2).await;
    let request = v1::WatchAvailabilityRequest {
        min_interval: Some(millis(200)),
        ..watch_request(&names)
    };
    let mut stream = Subscription::open(&caller.queries, request).await.unwrap();
    let (start, storm) = (Instant::now(), Storm::start(&caller, &names, 8));
    let (last, ()) = tokio::join!(
        async {
            storm.go_on(200).await;
            storm.end().await
        },
        async {
            for _ in 0..4 {
                stream.state().await;
            }
        }
    );
    let mut events = 0;
    for pool in &names {
        let version = last[pool].version;
        let state = stream.reach(pool, version).await;
        assert_eq!(state.version, version);
        assert_eq!((state.sold, state.held), ((version - 1) / 2, 0));
        events += version;
    }
    // One round before the first interval, one in each that began, of both pools.
    let rounds = start.elapsed().as_millis() / 200 + 2;
    let frames = u128::try_from(stream.frames).unwrap();
    assert!(frames <= rounds * 2, "{frames} frames in {rounds} rounds");
    let events = u128::try_from(events).unwrap();
    assert!(
        events >= 400 && frames * 4 < events,
        "{frames} frames of {events} events"
    );
}

#[tokio::test]
async fn a_silent_stream_shows_signs_of_life_that_include_what_happens_elsewhere() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, &fresh_pool(), 2).await;
    let [pool, other]: [String; 2] = names.try_into().unwrap();
    let request = watch_request(&[&pool]);
    let mut stream = Subscription::open(&caller.queries, request).await.unwrap();
    stream.state().await;
    let bought = caller.purchase(&other, "customer", 1).await.unwrap();
    let token = bought.receipt.unwrap().consistency_token;
    caller.availability(&other, &token).await.unwrap();
    let heartbeat = stream.heartbeat().await;
    assert!(position(&heartbeat.consistency_token) >= position(&token));
    // Who goes on from there has missed nothing.
    let request = v1::WatchAvailabilityRequest {
        resume_token: heartbeat.resume_token,
        ..watch_request(&[&pool])
    };
    let mut resumed = Subscription::open(&caller.queries, request).await.unwrap();
    assert_eq!(resumed.next().await.unwrap().availability, None);
    assert_eq!(stream.frames, 1);
}
