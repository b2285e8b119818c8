//! Edits that were made on an older state.

use std::collections::BTreeMap;

use onsale_proto::{ACTOR_KEY, name, reason::Reason, status::reason_of, v1};
use onsale_tests::caller::{
    Caller, cancel_request, capacity_request, euros, fixed_price, limits_request, pricing_request,
    reschedule_request, resume_request, stop_request,
};
use tonic::{Request, Status};

use crate::{
    log::{self, Event},
    refused::{Refused, refused},
    shop::{Shop, caller_of, fresh_pool, shared},
    times::time,
};

/// Every edit, made on the state of `etag`; only validated, so that each is decided on the same state.
async fn every_edit(
    caller: &mut Caller,
    pool: &str,
    etag: &str,
    merge: bool,
) -> Vec<(&'static str, Result<(), Status>)> {
    let mut answers = Vec::new();
    macro_rules! edit {
        ($setting:literal, $rpc:ident, $request:expr) => {
            let mut request = $request;
            (request.etag, request.merge) = (etag.to_owned(), merge);
            request.validate_only = true;
            let answer = caller.commands.$rpc(request).await;
            answers.push(($setting, answer.map(drop)));
        };
    }
    let price = fixed_price(euros(70, 0));
    edit!("pricing", change_pricing, pricing_request(pool, price));
    edit!("capacity", change_capacity, capacity_request(pool, 30));
    edit!("schedule", reschedule_pool, reschedule_request(pool));
    edit!("limits", change_limits, limits_request(pool));
    let mode = v1::StopMode::FinishClaims;
    edit!("sale_status", stop_sales, stop_request(pool, mode));
    edit!("sale_status", resume_sales, resume_request(pool));
    edit!("sale_status", cancel_pool, cancel_request(pool));
    answers
}

/// What a conflict says of a setting that was changed by an event.
fn told(setting: &str, event: &Event, actor: &str) -> Vec<(String, String)> {
    let key = |what: &str| format!("{setting}.{what}");
    vec![
        (key("version"), event.version.to_string()),
        (key("time"), event.time.clone()),
        (key("actor"), actor.to_owned()),
    ]
}

fn field(setting: &str, old: &str, new: &str) -> [(String, String); 2] {
    [
        (format!("{setting}.old"), old.to_owned()),
        (format!("{setting}.new"), new.to_owned()),
    ]
}

fn conflict(
    pool: &str,
    [etag, current]: [&str; 2],
    sold: &str,
    changed: &str,
) -> Vec<(String, String)> {
    let pairs = [
        ("pool", pool),
        ("etag", etag),
        ("current_etag", current),
        ("tickets_sold_since", sold),
        ("changed", changed),
    ];
    pairs.map(|(key, value)| (key.into(), value.into())).into()
}

#[track_caller]
fn conflicts(answer: Result<(), Status>, expected: &[(String, String)]) -> Refused {
    let pairs = expected.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    let pairs: Vec<_> = pairs.collect();
    refused(answer, Reason::VersionConflict, &pairs)
}

async fn the(shop: &Shop, pool: &str, kind: &str) -> Event {
    let events = log::events(&shop.database, pool).await;
    let event = events.into_iter().find(|event| event.kind == kind);
    event.unwrap_or_else(|| unreachable!("no {kind}"))
}

#[tokio::test]
async fn a_stale_edit_is_told_of_every_setting_that_was_changed_by_whom_and_from_what_to_what() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let pool = name::pool(&id);
    caller.create_pool(&id, 10).await.expect("at 49.99 EUR");
    let mut dearer = Request::new(pricing_request(&id, fixed_price(euros(60, 0))));
    let actor = "backoffice-7".parse().expect("ASCII");
    dearer.metadata_mut().insert(ACTOR_KEY, actor);
    caller
        .commands
        .change_pricing(dearer)
        .await
        .expect("a rule");
    caller.purchase(&id, "c", 3).await.expect("places");
    let more = capacity_request(&id, 20);
    caller.commands.change_capacity(more).await.expect("more");
    let show = v1::ReschedulePoolRequest {
        show_time: time(4_000_000_000),
        ..reschedule_request(&id)
    };
    caller.commands.reschedule_pool(show).await.expect("a show");
    let limits = v1::ChangeLimitsRequest {
        max_tickets_per_order: 9,
        ..limits_request(&id)
    };
    caller.commands.change_limits(limits).await.expect("limits");
    let mode = v1::StopMode::FinishClaims;
    caller.stop_sales(&id, mode).await.expect("it sells");

    let settings = "pricing, capacity, schedule, limits, sale_status";
    let mut expected = conflict(&pool, ["1", "12"], "3", settings);
    for (setting, kind, actor) in [
        ("pricing", "PricingChanged", "backoffice-7"),
        ("capacity", "CapacityChanged", "anonymous"),
        ("schedule", "PoolRescheduled", "anonymous"),
        ("limits", "LimitsChanged", "anonymous"),
        ("sale_status", "SalesStopped", "anonymous"),
    ] {
        expected.extend(told(setting, &the(&shop, &id, kind).await, actor));
    }
    for (name, old, new) in [
        ("pricing.base_price", "49.99 EUR", "60.00 EUR"),
        ("capacity.capacity", "10", "20"),
        ("schedule.show_time", "unset", "2096-10-02T07:06:40.000000Z"),
        ("limits.max_tickets_per_order", "4", "9"),
        ("limits.max_tickets_per_customer", "10000000", "9"),
        (
            "sale_status.state",
            "ACTIVE",
            "STOPPED (STOP_MODE_FINISH_CLAIMS)",
        ),
    ] {
        expected.extend(field(name, old, new));
    }
    let other = shop.another_instance().await;
    let mut elsewhere = caller_of(&other).await;
    for (caller, merge) in [(&mut caller, false), (&mut elsewhere, true)] {
        for (_, answer) in every_edit(caller, &id, "1", merge).await {
            let refusal = conflicts(answer, &expected);
            let subjects = settings.split(", ").map(|name| format!("{pool}/{name}"));
            assert_eq!(refusal.subjects(), subjects.collect::<Vec<_>>());
        }
    }
    let mut for_real = capacity_request(&id, 30);
    for_real.etag = "1".into();
    let answer = caller.commands.change_capacity(for_real).await;
    conflicts(answer.map(drop), &expected);
    assert_eq!(log::count(&shop.database, &id, "CapacityChanged").await, 1);
}

