use std::{sync::Arc, time::Duration};

use onsale_shared::{
    event::{Schedule, StopMode},
    pricing::{DemandBasis, DemandStep, Interpolation, Pricing, TimeStep},
};

use proptest::prelude::*;

use super::*;
use crate::pool::{
    Counts, Details,
    tests::{cents, details, pool_of},
};

fn second(number: i64) -> Timestamp {
    Timestamp::from_micros(number * 1_000_000)
}

/// A microsecond earlier.
fn before(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_micros() - 1)
}

fn with_counts(capacity: u32, sold: u32, held: u32) -> Pool {
    Pool {
        counts: Counts::new(capacity, sold, held).unwrap(),
        ..pool_of("abc", capacity, details())
    }
}

/// A pool of 3 that sells from second 10 to second 20.
fn windowed() -> Pool {
    let schedule = Schedule {
        show_time: None,
        sales_start_time: Some(second(10)),
        sales_end_time: Some(second(20)),
    };
    let details = Details {
        schedule,
        ..details()
    };
    pool_of("abc", 3, details)
}

/// A pool whose price falls by a tenth 60 seconds before the show, and by another one 30 seconds before.
fn stepped(interpolation: Interpolation) -> Pool {
    let step = |seconds, change_basis_points| TimeStep {
        before_show: Duration::from_secs(seconds),
        change_basis_points,
    };
    let pricing = Pricing {
        time_steps: vec![step(60, -1_000), step(30, -2_000)],
        interpolation,
        ..Pricing::fixed(cents(5_000))
    };
    let schedule = Schedule {
        show_time: Some(second(100)),
        ..Schedule::default()
    };
    let details = Details {
        pricing,
        schedule,
        ..details()
    };
    pool_of("abc", 3, details)
}

#[test]
fn without_a_window_the_status_follows_from_the_counts() {
    let status = |capacity, sold, held| with_counts(capacity, sold, held).sale_status(second(0));
    assert_eq!(status(3, 0, 0), SaleStatus::Open);
    assert_eq!(status(3, 1, 1), SaleStatus::Open);
    assert_eq!(status(3, 2, 1), SaleStatus::SoldOutForNow);
    assert_eq!(status(3, 0, 3), SaleStatus::SoldOutForNow);
    assert_eq!(status(3, 3, 0), SaleStatus::SoldOut);
}

#[test]
fn a_window_begins_and_ends_exactly_at_its_moments() {
    let pool = windowed();
    let status = |at| pool.sale_status(at);
    assert_eq!(status(before(second(10))), SaleStatus::NotOpen);
    assert_eq!(status(second(10)), SaleStatus::Open);
    assert_eq!(status(before(second(20))), SaleStatus::Open);
    assert_eq!(status(second(20)), SaleStatus::Ended);
}

#[test]
fn the_first_status_that_applies_wins() {
    let sold_out = Pool {
        counts: Counts::new(3, 3, 0).unwrap(),
        ..windowed()
    };
    let stopped = Pool {
        sale: Sale::Stopped(StopMode::FinishClaims),
        ..sold_out.clone()
    };
    let corrupted = Pool {
        corrupted: true,
        ..sold_out.clone()
    };
    let cancelled = Pool {
        sale: Sale::Cancelled,
        corrupted: true,
        ..sold_out.clone()
    };
    let cases = [
        (
            &sold_out,
            [SaleStatus::NotOpen, SaleStatus::SoldOut, SaleStatus::Ended],
        ),
        (&stopped, [SaleStatus::Stopped; 3]),
        (&corrupted, [SaleStatus::Stopped; 3]),
        (&cancelled, [SaleStatus::Cancelled; 3]),
    ];
    for (pool, expected) in cases {
        let actual = [0, 15, 30].map(|at| pool.sale_status(second(at)));
        assert_eq!(actual, expected);
    }
}

#[test]
fn time_changes_a_status_only_where_the_promoter_lets_it() {
    let pool = windowed();
    assert_eq!(pool.next_change_after(second(0)), Some(second(10)));
    assert_eq!(pool.next_change_after(before(second(10))), Some(second(10)));
    assert_eq!(pool.next_change_after(second(10)), Some(second(20)));
    assert_eq!(pool.next_change_after(second(20)), None);
    for sale in [Sale::Stopped(StopMode::VoidClaims), Sale::Cancelled] {
        let pool = Pool { sale, ..windowed() };
        assert_eq!(pool.next_change_after(second(0)), None);
    }
    let fixed = pool_of("abc", 3, details());
    assert_eq!(fixed.next_change_after(second(0)), None);
}

