//! The log of prices, with causes.

use onsale_proto::{
    reason::Reason,
    v1::{self, PriceChangeCause as Cause},
};
use onsale_tests::system::System;

use super::{price_changes, prices_of};
use crate::{
    db::Db,
    refused::{refused, violates},
    shared::{fresh_pool, shared},
    story::{EPOCH, Story, at},
};

/// 100.00; half as much more from half on; a tenth less from 1,000 s before the show on, a fifth less from 100 s on.
const STEPS: &str = r#"{"currency":"EUR","base_price":10000,
    "demand_steps":[{"sold_percent":50,"change_basis_points":5000}],
    "time_steps":[{"before_show_s":1000,"change_basis_points":-1000},{"before_show_s":100,"change_basis_points":-2000}]}"#;

/// Of stories whose show is at 12:00.
const SHOW: i64 = 7_200;
const AT_SHOW: &str = r#","show_time":"2026-01-05T12:00:00Z""#;

/// Second, cause, old and new price in euros, tickets sold.
fn short(change: &v1::PriceChange) -> (i64, Cause, i64, i64, i64) {
    let units =
        |price: &Option<onsale_proto::Money>| price.as_ref().map_or(-1, |price| price.units);
    (
        change.change_time.unwrap().seconds - EPOCH,
        change.cause(),
        units(&change.old_unit_price),
        units(&change.new_unit_price),
        change.sold,
    )
}

fn all(answer: &v1::ListPriceChangesResponse) -> Vec<(i64, Cause, i64, i64, i64)> {
    answer.price_changes.iter().map(short).collect()
}

/// A sale of half of four tickets, a new number of tickets, a new rule and new times, with time steps between.
fn moved(pool: &str) -> Story {
    let mut story = Story::of(pool, 4, STEPS, AT_SHOW);
    story
        .sale(10, 10_000)
        .sale(20, 10_000)
        .event(30, "CapacityChanged", r#"{"capacity":5}"#)
        .event(40, "CapacityChanged", r#"{"capacity":4}"#)
        // After the first step, which nobody saw come.
        .event(SHOW - 500, "SalesStopped", r#"{"mode":"FINISH_CLAIMS"}"#)
        .refund(SHOW - 400, 0)
        .event(
            SHOW - 300,
            "PoolRescheduled",
            r#"{"show_time":"2026-01-06T12:00:00Z"}"#,
        )
        .event(
            SHOW - 200,
            "PricingChanged",
            r#"{"pricing":{"currency":"EUR","base_price":7000}}"#,
        );
    story
}

#[tokio::test]
async fn each_change_of_a_price_is_listed_with_its_moment_and_its_cause() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let token = moved("moved").record(&system.database).await;
    let listed = price_changes(&mut caller, prices_of("moved", &token))
        .await
        .unwrap();
    assert_eq!(
        all(&listed),
        [
            (0, Cause::Created, -1, 100, 0),
            (20, Cause::Demand, 100, 150, 2),
            (30, Cause::CapacityChanged, 150, 100, 2),
            (40, Cause::CapacityChanged, 100, 150, 2),
            (SHOW - 1_000, Cause::Time, 150, 140, 2),
            (SHOW - 400, Cause::Demand, 140, 90, 1),
            (SHOW - 300, Cause::Rescheduled, 90, 100, 1),
            (SHOW - 200, Cause::PricingChanged, 100, 70, 1),
        ]
    );
    assert_eq!(listed.next_page_token, "");
    // Each names the event that did it; what time did names none.
    let mut admin = system.database.admin().await;
    for change in &listed.price_changes {
        let event: Option<String> = sqlx::query_scalar(
            "SELECT event_id::text FROM onsale_log.events \
              WHERE stream = 'pools/moved' AND position = $1 AND version = $2",
        )
        .bind(change.position)
        .bind(change.version)
        .fetch_optional(&mut admin)
        .await
        .unwrap();
        let by_time = change.cause() == Cause::Time;
        let expected = event.filter(|_| !by_time).unwrap_or_default();
        assert_eq!(change.event_id, expected, "{change:?}");
        assert_eq!(change.event_id.is_empty(), by_time, "{change:?}");
    }
}

#[tokio::test]
async fn what_time_does_after_the_last_event_is_listed_at_once_and_stays_as_it_is() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let mut story = Story::of("timed", 100, STEPS, AT_SHOW);
    story.sale(10, 10_000);
    let token = story.record(&system.database).await;
    let read = price_changes(&mut caller, prices_of("timed", &token))
        .await
        .unwrap();
    assert_eq!(
        all(&read)[1..],
        [
            (SHOW - 1_000, Cause::Time, 100, 90, 1),
            (SHOW - 100, Cause::Time, 90, 80, 1),
        ]
    );
    let db = Db::of(&system.database).await;
    let written = async || {
        db.number("SELECT count(*) FROM onsale_read.price_changes WHERE pool = 'timed'")
            .await
    };
    assert_eq!(
        written().await,
        1,
        "nothing has happened that would write it"
    );
    // A page of what is written leads on to what is computed.
    let first = v1::ListPriceChangesRequest {
        page_size: 2,
        ..prices_of("timed", &token)
    };
    let page = price_changes(&mut caller, first.clone()).await.unwrap();
    assert_eq!(page.price_changes, read.price_changes[..2]);

    story.event(SHOW + 5, "SalesStopped", r#"{"mode":"FINISH_CLAIMS"}"#);
    let token = story.record(&system.database).await;
    let again = price_changes(&mut caller, prices_of("timed", &token))
        .await
        .unwrap();
    assert_eq!(again.price_changes, read.price_changes);
    assert_eq!(written().await, 3);
    let second = v1::ListPriceChangesRequest {
        page_token: page.next_page_token,
        ..first
    };
    let rest = price_changes(&mut caller, second).await.unwrap();
    assert_eq!(rest.price_changes, read.price_changes[2..]);
    assert_eq!(rest.next_page_token, "");
}

#[tokio::test]
async fn changes_are_listed_page_by_page_and_by_time() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let token = moved("moved").record(&system.database).await;
    let whole = price_changes(&mut caller, prices_of("moved", &token))
        .await
        .unwrap();
    let mut request = v1::ListPriceChangesRequest {
        page_size: 3,
        ..prices_of("moved", &token)
    };
    let mut pages = Vec::new();
    loop {
        let page = price_changes(&mut caller, request.clone()).await.unwrap();
        pages.push(page.price_changes);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 2]);
    assert_eq!(pages.concat(), whole.price_changes);

    for (start, end, expected) in [
        (None, at(20), 0..1),
        (at(20), at(SHOW - 1_000), 1..4),
        (at(SHOW - 1_000), None, 4..8),
        (at(SHOW), None, 8..8),
    ] {
        let range = v1::ListPriceChangesRequest {
            start_time: start,
            end_time: end,
            ..prices_of("moved", &token)
        };
        let listed = price_changes(&mut caller, range).await.unwrap();
        assert_eq!(listed.price_changes, whole.price_changes[expected]);
    }
}

