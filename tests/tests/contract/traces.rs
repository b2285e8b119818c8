//! Refusals leave a trace: counts for each pool, reason and second, with a few samples, told by any instance.

use std::time::Duration;

use onsale_proto::{CORRELATION_KEY, name, reason::Reason, v1};
use onsale_tests::{
    caller::{Caller, a_pool, claim_request, create_request, request_id},
    wait::eventually,
};
use tonic::{Request, Status};

use crate::{
    refused::violates,
    shop::{Shop, caller_of, fresh_pool, shared},
};

/// Longer than anything takes that works.
const LIMIT: Duration = Duration::from_secs(20);

type Asked = v1::ListRefusalsRequest;

fn of_pool(id: &str) -> Asked {
    Asked {
        pool: name::pool(id),
        page_size: 500,
        ..Asked::default()
    }
}

async fn page(caller: &mut Caller, asked: &Asked) -> Result<v1::ListRefusalsResponse, Status> {
    let answer = caller.commands.list_refusals(asked.clone()).await;
    answer.map(tonic::Response::into_inner)
}

/// The counts when they are of so many refusals.
async fn counts(caller: &Caller, asked: &Asked, total: i64) -> Vec<v1::RefusalCount> {
    eventually(LIMIT, format!("{total} refusals"), || {
        let (mut caller, asked) = (caller.clone(), asked.clone());
        async move {
            let counts = page(&mut caller, &asked).await.expect("an answer").refusals;
            let found: i64 = counts.iter().map(|row| row.count).sum();
            assert!(found <= total, "{counts:?}");
            (found == total).then_some(counts)
        }
    })
    .await
}

/// A pool that is sold out, and so many orders that are told so.
async fn sold_out(caller: &mut Caller, id: &str, orders: usize) -> Vec<String> {
    caller.create_pool(id, 1).await.expect("a new name");
    caller.purchase(id, "first", 1).await.expect("a place");
    let mut ids = Vec::new();
    for number in 0..orders {
        let mut order = Request::new(claim_request(id, &format!("late-{number}"), 1));
        let talk = "talk".parse().expect("a header can hold it");
        order.metadata_mut().insert(CORRELATION_KEY, talk);
        ids.push(order.get_ref().request_id.clone());
        caller
            .commands
            .claim_tickets(order)
            .await
            .expect_err("none is left");
    }
    ids
}

#[tokio::test]
async fn who_was_told_sold_out_when_is_known_afterwards() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let ids = sold_out(&mut caller, &id, 12).await;
    let taken = create_request(&id, a_pool(1));
    caller
        .commands
        .create_pool(taken)
        .await
        .expect_err("the name is taken");

    let counts = counts(&caller, &of_pool(&id), 13).await;
    let is_newest_first = |rows: &[v1::RefusalCount]| {
        let seconds = rows.iter().map(|row| row.second.expect("a second").seconds);
        seconds.rev().is_sorted()
    };
    assert!(is_newest_first(&counts));
    let sold_out: Vec<_> = counts
        .iter()
        .filter(|row| row.reason == "SOLD_OUT")
        .collect();
    assert_eq!(sold_out.iter().map(|row| row.count).sum::<i64>(), 12);
    for row in &sold_out {
        let second = row.second.expect("a second");
        assert_eq!(second.nanos, 0);
        assert!(!row.instance.is_empty());
        assert!(
            (1..=3).contains(&row.samples.len())
                && row.samples.len() as u64 <= row.count.unsigned_abs()
        );
        for sample in &row.samples {
            assert_eq!(sample.time.expect("a time").seconds, second.seconds);
            assert_eq!(
                (&*sample.command, &*sample.correlation_id),
                ("ClaimTickets", "talk")
            );
            assert!(ids.contains(&sample.request_id) && sample.customer.starts_with("late-"));
            assert!(sample.message.contains(&name::pool(&id)), "{sample:?}");
        }
    }
    let exists = counts.iter().find(|row| row.reason == "POOL_EXISTS");
    assert_eq!(exists.map(|row| row.count), Some(1));

    // By reason, and by the second.
    let only = Asked {
        reason: "POOL_EXISTS".to_owned(),
        ..of_pool(&id)
    };
    assert_eq!(self::counts(&caller, &only, 1).await.len(), 1);
    let (first, last) = (counts.last().expect("a row"), &counts[0]);
    let late = first.second.map(|time| prost_types::Timestamp {
        nanos: 999_000_000,
        ..time
    });
    let after = last.second.map(|time| prost_types::Timestamp {
        seconds: time.seconds + 1,
        ..time
    });
    let all = Asked {
        start_time: late,
        end_time: after,
        ..of_pool(&id)
    };
    assert_eq!(self::counts(&caller, &all, 13).await, counts);
    for (start_time, end_time) in [(after, None), (None, first.second)] {
        let none = Asked {
            start_time,
            end_time,
            ..of_pool(&id)
        };
        assert_eq!(
            page(&mut caller, &none).await.expect("an answer").refusals,
            []
        );
    }
    assert_eq!(
        page(&mut caller, &of_pool(&fresh_pool()))
            .await
            .expect("an answer")
            .refusals,
        []
    );
}

