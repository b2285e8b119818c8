//! Of price rules, the same at a pool's creation and at a change.

use onsale_proto::v1;
use onsale_tests::caller::{a_pool, create_request, euros, fixed_price, pricing_request};
use prost_types::Duration;

use super::amount;
use crate::{
    log,
    refused::violates,
    shop::{fresh_pool, shared},
    times::{seconds, time},
};

/// Ten years with three leap days, in seconds.
const TEN_YEARS: i64 = 3_653 * 24 * 60 * 60;

/// Each way to spoil a price rule, and the fields of it that are then invalid.
type Spoil = (fn(&mut v1::Pricing), &'static [&'static str]);

fn demand(rule: &mut v1::Pricing, steps: &[(u32, i32)]) {
    let step = |(sold_percent, change_basis_points): &(u32, i32)| v1::DemandStep {
        sold_percent: *sold_percent,
        change_basis_points: *change_basis_points,
    };
    rule.demand_steps = steps.iter().map(step).collect();
}

fn over_time(rule: &mut v1::Pricing, steps: &[(i64, i32)]) {
    let step = |(before_show, change_basis_points): &(i64, i32)| v1::TimeStep {
        before_show: seconds(*before_show),
        change_basis_points: *change_basis_points,
    };
    rule.time_steps = steps.iter().map(step).collect();
}

const FLOOR: &[&str] = &["floor_price"];
const CAP: &[&str] = &["cap_price"];
const PERCENT: &[&str] = &["demand_steps[0].sold_percent"];
const RISE: &[&str] = &["demand_steps[0].change_basis_points"];
const DEMAND: &[&str] = &["demand_steps[0]"];
const SPAN: &[&str] = &["time_steps[0].before_show"];
const FALL: &[&str] = &["time_steps[0].change_basis_points"];
const TIME: &[&str] = &["time_steps[0]"];

const SPOILS: &[Spoil] = &[
    (|r| r.base_price = None, &["base_price"]),
    (|r| r.base_price = amount("EUR", -1, 0), &["base_price"]),
    (
        |r| r.base_price = amount("", 50, 0),
        &["base_price.currency_code"],
    ),
    (|r| r.floor_price = Some(euros(50, 0)), FLOOR),
    (|r| r.floor_price = amount("EUR", -1, 0), FLOOR),
    (|r| r.floor_price = amount("EUR", 1, 1), FLOOR),
    (
        |r| r.floor_price = amount("USD", 1, 0),
        &["floor_price.currency_code"],
    ),
    (
        |r| r.floor_price = amount("", 1, 0),
        &["floor_price.currency_code"],
    ),
    (|r| r.cap_price = Some(euros(49, 98)), CAP),
    (|r| r.cap_price = amount("EUR", i64::MAX, 0), CAP),
    (
        |r| r.cap_price = amount("USD", 90, 0),
        &["cap_price.currency_code"],
    ),
    (|r| demand(r, &[(101, 0)]), PERCENT),
    (|r| demand(r, &[(256, 0)]), DEMAND),
    (|r| demand(r, &[(u32::MAX, 0)]), DEMAND),
    (|r| demand(r, &[(0, 1_000_001)]), RISE),
    (|r| demand(r, &[(0, -1)]), DEMAND),
    (
        |r| demand(r, &[(50, 1), (50, 1)]),
        &["demand_steps[1].sold_percent"],
    ),
    (
        |r| demand(r, &[(50, 1), (40, 1)]),
        &["demand_steps[1].sold_percent"],
    ),
    (
        |r| demand(r, &[(50, 2), (60, 1)]),
        &["demand_steps[1].change_basis_points"],
    ),
    (
        |r| demand(r, &(0..51).map(|i| (i, 0)).collect::<Vec<_>>()),
        &["demand_steps"],
    ),
    (|r| r.demand_basis = 3, &["demand_basis"]),
    (|r| r.demand_basis = -1, &["demand_basis"]),
    (|r| over_time(r, &[(-1, 0)]), TIME),
    (|r| over_time(r, &[(TEN_YEARS + 1, 0)]), SPAN),
    (|r| over_time(r, &[(i64::MAX, 0)]), SPAN),
    (|r| over_time(r, &[(0, 1)]), FALL),
    (|r| over_time(r, &[(0, -10_001)]), FALL),
    (
        |r| over_time(r, &[(9, -1), (9, -1)]),
        &["time_steps[1].before_show"],
    ),
    (
        |r| over_time(r, &[(9, -1), (10, -1)]),
        &["time_steps[1].before_show"],
    ),
    (
        |r| over_time(r, &[(9, -2), (8, -1)]),
        &["time_steps[1].change_basis_points"],
    ),
    (
        |r| over_time(r, &(0..51).map(|i| (60 - i, 0)).collect::<Vec<_>>()),
        &["time_steps"],
    ),
    (|r| r.time_steps = vec![v1::TimeStep::default()], TIME),
    (
        |r| {
            let before_show = Some(Duration {
                seconds: 1,
                nanos: 1,
            });
            r.time_steps = vec![v1::TimeStep {
                before_show,
                change_basis_points: 0,
            }];
        },
        TIME,
    ),
    (|r| r.interpolation = 3, &["interpolation"]),
    (
        |r| {
            r.floor_price = Some(euros(50, 0));
            r.cap_price = Some(euros(1, 0));
            demand(r, &[(101, -0), (0, 1_000_001)]);
            over_time(r, &[(5, 1), (5, 2)]);
        },
        &[
            "floor_price",
            "cap_price",
            "demand_steps[0].sold_percent",
            "demand_steps[1].change_basis_points",
            "demand_steps[1].sold_percent",
            "time_steps[0].change_basis_points",
            "time_steps[1].change_basis_points",
            "time_steps[1].before_show",
            "time_steps[1].change_basis_points",
        ],
    ),
];

