//! Of times, limits and etags.

use onsale_proto::v1;
use onsale_tests::caller::{
    a_pool, cancel_request, capacity_request, create_request, limits_request, pricing_request,
    reschedule_request, resume_request, stop_request,
};
use prost_types::{Duration, Timestamp};

use super::{NO_POOLS, NO_REQUEST_IDS};
use crate::{
    log,
    refused::violates,
    shop::{fresh_pool, shared},
    times::{seconds, time},
};

/// Each way to spoil the times, and the fields that are then invalid.
type SpoilTimes = (fn(&mut v1::ReschedulePoolRequest), &'static [&'static str]);

const SHOW: &[&str] = &["show_time"];
const START: &[&str] = &["sales_start_time"];
const END: &[&str] = &["sales_end_time"];
const PAST: Option<Timestamp> = time(1_500_000_000);
const AHEAD: Option<Timestamp> = time(4_000_000_000);

const TIMES: &[SpoilTimes] = &[
    (|r| r.show_time = PAST, SHOW),
    (|r| r.show_time = time(253_402_300_800), SHOW),
    (|r| r.sales_start_time = time(-62_135_596_801), START),
    (|r| r.sales_start_time = time(i64::MAX), START),
    (|r| r.sales_end_time = PAST, END),
    (|r| r.sales_end_time = time(i64::MIN), END),
    (
        |r| (r.show_time, r.sales_end_time) = (PAST, PAST),
        &["show_time", "sales_end_time"],
    ),
    (
        |r| (r.sales_start_time, r.sales_end_time) = (AHEAD, AHEAD),
        END,
    ),
    (
        |r| (r.sales_start_time, r.sales_end_time) = (AHEAD, time(3_999_999_999)),
        END,
    ),
    (
        |r| {
            (r.show_time, r.sales_end_time) = (time(i64::MAX), time(i64::MIN));
            r.sales_start_time = Some(Timestamp {
                seconds: 0,
                nanos: -1,
            });
        },
        &["show_time", "sales_start_time", "sales_end_time"],
    ),
];

/// Each way to spoil the limits, and the fields that are then invalid.
type SpoilLimits = (fn(&mut v1::ChangeLimitsRequest), &'static [&'static str]);

const CUSTOMER: &[&str] = &["max_tickets_per_customer"];
const DURATION: &[&str] = &["claim_duration"];
const WINDOW: &[&str] = &["late_purchase_window"];
const FRACTION: Option<Duration> = Some(Duration {
    seconds: 1,
    nanos: 1,
});

const LIMITS: &[SpoilLimits] = &[
    (
        |r| r.max_tickets_per_order = 101,
        &["max_tickets_per_order"],
    ),
    (|r| r.max_tickets_per_customer = 10_000_001, CUSTOMER),
    (|r| r.max_tickets_per_customer = u32::MAX, CUSTOMER),
    (|r| r.claim_duration = seconds(0), DURATION),
    (|r| r.claim_duration = seconds(86_401), DURATION),
    (|r| r.claim_duration = FRACTION, DURATION),
    (|r| r.late_purchase_window = seconds(-1), WINDOW),
    (|r| r.late_purchase_window = seconds(8 * 86_400), WINDOW),
    (|r| r.late_purchase_window = seconds(i64::MAX), WINDOW),
    (|r| r.late_purchase_window = FRACTION, WINDOW),
    (
        |r| {
            (r.max_tickets_per_order, r.max_tickets_per_customer) = (101, u32::MAX);
            (r.claim_duration, r.late_purchase_window) = (FRACTION, FRACTION);
        },
        &[
            "max_tickets_per_order",
            "max_tickets_per_customer",
            "claim_duration",
            "late_purchase_window",
        ],
    ),
];

#[tokio::test]
async fn times_and_limits_are_refused_for_each_field_that_is_nonsense() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let (id, fresh) = (fresh_pool(), fresh_pool());
    caller.create_pool(&id, 10).await.expect("a new name");
    let mut creations = Vec::new();
    for (spoil, fields) in TIMES {
        let mut times = reschedule_request(&id);
        spoil(&mut times);
        let pool = v1::Pool {
            show_time: times.show_time,
            sales_start_time: times.sales_start_time,
            sales_end_time: times.sales_end_time,
            ..a_pool(10)
        };
        creations.push((pool, fields));
        violates(caller.commands.reschedule_pool(times).await, fields);
    }
    for (spoil, fields) in LIMITS {
        let mut limits = limits_request(&id);
        spoil(&mut limits);
        let pool = v1::Pool {
            max_tickets_per_order: limits.max_tickets_per_order,
            max_tickets_per_customer: limits.max_tickets_per_customer,
            claim_duration: limits.claim_duration,
            late_purchase_window: limits.late_purchase_window,
            ..a_pool(10)
        };
        creations.push((pool, fields));
        violates(caller.commands.change_limits(limits).await, fields);
    }
    for (pool, fields) in creations {
        let fields: Vec<_> = fields.iter().map(|field| format!("pool.{field}")).collect();
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        let create = create_request(&fresh, pool);
        violates(caller.commands.create_pool(create).await, &fields);
    }
    for capacity in [0, -1, 10_000_001, i64::MAX] {
        let change = capacity_request(&id, capacity);
        violates(caller.commands.change_capacity(change).await, &["capacity"]);
    }
    assert_eq!(log::events(&shop.database, &id).await.len(), 1);
}

/// What every edit has, spoilt in the same ways.
macro_rules! edit_refused {
    ($caller:expr, $rpc:ident, $request:expr) => {
        let sound = $request;
        for bad in NO_REQUEST_IDS {
            let mut edit = sound.clone();
            edit.request_id = bad.into();
            violates($caller.commands.$rpc(edit).await, &["request_id"]);
        }
        for bad in NO_POOLS {
            let mut edit = sound.clone();
            edit.pool = bad.into();
            violates($caller.commands.$rpc(edit).await, &["pool"]);
        }
        for bad in NO_ETAGS {
            let mut edit = sound.clone();
            edit.etag = bad.into();
            violates($caller.commands.$rpc(edit).await, &["etag"]);
        }
        let mut edit = sound;
        edit.merge = true;
        violates($caller.commands.$rpc(edit).await, &["merge"]);
    };
}

/// Texts that no pool ever had as its etag.
const NO_ETAGS: [&str; 9] = [
    "x",
    "0",
    "-0",
    "-1",
    "1.5",
    " 1",
    "+1",
    "01",
    "99999999999999999999",
];

#[tokio::test]
async fn every_edit_is_refused_for_what_all_edits_have() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let price = a_pool(1).pricing.expect("a price");
    let mode = v1::StopMode::FinishClaims;
    edit_refused!(caller, stop_sales, stop_request(&id, mode));
    edit_refused!(caller, resume_sales, resume_request(&id));
    edit_refused!(caller, cancel_pool, cancel_request(&id));
    edit_refused!(caller, change_capacity, capacity_request(&id, 20));
    edit_refused!(caller, change_pricing, pricing_request(&id, price));
    edit_refused!(caller, reschedule_pool, reschedule_request(&id));
    edit_refused!(caller, change_limits, limits_request(&id));
    let cancel = v1::CancelPoolRequest {
        reason: "x".repeat(501),
        ..cancel_request(&id)
    };
    violates(caller.commands.cancel_pool(cancel).await, &["reason"]);
    assert_eq!(log::events(&shop.database, &id).await.len(), 1);
}
