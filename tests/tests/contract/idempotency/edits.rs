//! As in [`changed`](super::changed), of what promoters send, and of what happens to claims and tickets later.

use onsale_proto::{Money, v1};
use onsale_tests::caller::{
    Caller, a_pool, cancel_request, capacity_request, create_request, euros, extend_request,
    grant_request, limits_request, pricing_request, refund_request, reschedule_request,
    resume_request, stop_request,
};

use super::{Change, reused_by};
use crate::{
    log,
    shop::{fresh_pool, shared},
    times::{seconds, time},
};

const fn pool(request: &mut v1::CreatePoolRequest) -> &mut v1::Pool {
    request.pool.as_mut().expect("a pool")
}

fn price(request: &mut v1::CreatePoolRequest) -> &mut Money {
    let pricing = pool(request).pricing.as_mut().expect("pricing");
    pricing.base_price.as_mut().expect("a price")
}

const fn rule(request: &mut v1::ChangePricingRequest) -> &mut v1::Pricing {
    request.pricing.as_mut().expect("pricing")
}

fn full_pricing() -> v1::Pricing {
    v1::Pricing {
        floor_price: Some(euros(10, 0)),
        cap_price: Some(euros(100, 0)),
        demand_steps: vec![v1::DemandStep {
            sold_percent: 50,
            change_basis_points: 500,
        }],
        demand_basis: v1::DemandBasis::Committed.into(),
        time_steps: vec![v1::TimeStep {
            before_show: seconds(3_600),
            change_basis_points: -500,
        }],
        interpolation: v1::Interpolation::Linear.into(),
        ..a_pool(1).pricing.expect("a price")
    }
}

fn full_pool() -> v1::Pool {
    v1::Pool {
        display_name: "Träume".into(),
        promoter: "promoter-1".into(),
        show: "show-1".into(),
        labels: [("channel".to_owned(), "web".to_owned())].into(),
        show_time: time(4_000_000_000),
        sales_start_time: time(1_500_000_000),
        sales_end_time: time(3_900_000_000),
        max_tickets_per_order: 10,
        max_tickets_per_customer: 20,
        claim_duration: seconds(60),
        late_purchase_window: seconds(60),
        ..a_pool(100)
    }
}

const OF_CREATE: &[Change<v1::CreatePoolRequest>] = &[
    ("display_name", |r| pool(r).display_name = "Traum".into()),
    ("promoter", |r| pool(r).promoter.clear()),
    ("show", |r| pool(r).show = "show-2".into()),
    ("labels: value", |r| {
        drop(pool(r).labels.insert("channel".into(), "app".into()));
    }),
    ("labels: key", |r| {
        drop(pool(r).labels.insert("also".into(), "web".into()));
    }),
    ("show_time", |r| pool(r).show_time = None),
    ("sales_start_time", |r| pool(r).sales_start_time = None),
    ("sales_end_time", |r| pool(r).sales_end_time = None),
    ("capacity", |r| pool(r).capacity = 101),
    ("base_price", |r| price(r).units = 50),
    ("currency", |r| price(r).currency_code = "USD".into()),
    ("max_tickets_per_order", |r| {
        pool(r).max_tickets_per_order = 9;
    }),
    ("max_tickets_per_customer", |r| {
        pool(r).max_tickets_per_customer = 21;
    }),
    ("claim_duration", |r| pool(r).claim_duration = None),
    ("late_purchase_window", |r| {
        pool(r).late_purchase_window = None;
    }),
];

const OF_PRICING: &[Change<v1::ChangePricingRequest>] = &[
    ("base_price", |r| rule(r).base_price = Some(euros(50, 0))),
    ("floor_price", |r| rule(r).floor_price = None),
    ("cap_price", |r| rule(r).cap_price = None),
    ("demand_steps", |r| rule(r).demand_steps.clear()),
    ("sold_percent", |r| {
        rule(r).demand_steps[0].sold_percent = 51;
    }),
    ("demand: change", |r| {
        rule(r).demand_steps[0].change_basis_points = 501;
    }),
    ("demand_basis", |r| rule(r).demand_basis = 0),
    ("time_steps", |r| rule(r).time_steps.clear()),
    ("before_show", |r| {
        rule(r).time_steps[0].before_show = seconds(3_601);
    }),
    ("time: change", |r| {
        rule(r).time_steps[0].change_basis_points = -501;
    }),
    ("interpolation", |r| rule(r).interpolation = 0),
    ("etag", |r| r.etag = "999".into()),
    ("merge", |r| r.merge = true),
];

const OF_TIMES: &[Change<v1::ReschedulePoolRequest>] = &[
    ("show_time", |r| r.show_time = time(4_000_000_001)),
    ("sales_start_time", |r| r.sales_start_time = None),
    ("sales_end_time", |r| r.sales_end_time = None),
    ("etag", |r| r.etag = "999".into()),
    ("merge", |r| r.merge = true),
];

