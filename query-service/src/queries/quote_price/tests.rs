use std::time::Duration;

use onsale_shared::{
    event::Schedule,
    pricing::{DemandStep, Pricing, TimeStep},
};

use super::*;
use crate::pool::{
    Counts,
    tests::{cents, details, pool_of},
};

fn second(number: i64) -> Timestamp {
    Timestamp::from_micros(number * 1_000_000)
}

/// 10 tickets of 50.00, 4 sold and 1 held; a tenth more from half of them sold on, a tenth less 60 seconds before the
/// show at second 100; at most 4 an order.
fn sample(demand_basis: DemandBasis) -> Pool {
    let pricing = Pricing {
        demand_steps: vec![DemandStep {
            sold_percent: 50,
            change_basis_points: 1_000,
        }],
        demand_basis,
        time_steps: vec![TimeStep {
            before_show: Duration::from_secs(60),
            change_basis_points: -1_000,
        }],
        ..Pricing::fixed(cents(5_000))
    };
    let details = Details {
        pricing,
        pricing_version: 3,
        schedule: Schedule {
            show_time: Some(second(100)),
            ..Schedule::default()
        },
        ..details()
    };
    Pool {
        counts: Counts::new(10, 4, 1).unwrap(),
        ..pool_of("abc", 10, details)
    }
}

fn query() -> QuoteQuery {
    QuoteQuery {
        pool: PoolId::parse("abc").unwrap(),
        quantity: 1,
        time: None,
        preview_sold: Vec::new(),
        preview_times: Vec::new(),
    }
}

fn quoted(query: &QuoteQuery) -> PriceQuote {
    quote(&sample(DemandBasis::Sold), query, second(0)).unwrap()
}

/// The fields that are refused.
fn refused(query: &QuoteQuery) -> Vec<String> {
    let error = quote(&sample(DemandBasis::Sold), query, second(0)).unwrap_err();
    let QueryError::Wrong(fields) = error else {
        panic!("{error}");
    };
    fields.into_iter().map(|field| field.name).collect()
}

#[test]
fn a_quote_is_for_now_unless_it_is_for_another_time() {
    let now = quoted(&query());
    assert_eq!((now.unit_price, now.time), (cents(5_000), second(0)));
    assert_eq!((now.pricing_version, now.seconds_to_show), (3, Some(100)));
    let later = quoted(&QuoteQuery {
        time: Some(second(40)),
        ..query()
    });
    assert_eq!((later.unit_price, later.time), (cents(4_500), second(40)));
    assert_eq!(later.seconds_to_show, Some(60));
}

#[test]
fn all_tickets_of_an_order_cost_the_same() {
    let order = quoted(&QuoteQuery {
        quantity: 4,
        ..query()
    });
    assert_eq!(order.unit_price, cents(5_000));
    assert_eq!(order.total_price, Some(cents(20_000)));
}

#[test]
fn held_tickets_count_where_the_rule_says_so() {
    assert_eq!(quoted(&query()).demand_tickets, 4);
    let committed = quote(&sample(DemandBasis::Committed), &query(), second(0)).unwrap();
    assert_eq!(committed.demand_tickets, 5);
    assert_eq!(committed.unit_price, cents(5_500));
}

#[test]
fn what_the_pool_does_not_allow_is_named() {
    let too_much = QuoteQuery {
        quantity: 5,
        preview_sold: vec![0, 11, 10, 12],
        ..query()
    };
    assert_eq!(
        refused(&too_much),
        ["quantity", "preview_sold[1]", "preview_sold[3]"]
    );
}

#[test]
fn a_preview_is_a_grid_of_what_was_asked_for() {
    let points = |sold: &[u32], times: &[i64]| -> Vec<_> {
        let quote = quoted(&QuoteQuery {
            preview_sold: sold.to_vec(),
            preview_times: times.iter().copied().map(second).collect(),
            ..query()
        });
        let point = |point: &PricePoint| (point.sold, point.time, point.unit_price.minor.get());
        quote.preview.iter().map(point).collect()
    };
    assert_eq!(points(&[], &[]), []);
    assert_eq!(
        points(&[0, 5], &[]),
        [(0, second(0), 5_000), (5, second(0), 5_500)]
    );
    assert_eq!(points(&[], &[99]), [(4, second(99), 4_500)]);
    assert_eq!(
        points(&[5, 0], &[0, 99]),
        [
            (5, second(0), 5_500),
            (5, second(99), 5_000),
            (0, second(0), 5_000),
            (0, second(99), 4_500)
        ]
    );
}

#[test]
fn a_pool_without_creation_has_no_price() {
    let unknown = Pool {
        details: None,
        ..sample(DemandBasis::Sold)
    };
    let refusal = quote(&unknown, &query(), second(0)).unwrap_err();
    assert!(matches!(refusal, QueryError::NoPrice { .. }), "{refusal}");
}

#[test]
fn seconds_to_the_show_are_rounded_up() {
    let micros = Timestamp::from_micros;
    assert_eq!(seconds_between(micros(1), second(1)), 1);
    assert_eq!(seconds_between(micros(1_000_000), second(1)), 0);
    assert_eq!(seconds_between(micros(1_000_001), second(1)), 0);
    assert_eq!(seconds_between(micros(2_000_000), second(1)), -1);
}