#[tokio::test]
async fn a_list_of_what_cannot_be_is_refused_with_the_field() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let receipt = caller.create_pool(&id, 10).await.unwrap();
    let asked = prices_of(&id, &receipt.consistency_token);
    let good = price_changes(&mut caller, asked.clone()).await.unwrap();
    assert_eq!(good.price_changes.len(), 1);
    let with = |change: fn(&mut v1::ListPriceChangesRequest)| {
        let mut request = asked.clone();
        change(&mut request);
        request
    };
    for (request, field) in [
        (with(|r| r.pool = "nothing".into()), "pool"),
        (
            with(|r| (r.start_time, r.end_time) = (at(1), at(0))),
            "end_time",
        ),
        (
            with(|r| {
                r.start_time = Some(prost_types::Timestamp {
                    seconds: 0,
                    nanos: -1,
                });
            }),
            "start_time",
        ),
        (with(|r| r.page_size = -1), "page_size"),
        (with(|r| r.page_token = "x".into()), "page_token"),
        (
            with(|r| r.at_least_as_fresh = "x".into()),
            "at_least_as_fresh",
        ),
    ] {
        violates(price_changes(&mut caller, request).await, &[field]);
    }
    let unknown = prices_of(&fresh_pool(), "");
    refused(
        price_changes(&mut caller, unknown).await,
        Reason::PoolNotFound,
    );
}

#[tokio::test]
async fn a_token_of_another_list_is_refused() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let token = moved("moved").record(&system.database).await;
    let asked = v1::ListPriceChangesRequest {
        page_size: 1,
        ..prices_of("moved", &token)
    };
    let page = price_changes(&mut caller, asked.clone()).await.unwrap();
    let on = v1::ListPriceChangesRequest {
        page_token: page.next_page_token,
        ..asked
    };
    let larger = v1::ListPriceChangesRequest {
        page_size: 5,
        ..on.clone()
    };
    assert_eq!(
        price_changes(&mut caller, larger)
            .await
            .unwrap()
            .price_changes
            .len(),
        5
    );
    for other in [
        v1::ListPriceChangesRequest {
            end_time: at(50),
            ..on.clone()
        },
        v1::ListPriceChangesRequest {
            pool: "pools/other".into(),
            ..on.clone()
        },
    ] {
        violates(price_changes(&mut caller, other).await, &["page_token"]);
    }
}
