//! `GetPool` shows what was recorded.

use std::collections::BTreeMap;

use onsale_proto::{Money, name, reason::Reason, status::metadata_of, v1};
use onsale_tests::caller::{Caller, a_pool, create_request, euros};
use tonic_types::StatusExt as _;

use super::{
    db::Db,
    refused::{refused, violates},
    shared::{fresh_pool, shared},
    subscription::watch_request,
};

/// 2100-01-01, with microseconds: nothing shorter is kept.
const SHOW_TIME: prost_types::Timestamp = prost_types::Timestamp {
    seconds: 4_102_444_800,
    nanos: 123_456_000,
};

const PAST: prost_types::Timestamp = prost_types::Timestamp {
    seconds: 1_500_000_000,
    nanos: 1_000,
};

const fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

/// Every field, none with its default.
fn full_pricing() -> v1::Pricing {
    let demand = |(sold_percent, change_basis_points)| v1::DemandStep {
        sold_percent,
        change_basis_points,
    };
    let time = |(before_show, change_basis_points)| v1::TimeStep {
        before_show: seconds(before_show),
        change_basis_points,
    };
    v1::Pricing {
        base_price: Some(euros(49, 99)),
        floor_price: Some(euros(20, 0)),
        cap_price: Some(euros(99, 99)),
        demand_steps: [(0, 0), (50, 777), (100, 1_000_000)].map(demand).into(),
        demand_basis: v1::DemandBasis::Committed.into(),
        time_steps: [(2_592_000, -500), (0, -10_000)].map(time).into(),
        interpolation: v1::Interpolation::Linear.into(),
    }
}

/// As a rule of a base price alone is shown.
fn shown_price(base_price: Option<Money>) -> Option<v1::Pricing> {
    Some(v1::Pricing {
        base_price,
        demand_basis: v1::DemandBasis::Sold.into(),
        interpolation: v1::Interpolation::Step.into(),
        ..v1::Pricing::default()
    })
}

async fn create(caller: &mut Caller, pool: v1::Pool) -> (String, v1::Receipt) {
    let id = fresh_pool();
    let created = caller.commands.create_pool(create_request(&id, pool)).await;
    (id, created.unwrap().into_inner().receipt.unwrap())
}

/// When an event of a pool was decided.
async fn time_of(db: &Db, pool: &str, version: i64) -> Option<prost_types::Timestamp> {
    let micros = db
        .number(&format!(
            "SELECT (extract(epoch FROM time) * 1000000)::bigint FROM onsale_log.events \
              WHERE stream = 'pools/{pool}' AND version = {version}"
        ))
        .await;
    Some(prost_types::Timestamp {
        seconds: micros / 1_000_000,
        nanos: i32::try_from(micros % 1_000_000).unwrap() * 1_000,
    })
}