#[tokio::test]
async fn a_price_rule_is_refused_for_each_field_that_is_nonsense() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let (id, fresh) = (fresh_pool(), fresh_pool());
    let with_show = |pricing| v1::Pool {
        pricing: Some(pricing),
        show_time: time(4_000_000_000),
        ..a_pool(10)
    };
    let sound = fixed_price(euros(49, 99));
    let pool = with_show(sound.clone());
    caller.create(&id, pool).await.expect("a new name");
    for (spoil, fields) in SPOILS {
        let mut rule = sound.clone();
        spoil(&mut rule);
        let paths = |prefix: &str| -> Vec<_> {
            fields
                .iter()
                .map(|field| format!("{prefix}.{field}"))
                .collect()
        };
        let change = pricing_request(&id, rule.clone());
        let answer = caller.commands.change_pricing(change).await;
        let expected = paths("pricing");
        violates(
            answer,
            &expected.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        let create = create_request(&fresh, with_show(rule));
        let answer = caller.commands.create_pool(create).await;
        let expected = paths("pool.pricing");
        violates(
            answer,
            &expected.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    }
    let no_rule = v1::ChangePricingRequest {
        pricing: None,
        ..pricing_request(&id, sound)
    };
    let answer = caller.commands.change_pricing(no_rule).await;
    violates(answer, &["pricing.base_price"]);
    assert_eq!(log::events(&shop.database, &id).await.len(), 1);
    assert_eq!(log::events(&shop.database, &fresh).await.len(), 0);
}

#[tokio::test]
async fn a_price_that_follows_the_time_needs_a_show_and_every_limit_can_be_reached() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let mut rule = v1::Pricing {
        floor_price: Some(euros(49, 99)),
        cap_price: Some(euros(49, 99)),
        ..fixed_price(euros(49, 99))
    };
    let rises: Vec<_> = (51..101).map(|percent| (percent, 1_000_000)).collect();
    demand(&mut rule, &rises);
    let falls: Vec<_> = (0..50).map(|i| (TEN_YEARS - i, -10_000)).collect();
    over_time(&mut rule, &falls);
    let mut pool = v1::Pool {
        pricing: Some(rule),
        ..a_pool(10)
    };
    let answer = caller
        .commands
        .create_pool(create_request(&id, pool.clone()))
        .await;
    violates(answer, &["pool.pricing.time_steps"]);
    pool.show_time = time(4_000_000_000);
    caller.create(&id, pool).await.expect("at every limit");
}
