//! What each filter finds, alone and with any other, against a naive look at all events.

use onsale_proto::v1;
use onsale_tests::caller::{
    Caller, a_pool, buy_request, claim_request, create_request, release_request, stop_request,
};

use super::asking::{all, of_pool, origin, page, positions, sent, token};
use crate::shared::{fresh_pool, shared};

type Request = v1::ReadEventsRequest;

/// How a filter is set to what an event has; false if the event has nothing there.
type Set = fn(&mut Request, &v1::Event) -> bool;

/// How an event meets what is asked for.
type Meets = fn(&Request, &v1::Event) -> bool;

/// Each filter, told a second time.
const FILTERS: &[(&str, Set, Meets)] = &[
    (
        "pool",
        |q, e| set(&mut q.pool, &e.pool),
        |q, e| meets(&q.pool, &e.pool),
    ),
    (
        "customer",
        |q, e| set(&mut q.customer, &e.customer),
        |q, e| meets(&q.customer, &e.customer),
    ),
    (
        "claim",
        |q, e| set(&mut q.claim, &e.claim),
        |q, e| meets(&q.claim, &e.claim),
    ),
    (
        "ticket",
        |q, e| set(&mut q.ticket, &e.ticket),
        |q, e| meets(&q.ticket, &e.ticket),
    ),
    (
        "type",
        |q, e| set(&mut q.r#type, &e.r#type),
        |q, e| meets(&q.r#type, &e.r#type),
    ),
    (
        "actor",
        |q, e| set(&mut q.actor, &origin(e).actor),
        |q, e| meets(&q.actor, &origin(e).actor),
    ),
    (
        "ip",
        |q, e| set(&mut q.ip, &origin(e).ip),
        |q, e| meets(&q.ip, &origin(e).ip),
    ),
    (
        "request_id",
        |q, e| set(&mut q.request_id, &origin(e).request_id),
        |q, e| meets(&q.request_id, &origin(e).request_id),
    ),
    (
        "correlation_id",
        |q, e| set(&mut q.correlation_id, &origin(e).correlation_id),
        |q, e| meets(&q.correlation_id, &origin(e).correlation_id),
    ),
    (
        "causation_id",
        |q, e| set(&mut q.causation_id, &origin(e).causation_id),
        |q, e| meets(&q.causation_id, &origin(e).causation_id),
    ),
    (
        "start_time",
        |q, e| {
            q.start_time = e.time;
            true
        },
        |q, e| {
            q.start_time
                .is_none_or(|time| moment(e.time) >= moment(Some(time)))
        },
    ),
    (
        "end_time",
        |q, e| {
            let just_after = e.time.map(|time| prost_types::Timestamp {
                nanos: time.nanos + 1_000,
                ..time
            });
            q.end_time = just_after.filter(|time| time.nanos < 1_000_000_000);
            q.end_time.is_some()
        },
        |q, e| {
            q.end_time
                .is_none_or(|time| moment(e.time) < moment(Some(time)))
        },
    ),
];

fn set(field: &mut String, value: &str) -> bool {
    value.clone_into(field);
    !value.is_empty()
}

fn meets(asked: &str, value: &str) -> bool {
    asked.is_empty() || asked == value
}

fn moment(time: Option<prost_types::Timestamp>) -> (i64, i32) {
    let time = time.expect("a time");
    (time.seconds, time.nanos)
}

/// Two pools, two shops, two customers who are in both, some of it in conversations. Returns a token.
async fn two_pools(caller: &mut Caller, pools: [&str; 2], talk: &str) -> String {
    let mut last = String::new();
    for (pool, shop) in pools.into_iter().zip(["shop-1", "shop-2"]) {
        let create = sent(create_request(pool, a_pool(20)), "promoter", talk);
        caller
            .commands
            .create_pool(create)
            .await
            .expect("a new name");
        for customer in ["kim", "lee"] {
            let claim = sent(
                claim_request(pool, &format!("{customer}-{talk}"), 2),
                shop,
                talk,
            );
            let claim = caller.commands.claim_tickets(claim).await.expect("places");
            let claim = claim.into_inner().claim.expect("a claim").name;
            if customer == "kim" {
                caller.buy(&claim).await.expect("held");
            } else {
                let release = sent(release_request(&claim), shop, "another");
                caller
                    .commands
                    .release_tickets(release)
                    .await
                    .expect("held");
            }
            let buy = sent(buy_request(&claim), shop, talk);
            drop(caller.commands.buy_tickets(buy).await);
        }
        let stop = sent(
            stop_request(pool, v1::StopMode::FinishClaims),
            "promoter",
            talk,
        );
        let stopped = caller.commands.stop_sales(stop).await.expect("a stop");
        last = token(stopped.into_inner().receipt);
    }
    last
}

#[tokio::test]
async fn what_is_found_is_what_meets_every_filter_in_any_combination() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (a, b, talk) = (fresh_pool(), fresh_pool(), fresh_pool());
    let token = two_pools(&mut caller, [&a, &b], &talk).await;
    let mut events = all(&mut caller, &of_pool(&a, &token)).await;
    events.extend(all(&mut caller, &of_pool(&b, &token)).await);
    events.sort_by_key(|event| event.position);
    assert_eq!(events.len(), 20);
    let first = events[0].position;

    let mut found = [0; 2];
    for (left, &(name, set_left, _)) in FILTERS.iter().enumerate() {
        for &(other, set_right, _) in &FILTERS[left..] {
            for (from, to) in [
                (&events[1], &events[1]),
                (&events[4], &events[17]),
                (&events[18], &events[3]),
            ] {
                for newest_first in [false, true] {
                    let mut asked = Request {
                        newest_first,
                        page_size: 500,
                        ..Request::default()
                    };
                    let is_set = set_left(&mut asked, from) & set_right(&mut asked, to);
                    if !is_set
                        || moment_or(asked.start_time, 0) >= moment_or(asked.end_time, i64::MAX)
                    {
                        continue;
                    }
                    let pools = [&asked.pool, &asked.claim, &asked.ticket];
                    let pools: std::collections::BTreeSet<_> = pools
                        .into_iter()
                        .filter_map(|name| name.split('/').nth(1))
                        .collect();
                    if pools.len() > 1 {
                        assert!(page(&mut caller, &asked).await.is_err(), "{name}, {other}");
                        continue;
                    }
                    let mut expected: Vec<_> = events
                        .iter()
                        .filter(|event| FILTERS.iter().all(|(_, _, meets)| meets(&asked, event)))
                        .map(|event| event.position)
                        .collect();
                    let answer = all(&mut caller, &asked).await;
                    let mut actual = positions(&answer);
                    // The system is shared: other tests' events may meet the filters, too.
                    let ours: std::collections::BTreeSet<_> =
                        events.iter().map(|event| event.position).collect();
                    assert!(
                        actual
                            .iter()
                            .all(|position| *position >= first || asked.pool.is_empty())
                    );
                    actual.retain(|position| ours.contains(position));
                    if newest_first {
                        expected.reverse();
                    }
                    assert_eq!(actual, expected, "{name}, {other}: {asked:?}");
                    found[usize::from(expected.is_empty())] += 1;
                }
            }
        }
    }
    assert!(found.iter().all(|&found| found > 20), "{found:?}");
}

fn moment_or(time: Option<prost_types::Timestamp>, default: i64) -> (i64, i32) {
    time.map_or((default, 0), |time| (time.seconds, time.nanos))
}

#[tokio::test]
async fn a_conversation_is_found_as_a_whole_across_pools_and_customers() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (a, b, talk) = (fresh_pool(), fresh_pool(), fresh_pool());
    let token = two_pools(&mut caller, [&a, &b], &talk).await;
    let conversation = Request {
        correlation_id: talk.clone(),
        at_least_as_fresh: token,
        ..Request::default()
    };
    let events = all(&mut caller, &conversation).await;
    assert!(
        events
            .iter()
            .all(|event| origin(event).correlation_id == talk)
    );
    // Of each pool: its creation, both claims of two tickets each, and the stop.
    assert_eq!(events.len(), 2 * (1 + 4 + 1));
    let pools: std::collections::BTreeSet<_> = events.iter().map(|event| &event.pool).collect();
    assert_eq!(pools.len(), 2);
    // Every event of a command, though the log says it once a command.
    let second = events
        .iter()
        .filter(|event| event.r#type == "TicketClaimed")
        .count();
    assert_eq!(second, 8);
}
