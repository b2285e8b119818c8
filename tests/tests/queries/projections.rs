//! How far each projection is, and what is in its way: told by `GetProjections`, by health and by a metric.

use onsale_proto::{reason::Reason, v1};
use onsale_tests::{
    service::{Kind, Service},
    system::System,
    wait::eventually,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tonic::{Code, Request};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{
    db::{Db, LIMIT},
    reader::position,
    refused::{number, refused},
    storm::pools,
};

const POOLS: &str = "onsale.v1.QueryService/projections/pools";

async fn projections(system: &System, token: &str) -> v1::GetProjectionsResponse {
    let request = v1::GetProjectionsRequest {
        at_least_as_fresh: token.to_owned(),
    };
    let mut queries = system.caller().await.queries;
    queries.get_projections(request).await.unwrap().into_inner()
}

fn named<'a>(answer: &'a v1::GetProjectionsResponse, name: &str) -> &'a v1::Projection {
    let found = answer.projections.iter().find(|of| of.name == name);
    found.expect("it is there")
}

async fn health(service: &Service, name: &str) -> Option<ServingStatus> {
    let request = HealthCheckRequest {
        service: name.to_owned(),
    };
    let answer = HealthClient::new(service.channel().await)
        .check(request)
        .await;
    answer.ok().map(|answer| answer.into_inner().status())
}

/// What Prometheus would be told.
async fn metrics(address: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("metrics");
    let request = "GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    stream
        .write_all(request.as_bytes())
        .await
        .expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer");
    text
}

#[tokio::test]
async fn every_projection_is_told_with_its_lag_and_follows() {
    let system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "told", 2).await;
    let bought = caller.purchase(&names[0], "customer", 2).await.unwrap();
    let token = bought.receipt.unwrap().consistency_token;
    let answer = eventually(LIMIT, "all have followed", || async {
        let answer = projections(&system, &token).await;
        assert!(answer.head_position >= position(&token));
        let behind = answer.projections.iter().any(|of| of.lag_events > 0);
        (!behind).then_some(answer)
    })
    .await;
    assert_eq!(answer.head_position, db.head().await);
    assert_eq!(position(&answer.consistency_token), answer.head_position);
    let pools = named(&answer, "pools");
    assert_eq!((pools.generation, pools.blocked_position), (1, 0));
    for of in &answer.projections {
        assert_eq!(of.state(), v1::ProjectionState::Live, "{of:?}");
        assert_eq!(of.position, answer.head_position, "{of:?}");
        assert_eq!(
            of.lag.as_ref().map(|lag| (lag.seconds, lag.nanos)),
            Some((0, 0))
        );
        assert!(of.version >= 1 && of.as_of_time.is_some(), "{of:?}");
        let service = format!("onsale.v1.QueryService/projections/{}", of.name);
        eventually(LIMIT, &service, || async {
            (health(&system.query, &service).await == Some(ServingStatus::Serving)).then_some(())
        })
        .await;
    }
    assert_eq!(
        health(&system.query, "onsale.v1.QueryService/projections/x").await,
        None
    );

    let future = onsale_shared::token::ConsistencyToken::new(
        onsale_shared::log::Position::new(1_000_000).unwrap(),
    );
    let mut request = Request::new(v1::GetProjectionsRequest {
        at_least_as_fresh: future.encode(),
    });
    request.set_timeout(std::time::Duration::from_millis(300));
    let behind = caller.queries.get_projections(request).await;
    let behind = refused(behind, Reason::ReadModelBehind);
    assert_eq!(number(&behind, "required_position"), 1_000_000);
    assert_eq!(number(&behind, "position"), answer.head_position);
    let malformed = v1::GetProjectionsRequest {
        at_least_as_fresh: "nonsense".to_owned(),
    };
    let refused = caller.queries.get_projections(malformed).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
}