#[tokio::test]
async fn a_pool_is_shown_field_by_field_as_it_was_created() {
    let system = shared().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let labels = [("tier", "gold"), ("region", "eu-1"), ("empty", "")];
    let given = v1::Pool {
        display_name: "Erste Nacht – „Faust“ 🎭".into(),
        promoter: "acme/7".into(),
        show: "show:42".into(),
        labels: labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        show_time: Some(SHOW_TIME),
        sales_start_time: Some(PAST),
        sales_end_time: Some(SHOW_TIME),
        pricing: Some(full_pricing()),
        max_tickets_per_order: 7,
        max_tickets_per_customer: 9,
        claim_duration: seconds(90),
        late_purchase_window: seconds(604_800),
        ..a_pool(321)
    };
    let (id, receipt) = create(&mut caller, given.clone()).await;
    let shown = caller.pool(&id, &receipt.consistency_token).await.unwrap();
    let created = time_of(&db, &id, 1).await;
    let counts = shown.availability.clone().unwrap();
    assert!(counts.as_of_time.unwrap().seconds >= created.unwrap().seconds);
    let expected = v1::Pool {
        name: name::pool(&id),
        state: v1::PoolState::Active.into(),
        availability: Some(v1::Availability {
            pool: name::pool(&id),
            capacity: 321,
            sold: 0,
            held: 0,
            available: 321,
            sale_status: v1::SaleStatus::Open.into(),
            unit_price: Some(euros(49, 99)),
            version: 1,
            as_of_time: counts.as_of_time,
        }),
        etag: receipt.etag,
        create_time: created,
        update_time: created,
        ..given
    };
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn what_was_left_unset_is_shown_as_its_default() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let given = v1::Pool {
        max_tickets_per_customer: 0,
        ..a_pool(1)
    };
    let (id, receipt) = create(&mut caller, given).await;
    let shown = caller.pool(&id, &receipt.consistency_token).await.unwrap();
    assert_eq!(
        (shown.display_name, shown.promoter, shown.show),
        (String::new(), String::new(), String::new())
    );
    assert_eq!((shown.labels, shown.show_time), (BTreeMap::new(), None));
    assert_eq!(shown.max_tickets_per_order, 4);
    assert_eq!(shown.max_tickets_per_customer, 4);
    assert_eq!(shown.claim_duration, seconds(600));
    assert_eq!(shown.late_purchase_window, seconds(900));
    assert_eq!((shown.sales_start_time, shown.sales_end_time), (None, None));
    assert_eq!(shown.pricing, shown_price(Some(euros(49, 99))));
}

#[tokio::test]
async fn prices_in_currencies_with_no_two_and_three_decimals_are_shown_exactly() {
    let system = shared().await;
    let mut caller = system.caller().await;
    for (currency, units, nanos) in [
        ("JPY", 4_900, 0),
        ("JPY", 1_000_000_000_000, 0),
        ("EUR", 0, 0),
        ("EUR", 0, 10_000_000),
        ("EUR", 9_999_999_999, 990_000_000),
        ("KWD", 1, 5_000_000),
        ("KWD", 0, 999_000_000),
    ] {
        let price = Some(Money {
            currency_code: currency.into(),
            units,
            nanos,
        });
        let pricing = Some(v1::Pricing {
            base_price: price.clone(),
            ..v1::Pricing::default()
        });
        let given = v1::Pool {
            pricing,
            ..a_pool(3)
        };
        let (id, receipt) = create(&mut caller, given).await;
        let shown = caller.pool(&id, &receipt.consistency_token).await.unwrap();
        assert_eq!(shown.pricing, shown_price(price.clone()));
        assert_eq!(shown.availability.unwrap().unit_price, price);
        let live = caller.availability(&id, "").await.unwrap();
        assert_eq!(live.unit_price, price);
    }
}

#[tokio::test]
async fn state_and_etag_follow_every_stop_and_resume() {
    let system = shared().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let (id, _) = create(&mut caller, a_pool(10)).await;
    caller.claim(&id, "customer", 2).await.unwrap();
    let (finish, void) = (v1::StopMode::FinishClaims, v1::StopMode::VoidClaims);
    for step in [
        Some(finish),
        Some(void),
        None,
        Some(void),
        None,
        Some(finish),
    ] {
        let receipt = match step {
            Some(mode) => caller.stop_sales(&id, mode).await,
            None => caller.resume_sales(&id).await,
        };
        let receipt = receipt.unwrap();
        let shown = caller.pool(&id, &receipt.consistency_token).await.unwrap();
        let counts = shown.availability.clone().unwrap();
        let (state, status) = match step {
            Some(_) => (v1::PoolState::Stopped, v1::SaleStatus::Stopped),
            None => (v1::PoolState::Active, v1::SaleStatus::Open),
        };
        assert_eq!((shown.state(), counts.sale_status()), (state, status));
        assert_eq!(shown.etag, counts.version.to_string());
        let etag: i64 = shown.etag.parse().unwrap();
        assert!(etag >= receipt.version, "{etag} for {receipt:?}");
        assert_eq!(shown.create_time, time_of(&db, &id, 1).await);
        assert_eq!(shown.update_time, time_of(&db, &id, etag).await);
    }
}

