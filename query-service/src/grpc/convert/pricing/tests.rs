use std::time::Duration;

use onsale_shared::{
    pricing::{Demand, DemandStep, TimeStep},
    time::Timestamp,
};

use super::*;
use crate::pool::tests::cents;

fn rule() -> Pricing {
    Pricing {
        floor_price: cents(3_000).minor,
        cap_price: Some(cents(9_000).minor),
        demand_steps: vec![DemandStep {
            sold_percent: 50,
            change_basis_points: 1_000,
        }],
        demand_basis: DemandBasis::Committed,
        time_steps: vec![TimeStep {
            before_show: Duration::from_secs(60),
            change_basis_points: -9_000,
        }],
        interpolation: Interpolation::Linear,
        ..Pricing::fixed(cents(5_000))
    }
}

/// A quote of two tickets with 4 sold of 10, at second 0 of a show at this second.
fn quote_of(rule: &Pricing, show: i64) -> v1::QuotePriceResponse {
    let demand = Demand {
        capacity: 10,
        sold: 4,
        held: 0,
    };
    let (now, show) = (
        Timestamp::default(),
        Timestamp::from_micros(show * 1_000_000),
    );
    let quoted = rule.quote(demand, now, Some(show));
    let quoted = PriceQuote {
        unit_price: quoted.unit_price,
        total_price: Some(cents(quoted.unit_price.minor.get() * 2)),
        pricing_version: 7,
        explanation: quoted.explanation,
        demand_tickets: 4,
        seconds_to_show: Some(1),
        preview: rule.curve(10, &[0, 9], &[now], Some(show)),
        time: now,
    };
    quote(&quoted, Position::START)
}

fn minor(money: Option<onsale_proto::Money>) -> i64 {
    let money = money.unwrap();
    assert_eq!(money.currency_code, "EUR");
    money.units * 100 + i64::from(money.nanos / 10_000_000)
}

#[test]
fn a_rule_is_written_whole() {
    let message = pricing(&rule());
    assert_eq!(minor(message.base_price.clone()), 5_000);
    assert_eq!(minor(message.floor_price.clone()), 3_000);
    assert_eq!(minor(message.cap_price.clone()), 9_000);
    assert_eq!(message.demand_basis(), v1::DemandBasis::Committed);
    assert_eq!(message.interpolation(), v1::Interpolation::Linear);
    let demand = &message.demand_steps[0];
    assert_eq!(
        (demand.sold_percent, demand.change_basis_points),
        (50, 1_000)
    );
    let time = &message.time_steps[0];
    assert_eq!(time.before_show.unwrap().seconds, 60);
    assert_eq!(time.change_basis_points, -9_000);
}

#[test]
fn what_a_rule_does_not_have_is_unset() {
    let message = pricing(&Pricing::fixed(cents(5_000)));
    assert_eq!(
        (message.floor_price.clone(), message.cap_price.clone()),
        (None, None)
    );
    assert_eq!(message.demand_basis(), v1::DemandBasis::Sold);
    assert_eq!(message.interpolation(), v1::Interpolation::Step);
    assert!(message.demand_steps.is_empty() && message.time_steps.is_empty());
}

#[test]
fn a_quote_says_what_why_and_until_when() {
    let answer = quote_of(&rule(), 1_000);
    assert_eq!(minor(answer.unit_price), 5_000);
    assert_eq!(minor(answer.total_price), 10_000);
    assert_eq!(answer.pricing_version, 7);
    let why = answer.explanation.unwrap();
    assert!(why.text.starts_with("base 50.00 EUR, "), "{}", why.text);
    assert_eq!(minor(why.base_price.clone()), 5_000);
    assert_eq!((why.demand_basis_points, why.time_basis_points), (0, 0));
    assert_eq!((why.demand_tickets, why.seconds_to_show), (4, 1));
    assert_eq!(why.bound(), v1::PriceBound::Unspecified);
    assert_eq!(why.next_change_tickets, 1);
    assert_eq!(minor(why.next_change_tickets_price), 5_500);
    assert_eq!(why.next_change_time.unwrap().seconds, 940);
    assert_eq!(minor(why.next_change_time_price), 3_000);
    let points = answer.preview.into_iter();
    let points = points.map(|point| (point.sold, minor(point.unit_price)));
    assert_eq!(points.collect::<Vec<_>>(), [(0, 5_000), (9, 5_500)]);
}

#[test]
fn a_bound_that_decides_is_named_and_no_change_is_unset() {
    let why = quote_of(&rule(), 10).explanation.unwrap();
    assert_eq!(why.bound(), v1::PriceBound::Floor);
    assert_eq!(why.time_basis_points, -9_000);
    assert_eq!(
        (why.next_change_time, why.next_change_time_price),
        (None, None)
    );
    let capped = Pricing {
        cap_price: Some(cents(5_000).minor),
        ..Pricing::fixed(cents(5_000))
    };
    let why = quote_of(&capped, 10).explanation.unwrap();
    assert_eq!(why.bound(), v1::PriceBound::Cap);
    assert_eq!(
        (why.next_change_tickets, why.next_change_tickets_price),
        (0, None)
    );
}
