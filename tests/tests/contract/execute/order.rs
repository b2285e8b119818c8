//! Commands of one stream for one pool are decided in the order in which they were sent, whatever lanes they are of.

use onsale_proto::{
    reason::Reason,
    v1::{self, execute_request::Command},
};
use onsale_tests::caller::{resume_request, stop_request};

use super::{Stream, claim};
use crate::{
    log::{self, LogLock},
    refused::Refused,
    shop::{Shop, fresh_pool},
};

/// As many claims are sent before each stop.
const CLAIMS: usize = 5;
const ROUNDS: usize = 2;

#[tokio::test]
async fn commands_of_a_stream_for_a_pool_are_decided_in_the_order_in_which_they_were_sent() {
    // A batch takes one command, so that the others wait in their lanes, where promoters' go first.
    let shop = Shop::start(&[("ONSALE_BATCH_EVENTS", "1")]).await;
    let id = fresh_pool();
    let mut caller = shop.caller().await;
    caller.create_pool(&id, 100).await.expect("a new name");
    let mut stream = Stream::open(&mut caller, &[]).await.expect("a stream");
    let lock = LogLock::take(&shop.database).await;
    let mut expected = vec!["PoolCreated"];
    for _ in 0..ROUNDS {
        for n in 0..CLAIMS {
            stream.send(claim(&id, &format!("c-{n}")));
        }
        let stop = stop_request(&id, v1::StopMode::FinishClaims);
        stream.send(Command::StopSales(stop));
        stream.send(claim(&id, "too-late"));
        stream.send(Command::ResumeSales(resume_request(&id)));
        expected.extend(["TicketClaimed"; CLAIMS]);
        expected.extend(["SalesStopped", "SalesResumed"]);
    }
    // The last command has been read when one after it is refused for its form.
    let unknown = v1::ClaimTicketsRequest::default();
    stream.send(Command::ClaimTickets(unknown));
    let (_, malformed) = stream.answer().await;
    let malformed = Refused::of(malformed.expect_err("no request id"));
    assert_eq!(malformed.reason, Reason::InvalidField);
    lock.release().await;
    let mut refused = Vec::new();
    for _ in 0..ROUNDS * (CLAIMS + 3) {
        if let (_, Err(status)) = stream.answer().await {
            refused.push(Refused::of(status).reason);
        }
    }
    assert_eq!(refused, [Reason::SalesStopped; ROUNDS]);
    let events = log::events(&shop.database, &id).await;
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, expected);
}