#[tokio::test]
async fn counts_and_status_follow_every_claim_purchase_and_release() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, _) = create(&mut caller, a_pool(5)).await;
    let claim = caller.claim(&id, "a", 3).await.unwrap();
    let (open, sold_out) = (v1::SaleStatus::Open, v1::SaleStatus::SoldOut);
    let receipt = caller.purchase(&id, "b", 2).await.unwrap().receipt;
    shows(
        &caller,
        &id,
        receipt,
        (2, 3, 0),
        v1::SaleStatus::SoldOutForNow,
    )
    .await;
    let receipt = caller.release(&claim.name).await.unwrap().receipt;
    shows(&caller, &id, receipt, (2, 0, 3), open).await;
    let receipt = caller.purchase(&id, "c", 3).await.unwrap().receipt;
    shows(&caller, &id, receipt, (5, 0, 0), sold_out).await;
}

/// The table and memory say the same: what is sold, held and available, and what a customer can expect.
async fn shows(
    caller: &Caller,
    id: &str,
    receipt: Option<v1::Receipt>,
    counts: (i64, i64, i64),
    status: v1::SaleStatus,
) {
    let (mut caller, token) = (caller.clone(), receipt.unwrap().consistency_token);
    let shown = caller.pool(id, &token).await.unwrap();
    assert_eq!(shown.state(), v1::PoolState::Active);
    let mut table = shown.availability.unwrap();
    assert_eq!((table.sold, table.held, table.available), counts);
    assert_eq!(table.sale_status(), status);
    let live = caller.availability(id, &token).await.unwrap();
    table.as_of_time = live.as_of_time;
    assert_eq!(table, live);
}

#[tokio::test]
async fn a_pool_that_nobody_created_is_not_found() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (known, receipt) = create(&mut caller, a_pool(5)).await;
    let (id, token) = (fresh_pool(), receipt.consistency_token);
    let by_name = caller.pool(&id, &token).await.map(drop);
    let live = caller.availability(&id, &token).await.map(drop);
    let request = watch_request(&[&known, &id]);
    let stream = caller.queries.watch_availability(request).await.map(drop);
    for answer in [by_name, live, stream] {
        let status = refused(answer, Reason::PoolNotFound);
        assert_eq!(metadata_of(&status, "pool"), Some(name::pool(&id)));
        let details = status.get_error_details();
        let resource = details.resource_info().unwrap();
        assert_eq!(resource.resource_name, name::pool(&id));
        assert_eq!(resource.resource_type, "onsale.v1.Pool");
    }
}

#[tokio::test]
async fn every_malformed_field_of_a_read_is_named_in_one_answer() {
    let system = shared().await;
    let queries = system.caller().await.queries;
    let long = format!("pools/{}", "a".repeat(64));
    let names = [
        "",
        "abc",
        "pools/",
        "pools/ab",
        "pools/-abc",
        "pools/ABC",
        "pools/a_b",
        "pools/abc/",
        "shows/abc",
        "pools/abc/claims/1",
        "pools/ä-ö-ü",
        long.as_str(),
    ];
    // Neither base64, nor of the right length, nor of a known format, nor a position.
    let tokens = ["?", "AQ", "AAAAAAAAAAAAAAA", "AQAA__________8"];
    for (name, token) in names.iter().zip(tokens.iter().cycle()) {
        let pool = v1::GetPoolRequest {
            name: (*name).to_owned(),
            at_least_as_fresh: (*token).to_owned(),
        };
        let live = v1::GetAvailabilityRequest {
            pool: (*name).to_owned(),
            at_least_as_fresh: (*token).to_owned(),
        };
        let answer = queries.clone().get_pool(pool).await;
        violates(answer, &["name", "at_least_as_fresh"]);
        let answer = queries.clone().get_availability(live).await;
        violates(answer, &["pool", "at_least_as_fresh"]);
    }
}
