//! Pools as they were.

use onsale_proto::{
    reason::Reason,
    v1::{self, get_pool_as_of_request::AsOf},
};
use onsale_tests::{
    caller::{
        a_pool, cancel_request, capacity_request, euros, fixed_price, pricing_request,
        refund_request, reschedule_request,
    },
    system::System,
};
use sqlx::Row as _;

use super::pool_as_of;
use crate::{
    reader::position,
    refused::{refused, violates},
    shared::{fresh_pool, shared},
    story::{Story, at},
};

/// The counts and settings of a pool after each of its versions, told in SQL: it shares no code with the fold.
const FOLD: &str = "
    SELECT version, extract(epoch FROM time)::float8 AS time,
           count(*) FILTER (WHERE type = 'TicketBought') OVER upto
         - count(*) FILTER (WHERE type = 'TicketRefunded') OVER upto AS sold,
           count(*) FILTER (WHERE type = 'TicketClaimed') OVER upto
         - count(*) FILTER (WHERE type IN ('TicketBought', 'TicketReleased')) OVER upto AS held,
           max(version) FILTER (WHERE type = 'CapacityChanged') OVER upto AS resized,
           max(version) FILTER (WHERE type = 'PricingChanged') OVER upto AS repriced,
           max(version) FILTER (WHERE type = 'SalesStopped') OVER upto AS stopped,
           max(version) FILTER (WHERE type = 'SalesResumed') OVER upto AS resumed,
           max(version) FILTER (WHERE type = 'PoolCancelled') OVER upto AS cancelled
      FROM onsale_log.events WHERE stream = $1
    WINDOW upto AS (ORDER BY version) ORDER BY version";

#[tokio::test]
async fn a_pool_is_shown_as_it_was_after_each_of_its_events() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create(&id, a_pool(20)).await.unwrap();
    let bought = caller.purchase(&id, "c", 3).await.unwrap().claim.unwrap();
    let claim = caller.claim(&id, "c", 2).await.unwrap();
    caller.release(&claim.name).await.unwrap();
    let more = capacity_request(&id, 30);
    caller.commands.change_capacity(more).await.unwrap();
    caller
        .stop_sales(&id, v1::StopMode::FinishClaims)
        .await
        .unwrap();
    let dearer = pricing_request(&id, fixed_price(euros(60, 0)));
    caller.commands.change_pricing(dearer).await.unwrap();
    caller.resume_sales(&id).await.unwrap();
    caller.claim(&id, "d", 1).await.unwrap();
    let refund = refund_request(&bought.tickets[..2]);
    caller.commands.refund_tickets(refund).await.unwrap();
    caller
        .commands
        .reschedule_pool(reschedule_request(&id))
        .await
        .unwrap();
    let cancelled = caller
        .commands
        .cancel_pool(cancel_request(&id))
        .await
        .unwrap();
    let token = cancelled.into_inner().receipt.unwrap().consistency_token;

    let mut admin = system.database.admin().await;
    let rows = sqlx::query(FOLD)
        .bind(format!("pools/{id}"))
        .fetch_all(&mut admin)
        .await
        .unwrap();
    assert!(rows.len() > 15, "{}", rows.len());
    for row in &rows {
        let version: i64 = row.get("version");
        let shown = pool_as_of(&mut caller, &id, AsOf::Version(version), &token)
            .await
            .unwrap();
        let pool = shown.pool.unwrap();
        let counts = pool.availability.clone().unwrap();
        let last = |column: &str| row.get::<Option<i64>, _>(column);
        assert_eq!(
            (counts.sold, counts.held, counts.version),
            (row.get("sold"), row.get("held"), version)
        );
        let capacity = if last("resized").is_some() { 30 } else { 20 };
        assert_eq!(
            (counts.capacity, pool.capacity),
            (capacity, capacity),
            "{version}"
        );
        let price = if last("repriced").is_some() {
            euros(60, 0)
        } else {
            euros(49, 99)
        };
        assert_eq!(counts.unit_price, Some(price), "{version}");
        let state = if last("cancelled").is_some() {
            v1::PoolState::Cancelled
        } else if last("stopped") > last("resumed") {
            v1::PoolState::Stopped
        } else {
            v1::PoolState::Active
        };
        assert_eq!(pool.state(), state, "{version}");
        assert_eq!(pool.etag, version.to_string());
        assert_eq!(shown.as_of_time, pool.update_time);
    }
    // The newest version is what is read of it otherwise.
    let newest = i64::try_from(rows.len()).unwrap();
    let shown = pool_as_of(&mut caller, &id, AsOf::Version(newest), &token)
        .await
        .unwrap();
    let mut now = caller.pool(&id, &token).await.unwrap();
    let as_of = shown.as_of_time;
    if let Some(counts) = now.availability.as_mut() {
        counts.as_of_time = as_of;
    }
    assert_eq!(shown.pool.unwrap(), now);
}