#[tokio::test]
async fn pools_that_do_not_exist_are_counted_together() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    for _ in 0..5 {
        caller
            .claim(&fresh_pool(), "kim", 1)
            .await
            .expect_err("no such pool");
    }
    let counts = counts(&caller, &Asked::default(), 5).await;
    assert!(
        counts
            .iter()
            .all(|row| row.reason == Reason::PoolNotFound.as_str())
    );
    assert!(counts.len() <= 3, "by the second: {counts:?}");
}

#[tokio::test]
async fn an_instance_that_stops_has_written_all_and_another_tells_of_it() {
    let shop = Shop::start(&[]).await;
    let other = shop.another_instance().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    sold_out(&mut caller, &id, 9).await;
    let mut elsewhere = caller_of(&other).await;
    elsewhere
        .claim(&id, "elsewhere", 1)
        .await
        .expect_err("none is left");
    drop(caller);
    assert_eq!(shop.command.stop().await, Some(0));
    let counts = counts(&elsewhere, &of_pool(&id), 10).await;
    let instances: std::collections::BTreeSet<_> = counts.iter().map(|row| &row.instance).collect();
    assert_eq!(instances.len(), 2);

    // Page by page.
    let mut asked = Asked {
        page_size: 1,
        ..of_pool(&id)
    };
    let mut paged = Vec::new();
    loop {
        let answer = page(&mut elsewhere, &asked).await.expect("a page");
        paged.extend(answer.refusals);
        if answer.next_page_token.is_empty() {
            break;
        }
        asked.page_token = answer.next_page_token;
    }
    assert_eq!(paged, counts);
}

#[tokio::test]
async fn a_question_for_refusals_that_makes_no_sense_is_refused_with_its_field() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let cases = [
        (
            Asked {
                pool: "abc".into(),
                ..Asked::default()
            },
            "pool",
        ),
        (
            Asked {
                pool: "pools/A".into(),
                ..Asked::default()
            },
            "pool",
        ),
        (
            Asked {
                reason: "SOLDOUT".into(),
                ..Asked::default()
            },
            "reason",
        ),
        (
            Asked {
                start_time: at(i64::MAX),
                ..Asked::default()
            },
            "start_time",
        ),
        (
            Asked {
                start_time: at(7),
                end_time: at(7),
                ..Asked::default()
            },
            "end_time",
        ),
        (
            Asked {
                page_size: -1,
                ..Asked::default()
            },
            "page_size",
        ),
        (
            Asked {
                page_token: request_id(),
                ..Asked::default()
            },
            "page_token",
        ),
    ];
    for (asked, field) in cases {
        violates(page(&mut caller, &asked).await, &[field]);
    }
}