#[tokio::test]
async fn with_merge_an_edit_conflicts_only_with_what_it_touches() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    for (first, commutes) in [
        ("pricing", &["capacity", "limits", "sale_status"][..]),
        (
            "capacity",
            &["pricing", "schedule", "limits", "sale_status"],
        ),
        ("schedule", &["capacity", "limits", "sale_status"]),
        (
            "limits",
            &["pricing", "capacity", "schedule", "sale_status"],
        ),
        (
            "sale_status",
            &["pricing", "capacity", "schedule", "limits"],
        ),
    ] {
        let id = fresh_pool();
        caller.create_pool(&id, 10).await.expect("a new name");
        caller.purchase(&id, "c", 1).await.expect("places");
        let price = pricing_request(&id, fixed_price(euros(60, 0)));
        let mode = v1::StopMode::FinishClaims;
        let commands = &mut caller.commands;
        let edited = match first {
            "pricing" => commands.change_pricing(price).await.map(drop),
            "capacity" => commands
                .change_capacity(capacity_request(&id, 20))
                .await
                .map(drop),
            "schedule" => commands
                .reschedule_pool(reschedule_request(&id))
                .await
                .map(drop),
            "limits" => commands.change_limits(limits_request(&id)).await.map(drop),
            _ => commands.stop_sales(stop_request(&id, mode)).await.map(drop),
        };
        edited.expect("it sells");
        for (setting, answer) in every_edit(&mut caller, &id, "3", true).await {
            let refusal = answer.err().and_then(|status| reason_of(&status));
            let conflicts = refusal == Some(Reason::VersionConflict);
            assert_eq!(
                conflicts,
                !commutes.contains(&setting),
                "{setting} over {first}"
            );
        }
    }
}

#[tokio::test]
async fn sales_alone_make_an_etag_stale_and_never_stand_in_the_way_of_a_merge() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let pool = name::pool(&id);
    caller.create_pool(&id, 10).await.expect("a new name");
    let refused_at = BTreeMap::from([("1", "2"), ("4", "1")]);
    caller.purchase(&id, "c", 1).await.expect("places");
    let held = caller.claim(&id, "c", 1).await.expect("places");
    caller.buy(&held.name).await.expect("held");
    for (etag, sold) in refused_at {
        for (_, answer) in every_edit(&mut caller, &id, etag, false).await {
            let refusal = conflicts(answer, &conflict(&pool, [etag, "5"], sold, ""));
            assert_eq!(refusal.subjects(), Vec::<&str>::new());
        }
    }
    // A version that the pool has not reached was never seen.
    for (_, answer) in every_edit(&mut caller, &id, "9", true).await {
        conflicts(answer, &conflict(&pool, ["9", "5"], "0", ""));
    }
    let mut change = pricing_request(&id, fixed_price(euros(60, 0)));
    (change.etag, change.merge) = ("1".into(), true);
    let merged = caller.commands.change_pricing(change).await;
    let receipt = merged
        .expect("only sales came between")
        .into_inner()
        .receipt;
    let mut again = pricing_request(&id, fixed_price(euros(61, 0)));
    again.etag = receipt.expect("a receipt").etag;
    let overwritten = caller.commands.change_pricing(again).await;
    overwritten.expect("the current etag");
    assert_eq!(log::count(&shop.database, &id, "PricingChanged").await, 2);
}
