use crate::pricing::{
    Interpolation, Pricing,
    testing::{SHOW, before, demand_steps, fixed, scenes, sold, time_steps},
};
use crate::time::Timestamp;
use proptest::prelude::*;

fn concert() -> Pricing {
    let mut rule = fixed("EUR", 1_000);
    rule.demand_steps = demand_steps(&[(25, 1_000), (33, 2_000), (100, 9_000)]);
    rule.time_steps = time_steps(&[(7_200, -500), (60, -1_000)]);
    rule
}

#[test]
fn a_curve_has_all_times_of_a_number_before_the_next() {
    let times = [before(100), before(60)];
    let curve = concert().curve(10, &[0, 3], &times, Some(SHOW));
    let points: Vec<_> = curve
        .iter()
        .map(|point| (point.sold, point.time, point.unit_price.minor.get()))
        .collect();
    assert_eq!(
        points,
        [
            (0, times[0], 950),
            (0, times[1], 900),
            (3, times[0], 1_050),
            (3, times[1], 1_000),
        ]
    );
}

#[test]
fn a_preview_looks_where_the_price_changes() {
    let (sold, times) = concert().preview_points(30, before(3_600), Some(SHOW));
    assert_eq!(sold, [0, 3, 6, 8, 9, 10, 12, 15, 18, 21, 24, 27, 29]);
    assert_eq!(times, [before(3_600), before(60), SHOW]);
}

#[test]
fn a_preview_without_a_show_looks_at_now() {
    let (sold, times) = concert().preview_points(1, SHOW, None);
    assert_eq!((sold, times), (vec![0], vec![SHOW]));
    let (sold, times) = concert().preview_points(0, SHOW, Some(SHOW));
    assert_eq!((sold, times), (vec![0], vec![SHOW]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_preview_is_short_and_every_point_has_its_price(scene in scenes()) {
        let capacity = scene.demand.capacity;
        let (numbers, times) = scene.rule.preview_points(capacity, scene.at, scene.show_time);
        prop_assert!(numbers.len() <= 64 && times.len() <= 52);
        prop_assert!(numbers.is_sorted_by(|a, b| a < b) && numbers.iter().all(|&n| n < capacity));
        prop_assert!(times.is_sorted_by(|a, b| a < b) && times[0] == scene.at);
        let curve = scene.rule.curve(capacity, &numbers, &times, scene.show_time);
        prop_assert_eq!(curve.len(), numbers.len() * times.len());
        for point in curve {
            let price = scene.rule.unit_price(sold(point.sold, capacity), point.time, scene.show_time);
            prop_assert_eq!(point.unit_price, price);
        }
    }

    #[test]
    fn a_price_by_steps_changes_at_points_of_the_preview_only(mut scene in scenes()) {
        scene.rule.interpolation = Interpolation::Step;
        scene.demand.held = 0;
        let capacity = scene.demand.capacity;
        let (numbers, times) = scene.rule.preview_points(capacity, scene.at, scene.show_time);
        for pair in numbers.windows(2) {
            let price = |n| scene.rule.unit_price(sold(n, capacity), scene.at, scene.show_time);
            prop_assert_eq!(price(pair[0]), price(pair[1] - 1));
        }
        for pair in times.windows(2) {
            let just_before = Timestamp::from_micros(pair[1].as_micros() - 1);
            prop_assert_eq!(scene.at(pair[0]).price(), scene.at(just_before).price());
        }
    }
}