/// What is read of the log lies beyond what the table includes.
#[tokio::test]
async fn the_token_of_a_pool_as_it_was_names_all_that_the_answer_shows() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let pool = fresh_pool();
    let created = caller.create_pool(&pool, 10).await.unwrap();
    let token = created.consistency_token;
    pool_as_of(&mut caller, &pool, AsOf::Version(1), &token)
        .await
        .unwrap();
    let mut other = system.database.admin().await;
    let hold =
        "BEGIN; SELECT FROM onsale_query.generations WHERE projection = 'history' FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut other).await.unwrap();
    let bought = caller.purchase(&pool, "customer", 1).await.unwrap();
    let receipt = bought.receipt.unwrap();
    let shown = pool_as_of(&mut caller, &pool, AsOf::Version(receipt.version), "").await;
    let includes = position(&shown.unwrap().consistency_token);
    assert_eq!(includes, position(&receipt.consistency_token));
}

/// 2,500 events: sales of a ticket, two events each, one every ten seconds.
fn long(pool: &str) -> Story {
    let mut story = Story::of(pool, 10_000, r#"{"currency":"EUR","base_price":1000}"#, "");
    for sale in 1..=1_249 {
        story.sale(sale * 10, 1_000);
    }
    story.event(12_500, "CapacityChanged", r#"{"capacity":9000}"#);
    story
}

#[tokio::test]
async fn a_long_life_is_kept_every_1_000_events_and_shown_at_any_of_them() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let story = long("long");
    assert_eq!(story.events.len(), 2_500);
    let token = story.record(&system.database).await;
    for version in [
        1, 2, 3, 999, 1_000, 1_001, 1_999, 2_000, 2_001, 2_499, 2_500,
    ] {
        let shown = pool_as_of(&mut caller, "long", AsOf::Version(version), &token)
            .await
            .unwrap();
        let counts = shown.pool.unwrap().availability.unwrap();
        let sold = (version - 1).min(2_498) / 2;
        let held = i64::from(version < 2_500 && version % 2 == 0);
        assert_eq!(
            (counts.sold, counts.held, counts.version),
            (sold, held, version)
        );
        assert_eq!(
            counts.capacity,
            if version == 2_500 { 9_000 } else { 10_000 }
        );
    }
    let mut admin = system.database.admin().await;
    let kept: Vec<i64> = sqlx::query_scalar(
        "SELECT version FROM onsale_read.pool_history WHERE pool = 'long' ORDER BY version",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert_eq!(kept, [1, 1_000, 2_000]);

    // By time: all events of that moment are counted.
    for (second, version) in [
        (0, 1),
        (9, 1),
        (10, 3),
        (11, 3),
        (4_999, 999),
        (5_000, 1_001),
        (12_490, 2_499),
        (99_999, 2_500),
    ] {
        let time = AsOf::EventTime(at(second).unwrap());
        let shown = pool_as_of(&mut caller, "long", time, &token).await.unwrap();
        assert_eq!(shown.as_of_time, at(second));
        let counts = shown.pool.unwrap().availability.unwrap();
        assert_eq!(counts.version, version, "{second}");
        assert_eq!(counts.as_of_time, at(second));
    }
}

#[tokio::test]
async fn a_time_between_two_events_has_the_price_of_that_time() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let pricing = r#"{"currency":"EUR","base_price":10000,"time_steps":[{"before_show_s":1000,"change_basis_points":-1000}]}"#;
    let mut story = Story::of(
        "timed",
        10,
        pricing,
        r#","show_time":"2026-01-05T12:00:00Z","sales_end_time":"2026-01-05T11:50:00Z""#,
    );
    story.sale(7_000, 10_000);
    let token = story.record(&system.database).await;
    for (second, price, status) in [
        (6_199, 100, v1::SaleStatus::Open),
        (6_200, 90, v1::SaleStatus::Open),
        (6_600, 90, v1::SaleStatus::Ended),
    ] {
        let time = AsOf::EventTime(at(second).unwrap());
        let shown = pool_as_of(&mut caller, "timed", time, &token)
            .await
            .unwrap();
        let counts = shown.pool.unwrap().availability.unwrap();
        assert_eq!(counts.unit_price, Some(euros(price, 0)), "{second}");
        assert_eq!(counts.sale_status(), status, "{second}");
    }
}

#[tokio::test]
async fn what_never_was_is_refused_with_the_field() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let token = long("long").record(&system.database).await;
    let time = |second| AsOf::EventTime(at(second).unwrap());
    for (as_of, field) in [
        (AsOf::Version(2_501), "version"),
        (AsOf::Version(i64::MAX), "version"),
        (AsOf::Version(0), "version"),
        (AsOf::Version(-1), "version"),
        (time(-1), "event_time"),
        (
            AsOf::EventTime(prost_types::Timestamp {
                seconds: 4_102_444_800,
                nanos: 0,
            }),
            "event_time",
        ),
    ] {
        violates(
            pool_as_of(&mut caller, "long", as_of, &token).await,
            &[field],
        );
    }
    let none = v1::GetPoolAsOfRequest {
        pool: "pools/long".into(),
        ..v1::GetPoolAsOfRequest::default()
    };
    violates(caller.queries.get_pool_as_of(none).await, &["as_of"]);
    for as_of in [AsOf::Version(1), time(0)] {
        refused(
            pool_as_of(&mut caller, "nobody", as_of, &token).await,
            Reason::PoolNotFound,
        );
    }
}
