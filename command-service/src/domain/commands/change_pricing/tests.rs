use std::time::Duration;

use onsale_shared::{
    money::Amount,
    pricing::{Pricing as Rule, TimeStep},
};

use super::*;
use crate::domain::commands::testing::*;

fn falling() -> Rule {
    Rule {
        time_steps: vec![TimeStep {
            before_show: Duration::from_hours(1),
            change_basis_points: -1_000,
        }],
        ..Rule::fixed(euros(1_000))
    }
}

#[test]
fn the_rule_is_replaced_as_a_whole() {
    Given::events([created()])
        .when(change_pricing(1_000))
        .then([price_changed(1_000)]);
}

#[test]
fn a_live_claim_keeps_its_price() {
    Given::events([created(), claimed(1, 1), price_changed(1)])
        .when(buy(1, &[]))
        .then([bought(1, 1)]);
}

#[test]
fn the_currency_never_changes() {
    let yen = Currency::parse("JPY").unwrap();
    let rule = Rule::fixed(Amount {
        currency: yen,
        ..euros(1_000)
    });
    Given::events([created()])
        .when(change_rule(rule))
        .refused(&Rejection::WrongCurrency {
            field: "pricing.base_price.currency_code",
            given: yen,
            expected: euros(0).currency,
        });
}

#[test]
fn a_price_that_follows_the_time_needs_a_show_time() {
    Given::events([created()])
        .when(change_rule(falling()))
        .refused(&Rejection::ShowTimeRequired {
            field: "pricing.time_steps",
        });
    let with_show = created_with(|pool| pool.schedule.show_time = Some(minute(600)));
    let events = Given::events([with_show])
        .when(change_rule(falling()))
        .events();
    assert_eq!(events.len(), 1);
}

#[test]
fn a_stopped_pool_can_get_another_price() {
    let stopped = stopped(onsale_shared::event::StopMode::VoidClaims);
    Given::events([created(), stopped])
        .when(change_pricing(1_000))
        .then([price_changed(1_000)]);
}

#[test]
fn an_unknown_pool_is_not_found() {
    Given::nothing()
        .when(change_pricing(1))
        .refused(&Rejection::PoolNotFound);
}
