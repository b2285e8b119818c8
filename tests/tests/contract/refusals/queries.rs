//! What the read side refuses.

use std::time::Duration;

use onsale_proto::{CORRELATION_KEY, name, reason::Reason, v1};
use onsale_shared::{log::Position, token::ConsistencyToken};
use onsale_tests::{
    caller::Caller,
    service::{Kind, Service},
    system::{System, migrated_database},
    wait::eventually,
};
use sqlx::Connection as _;
use tonic::{Request, Status};

use crate::{
    log::{LIMIT, patiently},
    refused::{refused, violates},
    shop::fresh_pool,
};

const SOON: Duration = Duration::from_millis(200);
const LATER: Duration = Duration::from_secs(1);

fn watch_request(pools: &[&str]) -> v1::WatchAvailabilityRequest {
    v1::WatchAvailabilityRequest {
        pools: pools.iter().map(|pool| name::pool(pool)).collect(),
        ..v1::WatchAvailabilityRequest::default()
    }
}

/// Sends every read of a pool: a stream is read no further than to its answer.
async fn every_read(caller: &mut Caller, pool: &str, token: &str) -> [Result<(), Status>; 4] {
    let watch = v1::WatchAvailabilityRequest {
        at_least_as_fresh: token.to_owned(),
        ..watch_request(&[pool])
    };
    let quote = v1::QuotePriceRequest {
        pool: name::pool(pool),
        at_least_as_fresh: token.to_owned(),
        ..v1::QuotePriceRequest::default()
    };
    [
        caller.pool(pool, token).await.map(drop),
        caller.availability(pool, token).await.map(drop),
        caller.queries.quote_price(quote).await.map(drop),
        caller.queries.watch_availability(watch).await.map(drop),
    ]
}

#[tokio::test]
async fn every_read_of_an_unknown_pool_is_refused() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let pool = name::pool(&id);
    for answer in every_read(&mut caller, &id, "").await {
        refused(answer, Reason::PoolNotFound, &[("pool", &pool)]).about("onsale.v1.Pool", &pool);
    }
}

#[tokio::test]
async fn every_read_names_all_fields_that_are_invalid() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    for (pool, token, fields) in [
        ("", "", &["name"][..]),
        ("pools/", "x", &["name", "at_least_as_fresh"]),
        ("shows/abc", "AQ", &["name", "at_least_as_fresh"]),
        ("pools/ABC", "", &["name"]),
        ("pools/ab", "", &["name"]),
        (
            "pools/abc/claims/x",
            "not a token",
            &["name", "at_least_as_fresh"],
        ),
    ] {
        let request = v1::GetPoolRequest {
            name: pool.into(),
            at_least_as_fresh: token.into(),
        };
        violates(caller.queries.get_pool(request).await, fields);
        let fields: Vec<_> = fields
            .iter()
            .map(|field| if *field == "name" { "pool" } else { field })
            .collect();
        let request = v1::GetAvailabilityRequest {
            pool: pool.into(),
            at_least_as_fresh: token.into(),
        };
        violates(caller.queries.get_availability(request).await, &fields);
    }
    violates(
        caller
            .queries
            .watch_availability(v1::WatchAvailabilityRequest::default())
            .await,
        &["pools"],
    );
    let wrong = v1::WatchAvailabilityRequest {
        min_interval: Some(prost_types::Duration {
            seconds: 0,
            nanos: 19_999_999,
        }),
        at_least_as_fresh: "x".into(),
        ..watch_request(&["abc", "abc", "-"])
    };
    let fields = ["pools[1]", "pools[2]", "min_interval", "at_least_as_fresh"];
    violates(caller.queries.watch_availability(wrong).await, &fields);
    let ids: Vec<_> = (0..101).map(|i| format!("p-{i}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    violates(
        caller.queries.watch_availability(watch_request(&ids)).await,
        &["pools"],
    );
    for (seconds, nanos) in [
        (-1, 0),
        (61, 0),
        (0, -1),
        (1, 1_000_000_000),
        (i64::MAX, i32::MAX),
    ] {
        let min_interval = Some(prost_types::Duration { seconds, nanos });
        let wrong = v1::WatchAvailabilityRequest {
            min_interval,
            ..watch_request(&["abc"])
        };
        violates(
            caller.queries.watch_availability(wrong).await,
            &["min_interval"],
        );
    }
    let wrong = v1::WatchAvailabilityRequest {
        resume_token: "AQAA".into(),
        ..watch_request(&["abc"])
    };
    violates(
        caller.queries.watch_availability(wrong).await,
        &["resume_token"],
    );
}

