//! What cannot be watched.

use onsale_proto::{name, v1};

use crate::{
    refused::violates,
    shared::shared,
    subscription::{millis, watch_request},
};

type Request = v1::WatchAvailabilityRequest;

/// Each of these requests is refused for these fields, before anybody asks whether a pool exists.
async fn malformed(requests: impl IntoIterator<Item = Request>, fields: &[&str]) {
    let system = shared().await;
    let mut queries = system.caller().await.queries;
    for request in requests {
        violates(queries.watch_availability(request).await, fields);
    }
}

#[tokio::test]
async fn a_stream_of_no_pool_is_refused() {
    malformed([watch_request::<&str>(&[])], &["pools"]).await;
}

#[tokio::test]
async fn a_pool_that_is_named_twice_is_refused_where_it_is_named_again() {
    let request = watch_request(&["abc", "def", "abc", "def", "ghi"]);
    malformed([request], &["pools[2]", "pools[3]"]).await;
}

#[tokio::test]
async fn a_hundred_and_first_pool_is_refused() {
    let names: Vec<_> = (0..101).map(|number| format!("pool-{number}")).collect();
    malformed([watch_request(&names)], &["pools"]).await;
}

#[tokio::test]
async fn an_interval_outside_its_bounds_is_refused() {
    let interval = |seconds, nanos| prost_types::Duration { seconds, nanos };
    let bad = [
        interval(0, 0),
        interval(0, 19_999_999),
        interval(60, 1),
        interval(61, 0),
        interval(-1, 0),
        interval(0, -50_000_000),
        interval(0, 1_000_000_000),
        interval(i64::MAX, 0),
        interval(i64::MIN, i32::MIN),
    ];
    let requests = bad.map(|interval| Request {
        min_interval: Some(interval),
        ..watch_request(&["abc"])
    });
    malformed(requests, &["min_interval"]).await;
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_stream_is_named_in_one_answer() {
    let mut request = Request {
        min_interval: Some(millis(1)),
        at_least_as_fresh: "nonsense".into(),
        ..watch_request(&["abc", "A", "abc"])
    };
    request.pools.push(name::pool(""));
    request.pools.push(String::new());
    malformed(
        [request.clone()],
        &[
            "pools[1]",
            "pools[2]",
            "pools[3]",
            "pools[4]",
            "min_interval",
            "at_least_as_fresh",
        ],
    )
    .await;
    // Whether it fits can be said only where the pools are right.
    request.pools.truncate(1);
    request.resume_token = "nonsense".into();
    let fields = ["min_interval", "at_least_as_fresh", "resume_token"];
    malformed([request], &fields).await;
}
