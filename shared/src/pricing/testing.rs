//! Rules and situations for tests: some by hand, the others drawn at random within the limits.

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;

use super::{
    BEFORE_SHOW_MAX, DEMAND_CHANGE_MAX, Demand, DemandBasis, DemandStep, Interpolation, Pricing,
    SOLD_PERCENT_MAX, STEPS_MAX, TIME_CHANGE_MIN, TimeStep,
};
use crate::{
    money::{Amount, Currency, Minor},
    time::Timestamp,
};

pub(super) const CAPACITY_MAX: u32 = 10_000_000;

/// 2026-12-01T18:00:00Z
pub(super) const SHOW: Timestamp = Timestamp::from_micros(1_796_148_000_000_000);

pub(super) fn minor(units: i64) -> Minor {
    Minor::new(units).unwrap()
}

pub(super) fn fixed(code: &str, units: i64) -> Pricing {
    Pricing::fixed(Amount {
        currency: Currency::parse(code).unwrap(),
        minor: minor(units),
    })
}

pub(super) fn demand_steps(steps: &[(u8, u32)]) -> Vec<DemandStep> {
    let step = |&(sold_percent, change_basis_points)| DemandStep {
        sold_percent,
        change_basis_points,
    };
    steps.iter().map(step).collect()
}

pub(super) fn time_steps(steps: &[(u64, i32)]) -> Vec<TimeStep> {
    let step = |&(seconds, change_basis_points)| TimeStep {
        before_show: Duration::from_secs(seconds),
        change_basis_points,
    };
    steps.iter().map(step).collect()
}

/// So many of `capacity` sold, none held.
pub(super) fn sold(sold: u32, capacity: u32) -> Demand {
    Demand {
        capacity,
        sold,
        held: 0,
    }
}

/// So many microseconds before [`SHOW`].
pub(super) fn micros_before(micros: i64) -> Timestamp {
    Timestamp::from_micros(SHOW.as_micros() - micros)
}

/// So many seconds before [`SHOW`].
pub(super) fn before(seconds: i64) -> Timestamp {
    micros_before(seconds * 1_000_000)
}

/// A rule in a situation.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) rule: Pricing,
    pub(super) demand: Demand,
    pub(super) at: Timestamp,
    pub(super) show_time: Option<Timestamp>,
}

impl Scene {
    pub(super) fn price(&self) -> Amount {
        self.rule.unit_price(self.demand, self.at, self.show_time)
    }

    /// The same with so many tickets more.
    pub(super) fn with_more(&self, tickets: u32) -> Self {
        let mut other = self.clone();
        other.demand.sold += tickets;
        other
    }

    /// The same at another moment.
    pub(super) fn at(&self, at: Timestamp) -> Self {
        Self { at, ..self.clone() }
    }

    /// How many tickets the demand steps count.
    pub(super) fn counted(&self) -> u32 {
        match self.rule.demand_basis {
            DemandBasis::Sold => self.demand.sold,
            DemandBasis::Committed => self.demand.sold + self.demand.held,
        }
    }
}

fn drawn_demand_steps() -> impl Strategy<Value = Vec<DemandStep>> {
    let change = prop_oneof![0..2_000_u32, 0..=DEMAND_CHANGE_MAX];
    let step = (0..=SOLD_PERCENT_MAX, change);
    prop::collection::vec(step, 0..=8).prop_map(|drawn| {
        let percents: BTreeSet<u8> = drawn.iter().map(|step| step.0).collect();
        let mut changes: Vec<u32> = drawn.iter().map(|step| step.1).collect();
        changes.sort_unstable();
        let steps: Vec<(u8, u32)> = percents.into_iter().zip(changes).collect();
        demand_steps(&steps)
    })
}

fn drawn_time_steps() -> impl Strategy<Value = Vec<TimeStep>> {
    let span = prop_oneof![0..100_u64, 0..=BEFORE_SHOW_MAX.as_secs()];
    prop::collection::vec((span, TIME_CHANGE_MIN..=0), 0..=8).prop_map(|drawn| {
        let spans: BTreeSet<u64> = drawn.iter().map(|step| step.0).collect();
        let mut changes: Vec<i32> = drawn.iter().map(|step| step.1).collect();
        changes.sort_unstable_by(|a, b| b.cmp(a));
        let steps: Vec<(u64, i32)> = spans.into_iter().rev().zip(changes).collect();
        time_steps(&steps)
    })
}

