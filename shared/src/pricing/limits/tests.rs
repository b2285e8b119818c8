use super::*;
use crate::pricing::testing::{demand_steps, fixed, minor, time_steps};

fn texts(rule: &Pricing) -> Vec<String> {
    let line = |(path, text)| format!("{path} {text}");
    rule.violations(true).into_iter().map(line).collect()
}

#[test]
fn a_rule_at_its_limits_is_one() {
    let mut rule = fixed("EUR", Minor::PRICE_MAX.get());
    rule.floor_price = rule.base_price;
    rule.cap_price = Some(rule.base_price);
    rule.demand_steps = demand_steps(&[(0, 0), (1, 0), (100, DEMAND_CHANGE_MAX)]);
    rule.time_steps = time_steps(&[(BEFORE_SHOW_MAX.as_secs(), 0), (1, 0), (0, TIME_CHANGE_MIN)]);
    assert_eq!(texts(&rule), Vec::<String>::new());
}

#[test]
fn floor_base_and_cap_rise() {
    let mut rule = fixed("EUR", 4_999);
    rule.floor_price = minor(5_000);
    rule.cap_price = Some(minor(4_998));
    assert_eq!(
        texts(&rule),
        [
            "floor_price must be at most the base price of 49.99 EUR",
            "cap_price must be at least the base price of 49.99 EUR",
        ]
    );
    let rule = fixed("EUR", Minor::PRICE_MAX.get() + 1);
    assert_eq!(
        texts(&rule),
        ["base_price must be at most 1000000000000 minor units"]
    );
}

#[test]
fn percents_rise_strictly_and_changes_never_fall() {
    let mut rule = fixed("EUR", 4_999);
    rule.demand_steps = demand_steps(&[(40, 500), (40, 500), (41, 499), (101, 1_000_001)]);
    assert_eq!(
        texts(&rule),
        [
            "demand_steps[1].sold_percent must be higher than the 40 of the step before",
            "demand_steps[2].change_basis_points must be at least the 500 of the step before",
            "demand_steps[3].sold_percent must be 0 to 100, not 101",
            "demand_steps[3].change_basis_points must be 0 to 1000000, not 1000001",
        ]
    );
}

#[test]
fn spans_fall_strictly_and_changes_never_rise() {
    let mut rule = fixed("EUR", 4_999);
    let too_long = BEFORE_SHOW_MAX.as_secs() + 1;
    rule.time_steps = time_steps(&[(too_long, 1), (60, -500), (60, -499), (0, -10_001)]);
    rule.time_steps[3].before_show = Duration::from_millis(1_500);
    assert_eq!(
        texts(&rule),
        [
            "time_steps[0].before_show must be whole seconds, 0 seconds to 10 years",
            "time_steps[0].change_basis_points must be -10000 to 0, not 1",
            "time_steps[2].before_show must be shorter than the 60s of the step before",
            "time_steps[2].change_basis_points must be at most the -500 of the step before",
            "time_steps[3].before_show must be whole seconds, 0 seconds to 10 years",
            "time_steps[3].change_basis_points must be -10000 to 0, not -10001",
        ]
    );
}

#[test]
fn there_are_at_most_50_steps_of_each_kind() {
    let mut rule = fixed("EUR", 4_999);
    let percents: Vec<_> = (0..=50).map(|percent| (percent, 0)).collect();
    rule.demand_steps = demand_steps(&percents);
    let spans: Vec<_> = (0..=50).rev().map(|seconds| (seconds, 0)).collect();
    rule.time_steps = time_steps(&spans);
    assert_eq!(
        texts(&rule),
        [
            "demand_steps must be at most 50, not 51",
            "time_steps must be at most 50, not 51",
        ]
    );
}

#[test]
fn time_steps_need_a_show_time() {
    let mut rule = fixed("EUR", 4_999);
    assert_eq!(rule.violations(false), vec![]);
    rule.time_steps = time_steps(&[(60, -500)]);
    assert_eq!(rule.violations(true), vec![]);
    assert_eq!(
        rule.violations(false),
        [(
            "time_steps".to_owned(),
            "need the pool to have a show time".to_owned()
        )]
    );
}
