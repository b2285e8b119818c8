//! The price that is locked.

use onsale_shared::pricing::{DemandBasis, DemandStep, TimeStep};

use super::*;

/// +10 % from half sold on, and -50 % from 5 minutes before the show on.
fn moving_price(basis: DemandBasis) -> PoolEvent {
    created_with(|pool| {
        pool.schedule.show_time = Some(minute(10));
        pool.pricing.demand_basis = basis;
        pool.pricing.demand_steps = vec![DemandStep {
            sold_percent: 50,
            change_basis_points: 1_000,
        }];
        pool.pricing.time_steps = vec![TimeStep {
            before_show: Duration::from_mins(5),
            change_basis_points: -5_000,
        }];
    })
}

fn price_of(given: Given, quantity: u32) -> i64 {
    let tickets = claimed_tickets(given.when(claim(quantity)).events());
    let prices: Vec<_> = tickets.iter().map(|ticket| ticket.unit_price).collect();
    assert!(
        prices.iter().all(|price| *price == prices[0]),
        "the same for every ticket"
    );
    prices[0].get()
}

#[test]
fn the_price_is_that_of_the_counts_before_the_order() {
    let with_sold = |number| {
        let events = [moving_price(DemandBasis::Sold)].into_iter();
        Given::events(events.chain(sold(number)))
    };
    assert_eq!(
        price_of(with_sold(4), 4),
        4_999,
        "not by what it buys itself"
    );
    assert_eq!(price_of(with_sold(5), 1), 5_499, "54.989 rounds up");
}

#[test]
fn held_tickets_raise_the_price_only_where_the_promoter_says_so() {
    let with_held = |basis| {
        let events = [moving_price(basis)].into_iter();
        Given::events(events.chain(held(5)))
    };
    assert_eq!(price_of(with_held(DemandBasis::Sold), 1), 4_999);
    assert_eq!(price_of(with_held(DemandBasis::Committed), 1), 5_499);
}

#[test]
fn dead_claims_that_go_back_do_not_raise_the_price() {
    let pool = created_with(|pool| {
        pool.capacity = 5;
        pool.pricing.demand_basis = DemandBasis::Committed;
        pool.pricing.demand_steps = vec![DemandStep {
            sold_percent: 100,
            change_basis_points: 1_000,
        }];
    });
    let events = [pool].into_iter().chain(held(5));
    let given = Given::events(events).after_minutes(CLAIM_MINUTES);
    assert_eq!(price_of(given, 1), 4_999);
}

#[test]
fn the_price_falls_as_the_show_comes_nearer() {
    let at = |minutes| Given::events([moving_price(DemandBasis::Sold)]).after_minutes(minutes);
    assert_eq!(price_of(at(4), 1), 4_999);
    assert_eq!(price_of(at(5), 1), 2_500, "24.995 rounds to even");
}

#[test]
fn the_claim_names_the_rule_that_set_its_price() {
    let events = [created(), price_changed(1_000), price_changed(2_000)];
    let tickets = claimed_tickets(Given::events(events).when(claim(1)).events());
    assert_eq!(tickets[0].pricing_version, 3);
    assert_eq!(tickets[0].unit_price, euros(2_000).minor);
}
