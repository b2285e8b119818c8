//! The end of a server with open streams.

use std::time::{Duration, Instant};

use onsale_proto::{
    health::is_serving, reason::Reason, v1::query_service_client::QueryServiceClient,
};
use onsale_tests::{
    service::{Kind, Service},
    system::System,
    wait::eventually,
};
use tonic::transport::Endpoint;

use crate::{
    db::LIMIT,
    refused::refused,
    storm::{Storm, pools},
    subscription::{Subscription, watch_request},
};

#[tokio::test]
async fn sigterm_ends_streams_as_draining_and_the_process_with_code_0_though_somebody_does_not_read()
 {
    let options = [("ONSALE_QUERY_SHUTDOWN_GRACE_MS", "1500")];
    let mut system = System::start_with(1, &options).await;
    let mut caller = system.caller().await;
    let names = pools(&mut caller, "ended", 3).await;
    let endpoint = Endpoint::from_shared(system.query.address().to_owned())
        .unwrap()
        .initial_stream_window_size(64);
    let queries = QueryServiceClient::new(endpoint.connect().await.unwrap());
    let stalled = Subscription::open(&queries, watch_request(&names))
        .await
        .unwrap();
    let mut streams = Vec::new();
    for _ in 0..20 {
        let stream = Subscription::open(&caller.queries, watch_request(&names));
        streams.push(stream.await.unwrap());
    }
    let storm = Storm::start(&caller, &names, 4);
    storm.go_on(20).await;
    let address = system.query.address().to_owned();
    system.query.signal("TERM").await;
    let start = Instant::now();
    eventually(LIMIT, "it turns away", || async {
        (!is_serving(address.clone()).await).then_some(())
    })
    .await;
    for stream in &mut streams {
        let ended: Result<(), _> = Err(stream.end().await);
        refused(ended, Reason::Draining);
    }
    assert_eq!(system.query.ended().await, Some(0));
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(stalled);

    // The tokens that the streams ended with are good for the next replica.
    let last = storm.end().await;
    system.query = Service::start(Kind::Query, system.database.url(), &[]).await;
    let queries = system.caller().await.queries;
    for stream in streams {
        let request = onsale_proto::v1::WatchAvailabilityRequest {
            resume_token: stream.resume_token,
            ..watch_request(&names)
        };
        let mut resumed = Subscription::open(&queries, request).await.unwrap();
        for (pool, receipt) in &last {
            resumed.reach(pool, receipt.version).await;
        }
    }
}

#[tokio::test]
async fn a_server_that_nobody_watches_ends_at_once() {
    let system = System::start().await;
    let start = Instant::now();
    let System {
        commands: _commands,
        query,
        database: _database,
    } = system;
    assert_eq!(query.stop().await, Some(0));
    let took = start.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
}
