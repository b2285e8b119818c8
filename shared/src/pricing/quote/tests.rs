use super::*;
use crate::pricing::{
    BEFORE_SHOW_MAX, Interpolation,
    testing::{
        CAPACITY_MAX, SHOW, Scene, before, demand_steps, extreme, fixed, micros_before, minor,
        rules, scenes, sold, time_steps,
    },
};
use proptest::prelude::*;

mod oracle;

/// A rule of 49.99 EUR whose price rises at 25 and 50 percent, and falls 30 days and 1 day before the show.
fn concert(interpolation: Interpolation) -> Pricing {
    let mut rule = fixed("EUR", 4_999);
    rule.demand_steps = demand_steps(&[(25, 500), (50, 2_000)]);
    rule.time_steps = time_steps(&[(30 * 86_400, -500), (86_400, -3_000)]);
    rule.interpolation = interpolation;
    rule
}

fn units(rule: &Pricing, demand: Demand, at: Timestamp) -> i64 {
    rule.unit_price(demand, at, Some(SHOW)).minor.get()
}

/// With no time steps reached.
fn by_demand(rule: &Pricing, demand: Demand) -> i64 {
    units(
        rule,
        demand,
        before(BEFORE_SHOW_MAX.as_secs().cast_signed()),
    )
}

#[test]
fn a_rule_without_steps_gives_its_base_price() {
    let rule = fixed("JPY", 5_000);
    for demand in [sold(0, 1), sold(1, 1), Demand::default()] {
        assert_eq!(rule.unit_price(demand, SHOW, None).to_string(), "5000 JPY");
    }
}

#[test]
fn a_demand_step_counts_from_its_percent_on() {
    let rule = concert(Interpolation::Step);
    // 49.99 * 1.05 = 52.4895, 49.99 * 1.20 = 59.988
    let prices = [0, 249, 250, 499, 500, 1_000].map(|n| by_demand(&rule, sold(n, 1_000)));
    assert_eq!(prices, [4_999, 4_999, 5_249, 5_249, 5_999, 5_999]);
}

#[test]
fn a_percent_is_compared_exactly() {
    let rule = concert(Interpolation::Step);
    // 25 percent of 7 are 1.75 tickets, of 10,000,000 are 2,500,000.
    let prices = [
        (1, 7),
        (2, 7),
        (2_499_999, CAPACITY_MAX),
        (2_500_000, CAPACITY_MAX),
    ];
    let prices = prices.map(|(n, of)| by_demand(&rule, sold(n, of)));
    assert_eq!(prices, [4_999, 5_249, 4_999, 5_249]);
}

#[test]
fn a_time_step_counts_from_its_moment_on_and_after_the_show() {
    let rule = concert(Interpolation::Step);
    let day = 86_400_000_000;
    let at = |micros| units(&rule, sold(0, 1_000), micros_before(micros));
    // 49.99 * 0.95 = 47.4905, 49.99 * 0.70 = 34.993
    assert_eq!(
        [at(30 * day + 1), at(30 * day), at(day + 1), at(day)],
        [4_999, 4_749, 4_749, 3_499]
    );
    assert_eq!([at(0), at(-1), at(-9_000 * day)], [3_499; 3]);
}

#[test]
fn demand_and_time_add_up_before_they_are_applied() {
    let rule = concert(Interpolation::Step);
    // 49.99 * (1 + 0.20 - 0.05) = 57.4885, not 49.99 * 1.20 * 0.95 = 56.9886
    assert_eq!(units(&rule, sold(600, 1_000), before(86_401)), 5_749);
}

#[test]
fn a_linear_rule_follows_the_line_between_two_steps() {
    let rule = concert(Interpolation::Linear);
    // Half way from 25 to 50 percent: 500 + 1500 / 2 = 1250 basis points; 49.99 * 1.125 = 56.23875
    let prices = [249, 250, 375, 500, 900].map(|n| by_demand(&rule, sold(n, 1_000)));
    assert_eq!(prices, [4_999, 5_249, 5_624, 5_999, 5_999]);
    // Half way from 30 days to 1 day: -500 - 2500 / 2 = -1750 basis points; 49.99 * 0.825 = 41.24175
    let half_way = 86_400 * 31 / 2;
    assert_eq!(units(&rule, sold(0, 1_000), before(half_way)), 4_124);
    // 1 + 0.125 - 0.175 = 0.95
    assert_eq!(units(&rule, sold(375, 1_000), before(half_way)), 4_749);
}

