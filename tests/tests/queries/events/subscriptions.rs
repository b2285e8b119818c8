//! Streams of events: none left out, none twice, whatever happens meanwhile.

use std::time::Duration;

use onsale_proto::{name, v1};
use onsale_tests::{
    service::{Kind, Service},
    wait::{eventually, within},
};
use tokio::time::timeout;
use tonic::{Request, Streaming};

use super::asking::{all, of_pool, positions};
use crate::{
    db::{Db, LIMIT},
    refused::violates,
    shared::{HEARTBEAT_MS, fresh_pool, shared},
};

type Stream = Streaming<v1::SubscribeEventsResponse>;

fn of(pool: &str, from_position: i64) -> v1::SubscribeEventsRequest {
    v1::SubscribeEventsRequest {
        pool: name::pool(pool),
        from_position,
        ..Default::default()
    }
}

async fn next(stream: &mut Stream) -> v1::SubscribeEventsResponse {
    let message = within(LIMIT, "a message", stream.message()).await;
    message.expect("an open stream").expect("no end")
}

/// The next events of a stream, without its signs of life.
async fn events(stream: &mut Stream, number: usize) -> Vec<v1::Event> {
    let reading = async {
        let mut events = Vec::new();
        while events.len() < number {
            events.extend(next(stream).await.event);
        }
        events
    };
    within(LIMIT, format!("{number} events"), reading).await
}

#[tokio::test]
async fn a_stream_has_what_was_and_what_comes_each_event_once_and_in_order() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 5_000).await.expect("a new name");
    for number in 0..60 {
        let customer = format!("c{number}");
        caller.purchase(&id, &customer, 4).await.expect("places");
    }
    let mut stream = caller
        .queries
        .subscribe_events(of(&id, 0))
        .await
        .expect("a stream")
        .into_inner();
    let mut seen = events(&mut stream, 481).await;
    let mut last = String::new();
    for number in 0..20 {
        let bought = caller
            .purchase(&id, &format!("d{number}"), 1)
            .await
            .expect("places");
        last = super::asking::token(bought.receipt);
        seen.extend(events(&mut stream, 2).await);
    }
    let expected = v1::ReadEventsRequest {
        page_size: 500,
        ..of_pool(&id, &last)
    };
    let expected = all(&mut caller, &expected).await;
    assert_eq!(positions(&seen), positions(&expected));
    assert_eq!(seen, expected);

    // Gone on with where it broke off, at any place.
    for at in [0, 1, 250, 520] {
        let from = seen[at].position + 1;
        let mut again = caller
            .queries
            .subscribe_events(of(&id, from))
            .await
            .expect("a stream")
            .into_inner();
        assert_eq!(events(&mut again, 521 - at - 1).await, seen[at + 1..]);
    }
}

