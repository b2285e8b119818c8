use std::sync::Arc;

use onsale_shared::{event::StopMode, log::Version, text::Reference};

use super::*;
use crate::pool::{
    Counts, Details,
    tests::{details, pool_of},
};

fn second(number: i64) -> Timestamp {
    Timestamp::from_micros(number * 1_000_000)
}

/// A pool of 10 that sells from second 10 to second 20; 3 are sold, 2 are held.
fn sample() -> Pool {
    let schedule = Schedule {
        show_time: Some(second(30)),
        sales_start_time: Some(second(10)),
        sales_end_time: Some(second(20)),
    };
    let details = Details {
        promoter: Some(Reference::parse("acme").unwrap()),
        schedule,
        ..details()
    };
    Pool {
        counts: Counts::new(10, 3, 2).unwrap(),
        version: Version::new(9).unwrap(),
        ..pool_of("abc", 10, details)
    }
}

#[test]
fn a_pool_is_written_as_the_contract_says() {
    let message = pool(&sample(), Timestamp::from_micros(11_500_000));
    assert_eq!(message.name, "pools/abc");
    assert_eq!(message.etag, "9");
    assert_eq!(
        (message.promoter.as_str(), message.show.as_str()),
        ("acme", "")
    );
    assert_eq!(message.claim_duration.unwrap().seconds, 600);
    assert_eq!(message.late_purchase_window.unwrap().seconds, 900);
    assert_eq!(
        (
            message.max_tickets_per_order,
            message.max_tickets_per_customer
        ),
        (4, 8)
    );
    let times = [
        message.sales_start_time,
        message.sales_end_time,
        message.show_time,
    ];
    assert_eq!(times.map(|time| time.unwrap().seconds), [10, 20, 30]);
    assert_eq!(message.state(), v1::PoolState::Active);
    let counts = message.availability.unwrap();
    assert_eq!(
        (counts.capacity, counts.sold, counts.held, counts.available),
        (10, 3, 2, 5)
    );
    assert_eq!(counts.sale_status(), v1::SaleStatus::Open);
    assert_eq!(counts.as_of_time.unwrap().nanos, 500_000_000);
    let price = counts.unit_price.unwrap();
    assert_eq!((price.units, price.nanos), (49, 0));
}

#[test]
fn a_status_is_that_of_the_answers_time() {
    let at = |seconds| availability(&sample(), second(seconds)).sale_status();
    assert_eq!(at(9), v1::SaleStatus::NotOpen);
    assert_eq!(at(10), v1::SaleStatus::Open);
    assert_eq!(at(20), v1::SaleStatus::Ended);
}

#[test]
fn corruption_is_shown_before_a_cancellation_and_a_stop() {
    let of = |sale, corrupted| {
        state(&Pool {
            sale,
            corrupted,
            ..sample()
        })
    };
    let stopped = Sale::Stopped(StopMode::VoidClaims);
    assert_eq!(of(Sale::Selling, false), v1::PoolState::Active);
    assert_eq!(of(stopped, false), v1::PoolState::Stopped);
    assert_eq!(of(Sale::Cancelled, false), v1::PoolState::Cancelled);
    for sale in [Sale::Selling, stopped, Sale::Cancelled] {
        assert_eq!(of(sale, true), v1::PoolState::Corrupted);
    }
}

#[test]
fn a_limit_of_before_there_was_one_is_one_that_a_promoter_may_set() {
    let mut old = sample();
    let details = Arc::make_mut(old.details.as_mut().unwrap());
    details.limits.max_tickets_per_customer = u32::MAX;
    let message = pool(&old, second(0));
    assert_eq!(message.max_tickets_per_customer, 10_000_000);
}

#[test]
fn a_pool_without_creation_can_be_shown() {
    let unknown = Pool {
        details: None,
        counts: Counts::NONE,
        corrupted: true,
        ..sample()
    };
    let message = pool(&unknown, Timestamp::default());
    assert_eq!(message.pricing, None);
    assert_eq!(
        message.availability.unwrap().sale_status(),
        v1::SaleStatus::Stopped
    );
}