#[test]
fn the_line_is_a_fraction_until_the_price_is_rounded() {
    let mut rule = fixed("EUR", 1_000_000);
    rule.interpolation = Interpolation::Linear;
    rule.demand_steps = demand_steps(&[(0, 0), (100, 1)]);
    // 1,000,000 * (1/3 basis point) = 33.33
    assert_eq!(by_demand(&rule, sold(1, 3)), 1_000_033);
}

#[test]
fn a_price_half_way_goes_to_the_even_neighbour() {
    let mut rule = fixed("KWD", 10);
    rule.demand_steps = demand_steps(&[(0, 500), (50, 1_500)]);
    // 10.5 and 11.5 fils
    assert_eq!(by_demand(&rule, sold(0, 2)), 10);
    assert_eq!(by_demand(&rule, sold(1, 2)), 12);
    rule.demand_steps = demand_steps(&[(0, 501)]);
    assert_eq!(
        rule.unit_price(sold(0, 2), SHOW, None).to_string(),
        "0.011 KWD"
    );
}

#[test]
fn no_price_is_below_the_floor_or_above_the_cap() {
    let mut rule = concert(Interpolation::Step);
    rule.floor_price = minor(4_000);
    rule.cap_price = Some(minor(5_500));
    assert_eq!(units(&rule, sold(0, 1_000), SHOW), 4_000);
    assert_eq!(by_demand(&rule, sold(500, 1_000)), 5_500);
    assert_eq!(by_demand(&rule, sold(250, 1_000)), 5_249);
}

#[test]
fn held_tickets_count_only_when_the_rule_says_so() {
    let mut rule = concert(Interpolation::Step);
    let demand = Demand {
        capacity: 1_000,
        sold: 249,
        held: 1,
    };
    assert_eq!(by_demand(&rule, demand), 4_999);
    rule.demand_basis = DemandBasis::Committed;
    assert_eq!(by_demand(&rule, demand), 5_249);
}

#[test]
fn without_a_show_time_only_demand_counts() {
    let rule = concert(Interpolation::Step);
    assert_eq!(
        rule.unit_price(sold(250, 1_000), SHOW, None).minor,
        minor(5_249)
    );
}

#[test]
fn a_capacity_of_nothing_is_0_percent_sold() {
    let mut rule = concert(Interpolation::Step);
    assert_eq!(by_demand(&rule, sold(5, 0)), 4_999);
    rule.demand_steps = demand_steps(&[(0, 1_000)]);
    assert_eq!(by_demand(&rule, sold(5, 0)), 5_499);
}

#[test]
fn the_largest_rules_stay_within_128_bits() {
    let mut longest_lines = extreme(Interpolation::Linear);
    longest_lines.demand_steps = demand_steps(&[(0, 999_999), (100, 1_000_000)]);
    let longest = BEFORE_SHOW_MAX.as_secs();
    longest_lines.time_steps = time_steps(&[(longest, 0), (0, -1)]);
    for rule in [
        extreme(Interpolation::Step),
        extreme(Interpolation::Linear),
        longest_lines,
    ] {
        for left in [longest, longest - 1, 1, 0].map(u64::cast_signed) {
            let demand = sold(CAPACITY_MAX - 1, CAPACITY_MAX);
            let scene = Scene {
                rule: rule.clone(),
                demand,
                at: before(left),
                show_time: Some(SHOW),
            };
            let price = i128::from(scene.price().minor.get());
            assert_eq!(price, oracle::unit_price(&scene));
            assert!(price > 100 * 1_000_000_000_000);
        }
    }
}