#[tokio::test]
async fn a_projection_that_is_blocked_is_told_by_name_everywhere_until_the_event_can_be_read() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = free.local_addr().expect("its number").to_string();
    drop(free);
    let mut system = System::start().await;
    system.query.kill().await;
    let options = [("ONSALE_QUERY_METRICS_LISTEN", address.as_str())];
    system.query = Service::start(Kind::Query, system.database.url(), &options).await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "bad", 1).await;
    db.projected().await;
    eventually(LIMIT, "it is healthy", || async {
        (health(&system.query, POOLS).await == Some(ServingStatus::Serving)).then_some(())
    })
    .await;
    let bad = db.plant(&names[0], "PoolPaintedGreen", "{}").await;
    let blocked = eventually(LIMIT, "it is told", || async {
        let answer = projections(&system, "").await;
        let pools = named(&answer, "pools").clone();
        (pools.state() == v1::ProjectionState::Blocked).then_some(pools)
    })
    .await;
    assert_eq!((blocked.position, blocked.blocked_position), (bad - 1, bad));
    assert!(blocked.lag_events >= 1, "{blocked:?}");
    assert!(
        blocked.blocked_reason.contains("PoolPaintedGreen"),
        "{blocked:?}"
    );
    eventually(LIMIT, "health says it", || async {
        (health(&system.query, POOLS).await == Some(ServingStatus::NotServing)).then_some(())
    })
    .await;
    let metric = format!("onsale_projection_blocked_position{{projection=\"pools\"}} {bad}");
    eventually(LIMIT, "the metric says it", || async {
        metrics(&address).await.contains(&metric).then_some(())
    })
    .await;
    // Memory stopped at the event as well: it is behind for longer than it ever is while it follows.
    let behind = "onsale_memory_behind_seconds ";
    eventually(LIMIT, "so does that of time", || async {
        let measured = metrics(&address).await;
        let mut lines = measured.lines();
        let seconds = lines.find_map(|line| line.strip_prefix(behind))?;
        (seconds.trim().parse::<f64>().ok()? > 2.0).then_some(())
    })
    .await;

    // Mended, here the event and not the code, and started again: it goes on from there.
    db.execute(&format!(
        "UPDATE onsale_log.events SET type = 'SalesStopped', data = '{{\"mode\":\"FINISH_CLAIMS\"}}' WHERE position = {bad}"
    ))
    .await;
    system.query.kill().await;
    system.query = Service::start(Kind::Query, system.database.url(), &options).await;
    let answer = eventually(LIMIT, "it goes on", || async {
        let answer = projections(&system, "").await;
        let pools = named(&answer, "pools");
        (pools.position >= bad).then_some(answer.clone())
    })
    .await;
    let pools = named(&answer, "pools");
    assert_eq!(pools.state(), v1::ProjectionState::Live);
    assert_eq!(
        (pools.blocked_position, pools.blocked_reason.as_str()),
        (0, "")
    );
}

/// One row is written for many events, so the pool is named, and what of it was written last.
#[tokio::test]
async fn a_pool_whose_row_is_refused_is_named_and_goes_on_when_it_is_not() {
    let system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "row", 5).await;
    db.projected().await;
    // Nothing is written until all of them have changed.
    let mut held = system.database.admin().await;
    let hold = "BEGIN; SELECT FROM onsale_query.generations WHERE projection = 'pools' FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut held).await.unwrap();
    db.execute("ALTER TABLE onsale_query_pools_1.pools ADD CONSTRAINT toxic CHECK (pool <> 'row-3' OR sold = 0)")
        .await;
    let mut receipts = Vec::new();
    for pool in &names {
        let bought = caller.purchase(pool, "customer", 1).await.unwrap();
        receipts.push(bought.receipt.unwrap());
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut held).await.unwrap();
    let blocked = eventually(LIMIT, "it is told", || async {
        let answer = projections(&system, "").await;
        let pools = named(&answer, "pools").clone();
        (pools.state() == v1::ProjectionState::Blocked).then_some(pools)
    })
    .await;
    assert_eq!(
        blocked.blocked_position,
        position(&receipts[3].consistency_token)
    );
    assert!(blocked.blocked_reason.contains("pool row-3"), "{blocked:?}");

    db.execute("ALTER TABLE onsale_query_pools_1.pools DROP CONSTRAINT toxic")
        .await;
    for (pool, receipt) in names.iter().zip(&receipts) {
        let shown = eventually(LIMIT, "it goes on", || async {
            let token = &receipt.consistency_token;
            caller.clone().pool(pool, token).await.ok()
        })
        .await;
        assert_eq!(shown.etag, receipt.etag);
    }
}
