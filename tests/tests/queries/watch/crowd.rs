//! Many subscribers, and some who do not read.

use std::time::{Duration, Instant};

use futures::future::join_all;
use onsale_proto::{name, v1::query_service_client::QueryServiceClient};
use onsale_tests::{proxy::Proxy, service::resident_kib, system::System};
use tonic::transport::Endpoint;

use crate::{
    shared::{fresh_pool, shared},
    storm::{Storm, pools},
    subscription::{Subscription, watch_request},
};

#[tokio::test]
async fn a_hundred_subscribers_of_a_pool_all_end_with_its_final_state() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, &fresh_pool(), 1).await;
    let opening = (0..100).map(|_| Subscription::open(&caller.queries, watch_request(&names)));
    let streams = join_all(opening).await;
    let storm = Storm::start(&caller, &names, 8);
    let (sender, last) = tokio::sync::watch::channel(None);
    let watching = streams.into_iter().map(|stream| {
        let (mut stream, mut last, pool) = (stream.unwrap(), last.clone(), names[0].clone());
        tokio::spawn(async move {
            while last.borrow_and_update().is_none() {
                stream.state().await;
            }
            let version = last.borrow().unwrap();
            stream.reach(&pool, version).await
        })
    });
    let watching: Vec<_> = watching.collect();
    storm.go_on(300).await;
    let receipt = storm.end().await.remove(&names[0]).unwrap();
    sender.send_replace(Some(receipt.version));
    // Who waits for a change when the storm is over would wait for ever.
    let nudge = caller.purchase(&names[0], "nudge", 1).await.unwrap();
    let version = nudge.receipt.unwrap().version;
    for state in join_all(watching).await {
        let state = state.unwrap();
        assert!([version, receipt.version].contains(&state.version));
        assert_eq!((state.sold, state.held), ((state.version - 1) / 2, 0));
    }
}

#[tokio::test]
async fn who_does_not_read_delays_nobody_and_costs_bounded_memory() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, "crowd", 40).await;
    let address = system.query.address().to_owned();
    // Ten connections that take a frame or two and no more; streams on them have room for the first frames only.
    let mut stalled = Vec::new();
    for _ in 0..10 {
        let endpoint = Endpoint::from_shared(address.clone())
            .unwrap()
            .initial_stream_window_size(256)
            .initial_connection_window_size(65_535);
        let queries = QueryServiceClient::new(endpoint.connect().await.unwrap());
        for _ in 0..20 {
            let request = watch_request(&names);
            stalled.push(Subscription::open(&queries, request).await.unwrap());
        }
    }
    // And one whose network holds everything back.
    let host = address.trim_start_matches("http://").to_owned();
    let proxy = Proxy::to_address(host).await;
    let endpoint = Endpoint::from_shared(format!("http://{}", proxy.address())).unwrap();
    let queries = QueryServiceClient::new(endpoint.connect().await.unwrap());
    let mut frozen = Subscription::open(&queries, watch_request(&names))
        .await
        .unwrap();
    frozen.state().await;
    proxy.freeze();

    let mut reading = Subscription::open(&caller.queries, watch_request(&names))
        .await
        .unwrap();
    // What projections take once, for their connections and statements, is none of the subscribers' doing.
    let storm = Storm::start(&caller, &names, 8);
    storm.go_on(200).await;
    for (pool, receipt) in &storm.end().await {
        reading.reach(pool, receipt.version).await;
    }
    let before = resident_kib(system.query.pid()).unwrap();
    let storm = Storm::start(&caller, &names, 8);
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    while storm.purchases() < 800 {
        let looked = Instant::now();
        reading.state().await;
        slowest = slowest.max(looked.elapsed());
    }
    let took = start.elapsed();
    let last = storm.end().await;
    for (pool, receipt) in &last {
        reading.reach(pool, receipt.version).await;
    }
    let grown = resident_kib(system.query.pid())
        .unwrap()
        .saturating_sub(before);
    eprintln!("800 purchases in {took:?}, the longest silence {slowest:?}, {grown} KiB grown");
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    assert!(grown < 12 * 1024, "{grown} KiB");

    // Who reads again gets what was on its way to him, then what is newest: not what he missed.
    let late = stalled.last_mut().unwrap();
    for stream in [late, &mut frozen] {
        let frames = stream.frames;
        if frames > 0 {
            proxy.thaw();
        }
        for (pool, receipt) in &last {
            let state = stream.reach(pool, receipt.version).await;
            assert_eq!(state.version, receipt.version);
        }
        assert_eq!(stream.states.len(), names.len());
    }
    let late = stalled.last().unwrap();
    assert!(late.states.contains_key(&name::pool(&names[0])));
    assert!(late.frames <= 3 * names.len(), "{} frames", late.frames);
}
