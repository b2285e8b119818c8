//! SIGTERM and SIGINT: the process ends with 0, within its grace time, whatever is open.

use std::time::{Duration, Instant};

use onsale_proto::{name, status::reason_of, v1};
use onsale_tests::{caller::claim_request, service::Service, system::System};
use tonic::Code;

use crate::{
    log::{self, LogLock},
    shop::{Shop, fresh_pool},
};

/// Beside the notice and the grace time: what a busy machine may need.
const SLACK: Duration = Duration::from_secs(5);
const OPTIONS: [(&str, &str); 3] = [
    ("ONSALE_DRAIN_NOTICE_MS", "50"),
    ("ONSALE_SHUTDOWN_GRACE_MS", "700"),
    ("ONSALE_QUERY_SHUTDOWN_GRACE_MS", "700"),
];

async fn ends(service: &mut Service, signal: &str) {
    let began = Instant::now();
    service.signal(signal).await;
    assert_eq!(service.ended().await, Some(0), "after SIG{signal}");
    assert!(
        began.elapsed() < Duration::from_millis(750) + SLACK,
        "after SIG{signal}"
    );
    assert_eq!(service.panics(), Vec::<String>::new());
}

#[tokio::test]
async fn an_idle_process_ends_at_once_by_either_signal() {
    for signal in ["TERM", "INT"] {
        let mut system = System::start_with(1, &OPTIONS).await;
        // A connection that nobody uses keeps nobody.
        let (_command, _query) = (
            system.command_channel(0).await,
            system.query.channel().await,
        );
        ends(&mut system.commands[0], signal).await;
        ends(&mut system.query, signal).await;
    }
}

#[tokio::test]
async fn a_call_that_is_stuck_does_not_keep_the_process() {
    for signal in ["TERM", "INT"] {
        let mut shop = Shop::start(&OPTIONS).await;
        let mut caller = shop.caller().await;
        let id = fresh_pool();
        caller.create_pool(&id, 10).await.expect("a new name");
        let mut lock = LogLock::take(&shop.database).await;
        let request = claim_request(&id, "c", 1);
        let stuck = tokio::spawn({
            let mut timed = tonic::Request::new(request.clone());
            timed.set_timeout(Duration::from_secs(60));
            async move { caller.commands.claim_tickets(timed).await }
        });
        lock.awaited().await;
        ends(&mut shop.command, signal).await;
        let cut = stuck.await.expect("no panic").expect_err("it was cut off");
        assert!(
            reason_of(&cut).is_some() || cut.code() != Code::Ok,
            "{cut:?}"
        );
        lock.release().await;
        // A repeat on another instance is definite.
        let other = shop.another_instance().await;
        let mut caller = crate::shop::caller_of(&other).await;
        caller
            .commands
            .claim_tickets(request.clone())
            .await
            .expect("a repeat");
        assert_eq!(log::recorded(&shop.database, &request.request_id).await, 1);
    }
}

#[tokio::test]
async fn a_command_that_is_under_way_is_still_answered() {
    let mut shop = Shop::start(&[("ONSALE_DRAIN_NOTICE_MS", "50")]).await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let mut lock = LogLock::take(&shop.database).await;
    let waiting = tokio::spawn({
        let (mut caller, id) = (caller.clone(), id.clone());
        async move { caller.claim(&id, "c", 1).await }
    });
    lock.awaited().await;
    shop.command.signal("TERM").await;
    let address = shop.command.address().to_owned();
    onsale_tests::wait::eventually(log::LIMIT, "it drains", || async {
        (!onsale_proto::health::is_serving(address.clone()).await).then_some(())
    })
    .await;
    lock.release().await;
    waiting
        .await
        .expect("no panic")
        .expect("it is recorded and answered");
    assert_eq!(shop.command.ended().await, Some(0));
    assert_eq!(log::count(&shop.database, &id, "TicketClaimed").await, 1);
}

#[tokio::test]
async fn open_streams_do_not_keep_the_process() {
    for signal in ["TERM", "INT"] {
        let mut system = System::start_with(1, &OPTIONS).await;
        let mut caller = system.caller().await;
        let id = fresh_pool();
        let receipt = caller.create_pool(&id, 10).await.expect("a new name");
        caller
            .availability(&id, &receipt.consistency_token)
            .await
            .expect("it is known");
        let request = v1::WatchAvailabilityRequest {
            pools: vec![name::pool(&id)],
            ..v1::WatchAvailabilityRequest::default()
        };
        let mut streams = Vec::new();
        for _ in 0..3 {
            let stream = caller.queries.watch_availability(request.clone()).await;
            let mut stream = stream.expect("a stream").into_inner();
            stream.message().await.expect("a frame");
            streams.push(stream);
        }
        // One that nobody reads any more, with a connection of its own that stays open.
        ends(&mut system.query, signal).await;
        for mut stream in streams {
            let end = loop {
                match stream.message().await {
                    Ok(Some(_frame)) => {}
                    Ok(None) => unreachable!("a stream ends with a reason"),
                    Err(status) => break status,
                }
            };
            assert_eq!(end.code(), Code::Unavailable, "{end:?}");
        }
    }
}
