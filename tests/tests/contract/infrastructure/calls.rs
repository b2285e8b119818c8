//! Calls that end early: by their deadline, or because their client is gone.

use std::time::Duration;

use futures::future::join_all;
use onsale_proto::{reason::Reason, status::reason_of, v1};
use onsale_tests::caller::{claim_request, purchase_request};
use tonic::{Code, Request};

use crate::{
    log::{self, LogLock},
    shop::{Shop, fresh_pool},
};

#[tokio::test]
async fn a_call_is_answered_before_its_own_deadline_passes() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 100).await.expect("a new name");
    let lock = LogLock::take(&shop.database).await;
    let (mut answered, mut requests) = (0, Vec::new());
    // The margin is 20 ms, which a busy machine may eat up now and then; not every time.
    for i in 0..8 {
        let order = claim_request(&id, &format!("c{i}"), 1);
        requests.push(order.clone());
        let mut request = Request::new(order);
        request.set_timeout(Duration::from_millis(200));
        let status = caller
            .commands
            .claim_tickets(request)
            .await
            .expect_err("the log is locked");
        match reason_of(&status) {
            Some(reason) => {
                let honest = [
                    Reason::OutcomeUnknown,
                    Reason::Overloaded,
                    Reason::DeadlineExceeded,
                ];
                assert!(honest.contains(&reason), "{status:?}");
                answered += 1;
            }
            None => assert_eq!(status.code(), Code::Cancelled, "its own clock: {status:?}"),
        }
        if answered > 1 {
            break;
        }
    }
    lock.release().await;
    assert!(answered > 1, "none was answered in time");
    for request in requests {
        caller
            .commands
            .claim_tickets(request)
            .await
            .expect("a repeat is definite");
    }
    let claimed = log::count(&shop.database, &id, "TicketClaimed").await;
    assert!((2..=8).contains(&claimed));
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_tear_its_command() {
    let shop = Shop::start(&[]).await;
    let id = fresh_pool();
    shop.caller()
        .await
        .create_pool(&id, 1_000)
        .await
        .expect("a new name");
    // One goes away while its events are on their way.
    let first = purchase_request(&id, "first", 4);
    let mut lock = LogLock::take(&shop.database).await;
    let call = tokio::spawn({
        let (mut caller, request) = (shop.caller().await, first.clone());
        async move { caller.commands.purchase_tickets(request).await.map(drop) }
    });
    lock.awaited().await;
    call.abort();
    assert!(call.await.expect_err("it was aborted").is_cancelled());
    lock.release().await;

    // Others at any moment, connection and all.
    let mut requests = vec![first];
    requests.extend((0..60).map(|i| purchase_request(&id, &format!("c{i}"), 4)));
    let going = requests[1..].iter().zip(0..).map(|(request, i)| {
        let request = request.clone();
        let shop = &shop;
        async move {
            let mut caller = shop.caller().await;
            let call = caller.commands.purchase_tickets(request);
            let patience = Duration::from_micros(i * 500);
            tokio::time::timeout(patience, call).await.is_err()
        }
    });
    let gone = join_all(going).await;
    assert!(gone.iter().filter(|gone| **gone).count() > 5, "{gone:?}");
    let mut caller = shop.caller().await;
    for request in &requests {
        let v1::PurchaseTicketsResponse { claim, .. } = caller
            .commands
            .purchase_tickets(request.clone())
            .await
            .expect("a repeat is definite")
            .into_inner();
        assert_eq!(claim.expect("its claim").tickets.len(), 4);
        assert_eq!(
            log::recorded(&shop.database, &request.request_id).await,
            8,
            "whole, and once"
        );
    }
}
