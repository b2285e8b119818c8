//! Of what promoters send.

use onsale_proto::v1;
use onsale_tests::caller::{a_pool, create_request, resume_request, stop_request};
use prost_types::{Duration, Timestamp};

use super::{NO_POOLS, NO_REQUEST_IDS, amount, no_references};
use crate::{
    log,
    refused::violates,
    shop::{Shop, fresh_pool, shared},
};

/// Each way to spoil a pool, and the fields that are then invalid.
type Spoil = (fn(&mut v1::Pool), &'static [&'static str]);

fn label(pool: &mut v1::Pool, key: &str, value: &str) {
    pool.labels.insert(key.to_owned(), value.to_owned());
}

fn price(pool: &mut v1::Pool, currency: &str, units: i64, nanos: i32) {
    let base_price = amount(currency, units, nanos);
    pool.pricing = Some(v1::Pricing {
        base_price,
        ..v1::Pricing::default()
    });
}

const fn seconds(seconds: i64, nanos: i32) -> Option<Duration> {
    Some(Duration { seconds, nanos })
}

const fn time(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

const PRICE: &[&str] = &["pool.pricing.base_price"];
const CURRENCY: &[&str] = &["pool.pricing.base_price.currency_code"];
const BOTH: &[&str] = &[
    "pool.pricing.base_price.currency_code",
    "pool.pricing.base_price",
];
const CAPACITY: &[&str] = &["pool.capacity"];
const DURATION: &[&str] = &["pool.claim_duration"];
const SHOW_TIME: &[&str] = &["pool.show_time"];
const LABELS: &[&str] = &["pool.labels"];

const SPOILS: &[Spoil] = &[
    (|p| p.display_name = "x".repeat(201), &["pool.display_name"]),
    (|p| p.display_name = "a\nb".into(), &["pool.display_name"]),
    (|p| p.promoter = "a b".into(), &["pool.promoter"]),
    (|p| p.show = "x".repeat(129), &["pool.show"]),
    (
        |p| (0..17).for_each(|i| label(p, &format!("k{i}"), "")),
        LABELS,
    ),
    (|p| label(p, "", "v"), LABELS),
    (|p| label(p, "1a", "v"), LABELS),
    (|p| label(p, "Abc", "v"), LABELS),
    (|p| label(p, &"a".repeat(64), "v"), LABELS),
    (|p| label(p, "a", "with space"), &["pool.labels[a]"]),
    (|p| label(p, "a", &"x".repeat(64)), &["pool.labels[a]"]),
    (|p| p.capacity = 0, CAPACITY),
    (|p| p.capacity = -1, CAPACITY),
    (|p| p.capacity = 10_000_001, CAPACITY),
    (|p| p.capacity = i64::MIN, CAPACITY),
    (|p| p.capacity = i64::from(u32::MAX) + 2, CAPACITY),
    (|p| p.pricing = None, PRICE),
    (|p| p.pricing = Some(v1::Pricing::default()), PRICE),
    (|p| price(p, "", 1, 0), CURRENCY),
    (|p| price(p, "EURO", 1, 0), CURRENCY),
    (|p| price(p, "XXX", 1, 0), CURRENCY),
    (|p| price(p, "", -1, 0), BOTH),
    (|p| price(p, "€", 0, 1_000_000_000), BOTH),
    (|p| price(p, "EUR", -1, 0), PRICE),
    (|p| price(p, "EUR", 0, -1), PRICE),
    (|p| price(p, "EUR", 1, -1), PRICE),
    (|p| price(p, "EUR", 1, 1_000_000_000), PRICE),
    (|p| price(p, "EUR", 1, 1_000_000), PRICE),
    (|p| price(p, "JPY", 1, 10_000_000), PRICE),
    (|p| price(p, "EUR", i64::MAX, 0), PRICE),
    (|p| price(p, "EUR", 10_000_000_000, 10_000_000), PRICE),
    (
        |p| p.max_tickets_per_order = 101,
        &["pool.max_tickets_per_order"],
    ),
    (
        |p| p.max_tickets_per_order = u32::MAX,
        &["pool.max_tickets_per_order"],
    ),
    (|p| p.claim_duration = seconds(0, 0), DURATION),
    (|p| p.claim_duration = seconds(-1, 0), DURATION),
    (|p| p.claim_duration = seconds(1, 1), DURATION),
    (|p| p.claim_duration = seconds(86_401, 0), DURATION),
    (|p| p.claim_duration = seconds(i64::MIN, i32::MIN), DURATION),
    (|p| p.show_time = time(1_500_000_000, 0), SHOW_TIME),
    (|p| p.show_time = time(-62_135_596_801, 0), SHOW_TIME),
    (|p| p.show_time = time(253_402_300_800, 0), SHOW_TIME),
    (|p| p.show_time = time(i64::MAX, 0), SHOW_TIME),
    (|p| p.show_time = time(4_000_000_000, -1), SHOW_TIME),
    (
        |p| p.show_time = time(4_000_000_000, 1_000_000_000),
        SHOW_TIME,
    ),
];

#[tokio::test]
async fn a_pool_is_refused_for_each_field_that_is_not_as_the_contract_has_it() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    for (spoil, fields) in SPOILS {
        let mut pool = a_pool(10);
        spoil(&mut pool);
        let request = create_request(&id, pool);
        violates(caller.commands.create_pool(request).await, fields);
    }
    for bad in [
        "",
        "ab",
        "Abc",
        "a_b",
        "a/b",
        "-ab",
        "ab-",
        "äbc",
        &"a".repeat(64),
    ] {
        let request = create_request(bad, a_pool(10));
        violates(caller.commands.create_pool(request).await, &["pool_id"]);
    }
    for bad in NO_REQUEST_IDS {
        let request = v1::CreatePoolRequest {
            request_id: bad.into(),
            ..create_request(&id, a_pool(10))
        };
        violates(caller.commands.create_pool(request).await, &["request_id"]);
    }
    for bad in no_references() {
        let pool = v1::Pool {
            promoter: bad.clone(),
            show: bad,
            ..a_pool(10)
        };
        let answer = caller.commands.create_pool(create_request(&id, pool)).await;
        violates(answer, &["pool.promoter", "pool.show"]);
    }
    let request = v1::CreatePoolRequest {
        pool: None,
        ..create_request(&id, a_pool(10))
    };
    violates(caller.commands.create_pool(request).await, &["pool"]);
    assert_eq!(log::events(&shop.database, &id).await.len(), 0);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_pool_is_in_one_answer() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    let mut pool = v1::Pool {
        display_name: "\u{7}".into(),
        promoter: " ".into(),
        show: "ü".into(),
        show_time: time(0, -1),
        capacity: 0,
        max_tickets_per_order: 101,
        claim_duration: seconds(0, 1),
        ..v1::Pool::default()
    };
    price(&mut pool, "EUR", -1, 0);
    label(&mut pool, "A", "");
    label(&mut pool, "b", " ");
    let wrong = v1::CreatePoolRequest {
        request_id: "1".into(),
        pool_id: "A".into(),
        pool: Some(pool),
        validate_only: false,
    };
    let fields = [
        "request_id",
        "pool_id",
        "pool.display_name",
        "pool.promoter",
        "pool.show",
        "pool.labels",
        "pool.labels[b]",
        "pool.show_time",
        "pool.max_tickets_per_order",
        "pool.claim_duration",
        "pool.capacity",
        "pool.pricing.base_price",
    ];
    violates(caller.commands.create_pool(wrong).await, &fields);
    let answer = caller
        .commands
        .create_pool(v1::CreatePoolRequest::default())
        .await;
    violates(answer, &["request_id", "pool_id", "pool"]);
    assert_eq!(log::head(&shop.database).await, 0);
}

