//! Pools as the contract writes them.

use onsale_proto::{Money, name, v1};
use onsale_shared::{
    event::Labels, log::Position, money::Amount, time::Timestamp, token::ConsistencyToken,
};

use crate::pool::{Pool, SaleStatus};

/// The counts of a pool; `as_of` says up to when all its events are counted.
pub(super) fn availability(pool: &Pool, as_of: Timestamp) -> v1::Availability {
    let counts = pool.counts;
    v1::Availability {
        pool: name::pool(pool.id.as_str()),
        capacity: counts.capacity().into(),
        sold: counts.sold().into(),
        held: counts.held().into(),
        available: counts.available().into(),
        sale_status: sale_status(pool.sale_status()).into(),
        unit_price: pool.unit_price().map(money),
        version: pool.version.get(),
        as_of_time: Some(timestamp(as_of)),
    }
}

/// A pool with its counts.
pub(super) fn pool(pool: &Pool, as_of: Timestamp) -> v1::Pool {
    let details = pool.details.as_deref();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    v1::Pool {
        name: name::pool(pool.id.as_str()),
        display_name: text(details.and_then(|d| Some(d.display_name.as_ref()?.as_str()))),
        promoter: text(details.and_then(|d| Some(d.promoter.as_ref()?.as_str()))),
        show: text(details.and_then(|d| Some(d.show.as_ref()?.as_str()))),
        labels: details.map_or_else(Labels::new, |d| d.labels.clone()),
        show_time: details.and_then(|d| d.show_time).map(timestamp),
        capacity: pool.counts.capacity().into(),
        pricing: pool.unit_price().map(|base_price| v1::Pricing {
            base_price: Some(money(base_price)),
        }),
        max_tickets_per_order: details.map_or(0, |d| d.max_tickets_per_order),
        claim_duration: details.and_then(|d| d.claim_duration.try_into().ok()),
        state: state(pool).into(),
        availability: Some(availability(pool, as_of)),
        etag: pool.version.to_string(),
        create_time: Some(timestamp(pool.create_time)),
        update_time: Some(timestamp(pool.update_time)),
    }
}

/// The token of all events up to `position`.
pub(super) fn token(position: Position) -> String {
    ConsistencyToken::new(position).encode()
}

fn state(pool: &Pool) -> v1::PoolState {
    if pool.corrupted {
        v1::PoolState::Corrupted
    } else if pool.stop.is_some() {
        v1::PoolState::Stopped
    } else {
        v1::PoolState::Active
    }
}

fn sale_status(status: SaleStatus) -> v1::SaleStatus {
    match status {
        SaleStatus::Open => v1::SaleStatus::Open,
        SaleStatus::Stopped => v1::SaleStatus::Stopped,
        SaleStatus::SoldOutForNow => v1::SaleStatus::SoldOutForNow,
        SaleStatus::SoldOut => v1::SaleStatus::SoldOut,
    }
}

fn money(amount: Amount) -> Money {
    let (units, nanos) = amount.to_units();
    Money {
        currency_code: amount.currency.code().to_owned(),
        units,
        nanos,
    }
}

fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = time.seconds_and_nanos();
    prost_types::Timestamp {
        seconds,
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use onsale_shared::{
        event::{Pricing, StopMode},
        id::PoolId,
        log::Version,
        money::{Currency, Minor},
        text::Reference,
    };

    use super::*;
    use crate::pool::{Counts, Details};

    fn sample() -> Pool {
        Pool {
            details: Some(Arc::new(Details {
                display_name: None,
                promoter: Reference::parse("acme").ok(),
                show: None,
                labels: Labels::from([("tier".to_owned(), "a".to_owned())]),
                show_time: None,
                pricing: Pricing {
                    currency: Currency::parse("EUR").unwrap(),
                    base_price: Minor::new(4_950).unwrap(),
                },
                max_tickets_per_order: 4,
                claim_duration: Duration::from_secs(600),
            })),
            counts: Counts::new(10, 3, 2).unwrap(),
            version: Version::new(9).unwrap(),
            ..Pool::unknown(PoolId::parse("abc").unwrap(), Timestamp::default())
        }
    }

    #[test]
    fn a_pool_is_written_as_the_contract_says() {
        let message = pool(&sample(), Timestamp::from_micros(1_500_000));
        assert_eq!(message.name, "pools/abc");
        assert_eq!(message.etag, "9");
        assert_eq!(
            (message.promoter.as_str(), message.show.as_str()),
            ("acme", "")
        );
        assert_eq!(message.claim_duration.unwrap().seconds, 600);
        assert_eq!(message.state(), v1::PoolState::Active);
        let counts = message.availability.unwrap();
        assert_eq!(
            (counts.capacity, counts.sold, counts.held, counts.available),
            (10, 3, 2, 5)
        );
        assert_eq!(counts.sale_status(), v1::SaleStatus::Open);
        assert_eq!(counts.as_of_time.unwrap().nanos, 500_000_000);
        let price = counts.unit_price.unwrap();
        assert_eq!((price.units, price.nanos), (49, 500_000_000));
    }

    #[test]
    fn corruption_is_shown_before_a_stop() {
        let stopped = Pool {
            stop: Some(StopMode::VoidClaims),
            ..sample()
        };
        assert_eq!(state(&stopped), v1::PoolState::Stopped);
        let corrupted = Pool {
            corrupted: true,
            ..stopped
        };
        assert_eq!(state(&corrupted), v1::PoolState::Corrupted);
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
}