/// Numbers that nobody validated, the extremes among them.
fn wild_rules() -> impl Strategy<Value = Pricing> {
    let time = (any::<Option<u64>>(), any::<i32>())
        .prop_map(|(seconds, change)| (seconds.unwrap_or(u64::MAX), change));
    (
        rules(),
        (0..=i64::MAX, 0..=i64::MAX, any::<Option<i64>>()),
        prop::collection::vec(any::<(u8, u32)>(), 0..60),
        prop::collection::vec(time, 0..60),
    )
        .prop_map(|(mut rule, (base, floor, cap), demand, time)| {
            rule.base_price = minor(base);
            rule.floor_price = minor(floor);
            rule.cap_price = cap.and_then(Minor::new);
            rule.demand_steps = demand_steps(&demand);
            rule.time_steps = time_steps(&time);
            rule
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_price_is_that_of_naive_fractions(scene in scenes()) {
        prop_assert_eq!(i128::from(scene.price().minor.get()), oracle::unit_price(&scene));
    }

    #[test]
    fn the_price_never_falls_as_tickets_are_sold(scene in scenes(), more in any::<prop::sample::Index>()) {
        let rest = scene.demand.capacity - scene.demand.sold;
        let more = u32::try_from(more.index(rest as usize + 1)).unwrap();
        prop_assert!(scene.with_more(more).price().minor >= scene.price().minor);
    }

    #[test]
    fn the_price_never_rises_as_time_passes(scene in scenes(), micros in prop_oneof![0..3_000_000_i64, 0..400_000_000_000_000_i64]) {
        let later = Timestamp::from_micros(scene.at.as_micros() + micros);
        prop_assert!(scene.at(later).price().minor <= scene.price().minor);
    }

    #[test]
    fn the_price_is_within_floor_and_cap(scene in scenes()) {
        let price = scene.price();
        prop_assert_eq!(price.currency, scene.rule.currency);
        prop_assert!(price.minor >= scene.rule.floor_price);
        prop_assert!(scene.rule.cap_price.is_none_or(|cap| price.minor <= cap));
    }

    #[test]
    fn a_quote_has_the_price_and_its_parts(scene in scenes()) {
        let quote = scene.rule.quote(scene.demand, scene.at, scene.show_time);
        prop_assert_eq!(quote.unit_price, scene.price());
        let parts = &quote.explanation;
        let demand = parts.demand.map_or(Change::NONE, |part| part.change);
        let time = parts.time.map_or(Change::NONE, |part| part.change);
        let raw = scene.rule.raw((demand, time));
        let held = raw != i128::from(quote.unit_price.minor.get());
        prop_assert!(!held || parts.clamp.is_some());
    }

    #[test]
    fn no_rule_and_no_counts_make_a_price_fail(
        rule in wild_rules(),
        (capacity, sold, held) in any::<(u32, u32, u32)>(),
        at in any::<i64>().prop_map(Timestamp::from_micros),
        show_time in any::<Option<i64>>().prop_map(|micros| micros.map(Timestamp::from_micros)),
    ) {
        let demand = Demand { capacity, sold, held };
        let quote = rule.quote(demand, at, show_time);
        prop_assert!(rule.cap_price.is_none_or(|cap| quote.unit_price.minor <= cap));
        prop_assert!(!quote.explanation.to_string().is_empty());
        prop_assert!(rule.violations(true).len() < 1_000);
        let (sold, times) = rule.preview_points(capacity, at, show_time);
        prop_assert!(sold.len() <= 64 && times.len() <= 52);
    }
}

#[test]
fn what_outgrows_its_bits_costs_the_cap_or_the_most_there_is() {
    let mut beyond_64 = fixed("EUR", i64::MAX);
    beyond_64.demand_steps = demand_steps(&[(0, u32::MAX)]);
    let mut beyond_128 = fixed("EUR", 1);
    beyond_128.interpolation = Interpolation::Linear;
    beyond_128.demand_steps = demand_steps(&[(0, 0), (255, 0)]);
    beyond_128.time_steps = time_steps(&[(u64::MAX, i32::MIN), (0, i32::MAX)]);
    for mut rule in [beyond_64, beyond_128] {
        let demand = sold(u32::MAX, u32::MAX);
        assert_eq!(units(&rule, demand, before(1)), i64::MAX);
        rule.cap_price = Some(minor(7));
        assert_eq!(units(&rule, demand, before(1)), 7);
    }
}