#[tokio::test]
async fn a_stop_and_its_end_are_refused_for_each_field() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let mode = v1::StopMode::VoidClaims;
    for bad in NO_REQUEST_IDS {
        let stop = v1::StopSalesRequest {
            request_id: bad.into(),
            ..stop_request(&id, mode)
        };
        violates(caller.commands.stop_sales(stop).await, &["request_id"]);
        let resume = v1::ResumeSalesRequest {
            request_id: bad.into(),
            ..resume_request(&id)
        };
        violates(caller.commands.resume_sales(resume).await, &["request_id"]);
    }
    for bad in NO_POOLS {
        let stop = v1::StopSalesRequest {
            pool: bad.into(),
            ..stop_request(&id, mode)
        };
        violates(caller.commands.stop_sales(stop).await, &["pool"]);
        let resume = v1::ResumeSalesRequest {
            pool: bad.into(),
            ..resume_request(&id)
        };
        violates(caller.commands.resume_sales(resume).await, &["pool"]);
    }
    for bad in [0, 3, -1, i32::MAX, i32::MIN] {
        let stop = v1::StopSalesRequest {
            mode: bad,
            ..stop_request(&id, mode)
        };
        violates(caller.commands.stop_sales(stop).await, &["mode"]);
    }
    for bad in ["x".repeat(501), "\r".into()] {
        let stop = v1::StopSalesRequest {
            reason: bad.clone(),
            ..stop_request(&id, mode)
        };
        violates(caller.commands.stop_sales(stop).await, &["reason"]);
        let resume = v1::ResumeSalesRequest {
            reason: bad,
            ..resume_request(&id)
        };
        violates(caller.commands.resume_sales(resume).await, &["reason"]);
    }
    let wrong = v1::StopSalesRequest {
        reason: "\0".into(),
        ..v1::StopSalesRequest::default()
    };
    let answer = caller.commands.stop_sales(wrong).await;
    violates(answer, &["request_id", "pool", "mode", "reason"]);
    let wrong = v1::ResumeSalesRequest {
        reason: "\0".into(),
        ..v1::ResumeSalesRequest::default()
    };
    let answer = caller.commands.resume_sales(wrong).await;
    violates(answer, &["request_id", "pool", "reason"]);
    assert_eq!(log::events(&shop.database, &id).await.len(), 1);
}