#[test]
fn a_price_falls_at_its_steps() {
    let pool = stepped(Interpolation::Step);
    let price = |at| pool.unit_price(at);
    assert_eq!(price(second(39)), Some(cents(5_000)));
    assert_eq!(price(second(40)), Some(cents(4_500)));
    assert_eq!(price(second(70)), Some(cents(4_000)));
    assert_eq!(pool.next_change_after(second(0)), Some(second(40)));
    assert_eq!(pool.next_change_after(second(40)), Some(second(70)));
    assert_eq!(pool.next_change_after(second(70)), None);
}

#[test]
fn a_price_on_a_line_changes_at_most_once_a_second() {
    let pool = stepped(Interpolation::Linear);
    let mut changes = vec![second(40)];
    while let Some(next) = pool.next_change_after(changes[changes.len() - 1]) {
        changes.push(next);
    }
    assert_eq!(changes, (40..=70).map(second).collect::<Vec<_>>());
}

#[test]
fn whichever_comes_first_is_the_next_change() {
    let mut pool = stepped(Interpolation::Step);
    let details = Arc::make_mut(pool.details.as_mut().unwrap());
    details.schedule.sales_end_time = Some(second(50));
    assert_eq!(pool.next_change_after(second(0)), Some(second(40)));
    assert_eq!(pool.next_change_after(second(40)), Some(second(50)));
    assert_eq!(pool.next_change_after(second(50)), Some(second(70)));
}

#[test]
fn a_price_rises_with_what_is_sold_and_held() {
    let mut pool = with_counts(10, 4, 1);
    let details = Arc::make_mut(pool.details.as_mut().unwrap());
    details.pricing.demand_steps = vec![DemandStep {
        sold_percent: 50,
        change_basis_points: 1_000,
    }];
    assert_eq!(pool.unit_price(second(0)), Some(cents(4_900)));
    let details = Arc::make_mut(pool.details.as_mut().unwrap());
    details.pricing.demand_basis = DemandBasis::Committed;
    assert_eq!(pool.unit_price(second(0)), Some(cents(5_390)));
}

#[test]
fn an_answer_is_never_of_before_the_pools_last_event() {
    let pool = Pool {
        update_time: second(10),
        ..windowed()
    };
    assert_eq!(pool.moment(second(9)), second(10));
    assert_eq!(pool.moment(second(11)), second(11));
}

/// Windows of any kind, also one that ends before it begins; prices with one or two time steps.
fn any_pool() -> impl Strategy<Value = Pool> {
    let moment = || prop::option::of((0_i64..60).prop_map(second));
    let step = |seconds, change_basis_points| TimeStep {
        before_show: Duration::from_secs(seconds),
        change_basis_points,
    };
    let steps = (5_u64..30, 0_u64..5, -900_i32..=0, -2_000_i32..=-900)
        .prop_map(move |(far, near, small, great)| vec![step(far, small), step(near, great)]);
    let interpolation = prop_oneof![Just(Interpolation::Step), Just(Interpolation::Linear)];
    let counts = (0_u32..=1, 0_u32..=1);
    (moment(), moment(), moment(), steps, interpolation, counts).prop_map(
        |(sales_start_time, sales_end_time, show_time, time_steps, interpolation, (sold, held))| {
            let schedule = Schedule {
                show_time,
                sales_start_time,
                sales_end_time,
            };
            let pricing = Pricing {
                time_steps,
                interpolation,
                ..Pricing::fixed(cents(999))
            };
            let details = Details {
                schedule,
                pricing,
                ..details()
            };
            Pool {
                counts: Counts::new(2, sold, held).unwrap(),
                ..pool_of("abc", 2, details)
            }
        },
    )
}

proptest! {
    /// Moments are whole seconds here, so every one of them can be looked at.
    #[test]
    fn the_next_change_is_the_first_moment_that_is_another(pool in any_pool(), at in 0_i64..80) {
        let seen = |at| (pool.sale_status(second(at)), pool.unit_price(second(at)));
        let first = (at + 1..100).find(|&later| seen(later) != seen(at));
        prop_assert_eq!(pool.next_change_after(second(at)), first.map(second));
    }
}