/// Rules within their limits.
pub(super) fn rules() -> impl Strategy<Value = Pricing> {
    let base = prop_oneof![0..100_i64, 0..100_000_i64, 0..=Minor::PRICE_MAX.get()];
    (
        prop::sample::select(vec!["EUR", "JPY", "KWD"]),
        base,
        // The floor in hundredths of the base, what the cap is above it in hundredths of a hundredfold.
        prop::option::of(0..=100_i64),
        prop::option::of(prop_oneof![0..200_i64, 0..10_000_i64]),
        (drawn_demand_steps(), drawn_time_steps()),
        prop::sample::select(vec![DemandBasis::Sold, DemandBasis::Committed]),
        prop::sample::select(vec![Interpolation::Step, Interpolation::Linear]),
    )
        .prop_map(|(code, base, floor, cap, steps, basis, interpolation)| {
            let mut rule = fixed(code, base);
            rule.floor_price = minor(floor.map_or(0, |hundredths| base * hundredths / 100));
            rule.cap_price = cap.map(|hundredths| minor(base + base * hundredths / 100));
            (rule.demand_steps, rule.time_steps) = steps;
            rule.demand_basis = basis;
            rule.interpolation = interpolation;
            rule
        })
}

/// Rules within their limits, in situations at and around their steps.
pub(super) fn scenes() -> impl Strategy<Value = Scene> {
    let capacity = prop_oneof![1..=30_u32, 1..=CAPACITY_MAX];
    let near = prop_oneof![Just(0), -2..=2_i64, -3_000_000..=3_000_000_i64];
    let far = -1_000_000_000_000..=330_000_000_000_000_i64;
    (
        rules(),
        (
            capacity,
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
        ),
        (any::<prop::sample::Index>(), near, far, any::<bool>()),
        prop::bool::weighted(0.9),
    )
        .prop_map(
            |(rule, (capacity, sold, held), (step, near, far, at_step), has_show)| {
                let sold = u32::try_from(sold.index(capacity as usize + 1)).unwrap();
                let rest = capacity - sold;
                let held = u32::try_from(held.index(rest as usize + 1)).unwrap();
                let spans: Vec<u64> = rule
                    .time_steps
                    .iter()
                    .map(|step| step.before_show.as_secs())
                    .collect();
                let at = if at_step && !spans.is_empty() {
                    let span = i64::try_from(spans[step.index(spans.len())]).unwrap();
                    micros_before(span * 1_000_000 + near)
                } else {
                    micros_before(far)
                };
                Scene {
                    rule,
                    demand: Demand {
                        capacity,
                        sold,
                        held,
                    },
                    at,
                    show_time: has_show.then_some(SHOW),
                }
            },
        )
}

/// The largest rule that its limits allow, in every number.
pub(super) fn extreme(interpolation: Interpolation) -> Pricing {
    let longest = BEFORE_SHOW_MAX.as_secs();
    let mut rule = fixed("EUR", Minor::PRICE_MAX.get());
    rule.interpolation = interpolation;
    rule.demand_steps = (0..50_u8)
        .map(|index| DemandStep {
            sold_percent: SOLD_PERCENT_MAX - 2 * (49 - index),
            change_basis_points: DEMAND_CHANGE_MAX - u32::from(49 - index),
        })
        .collect();
    rule.time_steps = (0..50_i32)
        .map(|index| TimeStep {
            before_show: Duration::from_secs(longest - 6_000_000 * u64::from(index.unsigned_abs())),
            change_basis_points: -index,
        })
        .collect();
    assert_eq!(rule.demand_steps.len(), STEPS_MAX);
    rule
}

#[test]
fn the_rules_drawn_are_rules_of_sale() {
    proptest!(|(scene in scenes())| {
        prop_assert_eq!(scene.rule.violations(true), vec![]);
    });
    assert_eq!(extreme(Interpolation::Step).violations(true), vec![]);
}
