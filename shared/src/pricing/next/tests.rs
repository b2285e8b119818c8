use super::*;
use crate::pricing::{
    Interpolation,
    testing::{SHOW, before, demand_steps, fixed, minor, scenes, sold, time_steps},
};
use proptest::prelude::*;

fn concert() -> Pricing {
    let mut rule = fixed("EUR", 4_999);
    rule.demand_steps = demand_steps(&[(25, 500), (50, 500), (75, 1_000)]);
    rule.time_steps = time_steps(&[(7_200, -500), (3_600, -500), (60, -1_000)]);
    rule
}

#[test]
fn the_next_change_of_time_is_the_next_step_that_changes_something() {
    let rule = concert();
    let next = |at| rule.next_time_change(sold(0, 100), at, Some(SHOW));
    assert_eq!(next(before(90_000)), Some(before(7_200)));
    assert_eq!(next(before(7_201)), Some(before(7_200)));
    assert_eq!(next(before(7_200)), Some(before(60)));
    assert_eq!(next(before(60)), None);
    assert_eq!(next(before(-60)), None);
    assert_eq!(
        rule.next_time_change(sold(0, 100), before(90_000), None),
        None
    );
}

#[test]
fn a_line_changes_the_price_at_the_first_second_that_moves_a_minor_unit() {
    let mut rule = fixed("EUR", 100);
    rule.interpolation = Interpolation::Linear;
    rule.time_steps = time_steps(&[(1_000, 0), (0, -10_000)]);
    // A cent every ten seconds; 99.5 is rounded up to 100, less is 99.
    let next = rule.next_time_change(sold(0, 1), before(1_000), Some(SHOW));
    assert_eq!(next, Some(before(994)));
}

#[test]
fn a_floor_hides_the_changes_below_it() {
    let mut rule = concert();
    rule.floor_price = minor(4_749);
    assert_eq!(
        rule.next_time_change(sold(0, 100), before(7_200), Some(SHOW)),
        None
    );
}

#[test]
fn the_next_change_of_demand_is_the_next_step_that_changes_something() {
    let rule = concert();
    let next = |n| {
        let next = rule.next_demand_change(sold(n, 100), SHOW, None)?;
        Some((next.more_tickets, next.unit_price.minor.get()))
    };
    assert_eq!(next(0), Some((25, 5_249)));
    assert_eq!(next(25), Some((50, 5_499)));
    assert_eq!(next(74), Some((1, 5_499)));
    assert_eq!(next(75), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_price_is_the_same_until_the_next_change_of_time(scene in scenes()) {
        let now = scene.price();
        match scene.rule.next_time_change(scene.demand, scene.at, scene.show_time) {
            Some(next) => {
                prop_assert!(next > scene.at);
                prop_assert_ne!(scene.at(next).price(), now);
                let just_before = Timestamp::from_micros(next.as_micros() - 1);
                prop_assert_eq!(scene.at(just_before).price(), now);
            }
            None => prop_assert_eq!(scene.at(before(-1_000_000)).price(), now),
        }
    }

    #[test]
    fn the_price_is_the_same_until_the_next_change_of_demand(scene in scenes()) {
        let now = scene.price();
        let rest = scene.demand.capacity - scene.counted();
        match scene.rule.next_demand_change(scene.demand, scene.at, scene.show_time) {
            Some(next) => {
                prop_assert!((1..=rest).contains(&next.more_tickets));
                prop_assert_ne!(next.unit_price, now);
                prop_assert_eq!(scene.with_more(next.more_tickets).price(), next.unit_price);
                prop_assert_eq!(scene.with_more(next.more_tickets - 1).price(), now);
            }
            None => prop_assert_eq!(scene.with_more(rest).price(), now),
        }
    }
}
