//! What callers were refused can be asked for: "I was told sold out at 10:00:01".

use std::time::Duration;

use onsale_proto::{reason::Reason, v1};
use onsale_tests::wait::eventually;

use crate::{
    refused::{refused as refused_for, violates},
    shared::{fresh_pool, shared},
};

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_operator_finds_who_was_told_what_and_when_page_by_page() {
    let system = shared().await;
    let (pool, mut caller) = (fresh_pool(), system.caller().await);
    caller.create_pool(&pool, 1).await.expect("a new name");
    let sale = caller.purchase(&pool, "first", 1).await;
    sale.expect("the only ticket");
    for n in 0..5 {
        let refused = caller.claim(&pool, &format!("late-{n}"), 1).await;
        refused_for(refused, Reason::SoldOut);
    }
    let refused = caller.claim(&pool, "greedy", 9).await;
    refused_for(refused, Reason::OrderLimitExceeded);
    let queries = tokio::sync::Mutex::new(caller.queries.clone());
    let list = async |reason: &str, page_size, page_token: String| {
        let request = v1::ListRefusalsRequest {
            pool: format!("pools/{pool}"),
            reason: reason.to_owned(),
            page_size,
            page_token,
            ..Default::default()
        };
        let answer = queries.lock().await.list_refusals(request).await;
        answer.map(tonic::Response::into_inner)
    };
    let told = eventually(LIMIT, "all are told", || async {
        let told = list("SOLD_OUT", 0, String::new()).await.ok()?.refusals;
        let counted: i64 = told.iter().map(|row| row.count).sum();
        (counted == 5).then_some(told)
    })
    .await;
    for row in &told {
        assert_eq!(row.pool, format!("pools/{pool}"));
        let sample = row.samples.first().expect("a sample");
        assert!(sample.customer.starts_with("late-"), "{sample:?}");
        assert_eq!(
            (&*sample.command, &*sample.actor),
            ("ClaimTickets", "anonymous")
        );
        assert!(sample.message.contains("sold"), "{sample:?}");
        assert!(sample.time.is_some() && row.time.is_some());
    }
    let other = eventually(LIMIT, "the other one too", || async {
        let told = list("", 0, String::new()).await.ok()?.refusals;
        told.into_iter()
            .find(|row| row.reason == "ORDER_LIMIT_EXCEEDED")
    })
    .await;
    assert_eq!((other.count, &*other.samples[0].customer), (1, "greedy"));

    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let page = list("", 1, token).await.expect("a page");
        pages.extend(page.refusals);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let all = list("", 0, String::new()).await.expect("all").refusals;
    assert_eq!(pages, all);

    let first = list("", 1, String::new()).await.expect("a page");
    let of_another_query = list("SOLD_OUT", 1, first.next_page_token).await;
    violates(of_another_query, &["page_token"]);
}