#[tokio::test]
async fn a_read_that_is_not_fresh_enough_in_time_says_how_far_it_is() {
    let system = System::start_with(1, &[("ONSALE_QUERY_READ_TIMEOUT_MS", "200")]).await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let receipt = caller.create_pool(&id, 10).await.expect("a pool");
    let read = v1::GetPoolRequest {
        name: name::pool(&id),
        at_least_as_fresh: receipt.consistency_token,
    };
    let read = caller.queries.get_pool(patiently(read)).await;
    read.expect("fresh enough");
    let token = ConsistencyToken::new(Position::new(1_000).expect("a position")).encode();
    for answer in every_read(&mut caller, &id, &token).await {
        let expected = [("position", "1"), ("required_position", "1000")];
        refused(answer, Reason::ReadModelBehind, &expected).again_after(SOON);
    }
}

#[tokio::test]
async fn a_service_that_cannot_read_its_log_yet_is_not_ready() {
    let database = migrated_database().await;
    let mut admin = database.admin().await;
    let mut lock = admin.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE onsale_log.events IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .expect("a superuser may lock");
    let query = Service::start_unready(Kind::Query, database.url(), &[]).await;
    let channel = query.channel().await;
    let mut caller = Caller::new(channel.clone(), channel);
    for answer in every_read(&mut caller, "abc", "").await {
        refused(answer, Reason::NotReady, &[]).again_after(LATER);
    }
    assert!(!onsale_proto::health::is_serving(query.address().to_owned()).await);
    lock.rollback().await.expect("the lock is given back");
    eventually(LIMIT, "it is ready", || async {
        onsale_proto::health::is_serving(query.address().to_owned())
            .await
            .then_some(())
    })
    .await;
    refused(
        caller.pool("abc", "").await,
        Reason::PoolNotFound,
        &[("pool", "pools/abc")],
    );
}

#[tokio::test]
async fn one_stream_too_many_is_refused_and_open_ones_end_with_the_server() {
    let mut system = System::start_with(1, &[("ONSALE_QUERY_WATCH_STREAMS_MAX", "1")]).await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let receipt = caller.create_pool(&id, 10).await.expect("a pool");
    caller
        .availability(&id, &receipt.consistency_token)
        .await
        .expect("it is known");
    let open = caller
        .queries
        .watch_availability(watch_request(&[&id]))
        .await;
    let mut open = open.expect("the first stream").into_inner();
    open.message().await.expect("a frame").expect("a frame");
    let further = caller
        .queries
        .watch_availability(watch_request(&[&id]))
        .await;
    refused(further.map(drop), Reason::Overloaded, &[]).again_after(LATER);
    system.query.signal("TERM").await;
    let end = loop {
        match open.message().await {
            Ok(Some(_frame)) => {}
            Ok(None) => unreachable!("a stream that does not end by itself ends with a reason"),
            Err(status) => break status,
        }
    };
    refused::<()>(Err(end), Reason::Draining, &[]).again_after(SOON);
    assert_eq!(system.query.ended().await, Some(0));
}

#[tokio::test]
async fn an_event_that_nobody_recorded_has_no_chain() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let event_id = uuid::Uuid::new_v4().to_string();
    let request = v1::TraceEventRequest {
        event_id: event_id.clone(),
        at_least_as_fresh: String::new(),
    };
    let answer = caller.queries.trace_event(request).await;
    let metadata = [("event_id", event_id.as_str())];
    refused(answer, Reason::EventNotFound, &metadata).about("onsale.v1.Event", &event_id);
}

#[tokio::test]
async fn a_defect_says_nothing_but_its_correlation_id() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let receipt = caller.create_pool(&id, 10).await.expect("a pool");
    caller
        .pool(&id, &receipt.consistency_token)
        .await
        .expect("it is read");
    // A row that no version of the service wrote.
    sqlx::query("UPDATE onsale_read.pools SET pricing = '{\"base_price\":-1}' WHERE pool = $1")
        .bind(&id)
        .execute(&mut system.database.admin().await)
        .await
        .expect("a superuser may write");
    let request = v1::GetPoolRequest {
        name: name::pool(&id),
        at_least_as_fresh: String::new(),
    };
    let mut request = Request::new(request);
    request.metadata_mut().insert(
        CORRELATION_KEY,
        "conversation-seven".parse().expect("ASCII"),
    );
    let answer = caller.queries.get_pool(request).await;
    let refusal = refused(
        answer,
        Reason::Internal,
        &[("correlation_id", "conversation-seven")],
    );
    assert!(
        !refusal.status.message().contains("base_price"),
        "{:?}",
        refusal.status
    );
    let logged = system.query.log();
    let logged = logged
        .iter()
        .find(|line| line["level"] == "ERROR")
        .expect("the operator is told");
    assert_eq!(logged["correlation_id"], "conversation-seven");
}