#[tokio::test]
async fn a_stream_without_events_shows_signs_of_life_from_which_it_can_be_gone_on_with() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let mut asked = of(&id, 0);
    asked.r#type = "TicketRefunded".to_owned();
    let mut stream = caller
        .queries
        .subscribe_events(asked.clone())
        .await
        .expect("a stream")
        .into_inner();
    let began = tokio::time::Instant::now();
    let message = next(&mut stream).await;
    assert_eq!(message.event, None);
    assert!(message.next_position > 1 && !message.consistency_token.is_empty());
    assert!(began.elapsed() >= Duration::from_millis(HEARTBEAT_MS / 2));
    asked.from_position = message.next_position;
    let mut again = caller
        .queries
        .subscribe_events(asked)
        .await
        .expect("a stream")
        .into_inner();
    let bought = caller
        .purchase(&id, "kim", 1)
        .await
        .expect("places")
        .claim
        .expect("a claim");
    let refund = onsale_tests::caller::refund_request(&bought.tickets);
    caller.commands.refund_tickets(refund).await.expect("sold");
    for stream in [&mut stream, &mut again] {
        assert_eq!(events(stream, 1).await[0].r#type, "TicketRefunded");
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_server_and_another_replica_goes_on() {
    let mut system = onsale_tests::system::System::start().await;
    let mut caller = system.caller().await;
    caller.create_pool("moves", 100).await.expect("a new name");
    caller.purchase("moves", "kim", 2).await.expect("places");
    let mut stream = caller
        .queries
        .subscribe_events(of("moves", 0))
        .await
        .expect("a stream")
        .into_inner();
    let mut seen = events(&mut stream, 5).await;
    let other = Service::start(Kind::Query, system.database.url(), &[]).await;
    let first = std::mem::replace(&mut system.query, other);
    let stopping = tokio::spawn(first.stop());
    let ended = within(LIMIT, "an end", async {
        loop {
            match stream.message().await {
                Ok(Some(_heartbeat)) => {}
                other => return other,
            }
        }
    });
    let status = ended.await.expect_err("it says why");
    assert_eq!(
        onsale_proto::status::reason_of(&status),
        Some(onsale_proto::reason::Reason::Draining)
    );
    stopping.await.expect("it stops");
    let mut caller = system.caller().await;
    caller.purchase("moves", "lee", 1).await.expect("places");
    let from = seen[4].position + 1;
    let mut again = caller
        .queries
        .subscribe_events(of("moves", from))
        .await
        .expect("a stream")
        .into_inner();
    seen.extend(events(&mut again, 2).await);
    assert_eq!(positions(&seen), [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn streams_that_cannot_read_leave_connections_to_who_waits_for_an_answer() {
    let heartbeat = [("ONSALE_QUERY_HEARTBEAT_INTERVAL_MS", "1000")];
    let system = onsale_tests::system::System::start_with(1, &heartbeat).await;
    let mut caller = system.caller().await;
    let receipt = caller.create_pool("busy", 100).await.expect("a new name");
    let token = receipt.consistency_token;
    caller
        .pool("busy", &token)
        .await
        .expect("it is in the table");
    let mut streams = Vec::new();
    for _ in 0..20 {
        let stream = caller.queries.subscribe_events(of("busy", 2)).await;
        streams.push(stream.expect("a stream"));
    }
    // Every stream looks at the table when its sign of life is due.
    let db = Db::of(&system.database).await;
    let mut other = system.database.admin().await;
    let hold = "BEGIN; LOCK TABLE onsale_query_audit_1.audit IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(hold)
        .execute(&mut other)
        .await
        .expect("a lock");
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%audit%'";
    eventually(LIMIT, "streams wait for the table", async || {
        (db.number(waiting).await >= 2).then_some(())
    })
    .await;
    for _ in 0..200 {
        let mut request = Request::new(v1::GetPoolRequest {
            name: name::pool("busy"),
            ..v1::GetPoolRequest::default()
        });
        request.set_timeout(Duration::from_secs(1));
        caller.queries.get_pool(request).await.expect("the pool");
    }
    assert!(db.number(waiting).await <= 2);
    // And those that wait for their turn go on giving signs of life.
    let alive = streams.iter_mut().map(|stream| async {
        let message = timeout(Duration::from_secs(3), stream.get_mut().message()).await;
        matches!(message, Ok(Ok(Some(_))))
    });
    let alive = futures::future::join_all(alive).await;
    let count = alive.iter().filter(|alive| **alive).count();
    assert!(count >= 16, "{count} of 20");
}

#[tokio::test]
async fn what_cannot_be_asked_cannot_be_streamed() {
    let system = shared().await;
    let mut queries = system.caller().await.queries;
    violates(queries.subscribe_events(of("A", 0)).await, &["pool"]);
    violates(
        queries.subscribe_events(of("abc", -1)).await,
        &["from_position"],
    );
    violates(
        queries.subscribe_events(of("abc", i64::MAX)).await,
        &["from_position"],
    );
}