const OF_LIMITS: &[Change<v1::ChangeLimitsRequest>] = &[
    ("max_tickets_per_order", |r| r.max_tickets_per_order = 9),
    ("max_tickets_per_customer", |r| {
        r.max_tickets_per_customer = 0;
    }),
    ("claim_duration", |r| r.claim_duration = None),
    ("late_purchase_window", |r| r.late_purchase_window = None),
    ("etag", |r| r.etag = "999".into()),
    ("merge", |r| r.merge = true),
];

const OF_CAPACITY: &[Change<v1::ChangeCapacityRequest>] = &[
    ("capacity", |r| r.capacity = 201),
    ("etag", |r| r.etag = "999".into()),
    ("merge", |r| r.merge = true),
];

const OF_STOP: &[Change<v1::StopSalesRequest>] = &[
    ("mode", |r| r.mode = v1::StopMode::VoidClaims.into()),
    ("reason", |r| r.reason.clear()),
    ("etag", |r| r.etag = "999".into()),
    ("merge", |r| r.merge = true),
];

const OF_RESUME: &[Change<v1::ResumeSalesRequest>] = &[
    ("reason", |r| r.reason.clear()),
    ("etag", |r| r.etag = "999".into()),
    ("merge", |r| r.merge = true),
];

const OF_CANCEL: &[Change<v1::CancelPoolRequest>] = &[
    ("reason", |r| r.reason.clear()),
    ("etag", |r| r.etag = "999".into()),
    ("merge", |r| r.merge = true),
];

const OF_GRANT: &[Change<v1::GrantTicketsRequest>] = &[
    ("customer", |r| r.customer.push('x')),
    ("quantity", |r| r.quantity += 1),
    ("reason", |r| r.reason.clear()),
];

const OF_REFUND: &[Change<v1::RefundTicketsRequest>] = &[
    ("tickets: fewer", |r| drop(r.tickets.pop())),
    ("reason", |r| r.reason.clear()),
];

/// Sends an edit of the present state, and then each change of it.
macro_rules! edit_reused_by {
    ($caller:expr, $etag:expr, $rpc:ident, $request:expr, $changes:expr) => {{
        let mut request = $request;
        request.etag = $etag;
        reused_by!($caller, $rpc, request, $changes)
            .receipt
            .expect("a receipt")
            .etag
    }};
}

async fn extended(caller: &mut Caller, pool: &str) {
    let claim = caller.claim(pool, "c", 1).await.expect("places");
    let other = caller.claim(pool, "c", 1).await.expect("places");
    let changes = [("claim", |r: &mut v1::ExtendClaimRequest| {
        r.claim.clone_from(&other.name);
    })];
    reused_by!(caller, extend_claim, extend_request(&claim.name), changes);
}

#[tokio::test]
async fn every_field_of_every_edit_is_part_of_what_a_request_id_names() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let reason = || "storm".to_owned();
    reused_by!(
        caller,
        create_pool,
        create_request(&id, full_pool()),
        OF_CREATE
    );
    let grant = v1::GrantTicketsRequest {
        reason: reason(),
        ..grant_request(&id, "c", 3)
    };
    let granted = reused_by!(caller, grant_tickets, grant, OF_GRANT);
    let refund = v1::RefundTicketsRequest {
        reason: reason(),
        ..refund_request(&granted.claim.expect("a claim").tickets[1..])
    };
    reused_by!(caller, refund_tickets, refund, OF_REFUND);
    extended(&mut caller, &id).await;

    let version = log::events(&shop.database, &id).await.len();
    let etag = version.to_string();
    let change = pricing_request(&id, full_pricing());
    let etag = edit_reused_by!(caller, etag, change_pricing, change, OF_PRICING);
    let change = capacity_request(&id, 200);
    let etag = edit_reused_by!(caller, etag, change_capacity, change, OF_CAPACITY);
    let change = v1::ReschedulePoolRequest {
        show_time: time(4_000_000_000),
        sales_start_time: time(1_500_000_000),
        sales_end_time: time(3_900_000_000),
        ..reschedule_request(&id)
    };
    let etag = edit_reused_by!(caller, etag, reschedule_pool, change, OF_TIMES);
    let change = v1::ChangeLimitsRequest {
        max_tickets_per_order: 10,
        max_tickets_per_customer: 20,
        claim_duration: seconds(60),
        late_purchase_window: seconds(60),
        ..limits_request(&id)
    };
    let etag = edit_reused_by!(caller, etag, change_limits, change, OF_LIMITS);
    let stop = v1::StopSalesRequest {
        reason: reason(),
        ..stop_request(&id, v1::StopMode::FinishClaims)
    };
    let etag = edit_reused_by!(caller, etag, stop_sales, stop, OF_STOP);
    let resume = v1::ResumeSalesRequest {
        reason: reason(),
        ..resume_request(&id)
    };
    let etag = edit_reused_by!(caller, etag, resume_sales, resume, OF_RESUME);
    let cancel = v1::CancelPoolRequest {
        reason: reason(),
        ..cancel_request(&id)
    };
    edit_reused_by!(caller, etag, cancel_pool, cancel, OF_CANCEL);
    let edits = log::events(&shop.database, &id).await;
    let edits = edits.iter().filter(|event| event.kind != "TicketReleased");
    assert_eq!(edits.count(), version + 7);
}
