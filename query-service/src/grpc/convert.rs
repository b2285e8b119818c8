//! Pools as the contract writes them.

mod claims;
mod events;
mod history;
mod pricing;
mod projections;
mod refusals;
mod sales;

use std::time::Duration;

use onsale_proto::{Money, name, v1};
use onsale_shared::{
    event::{Labels, Limits, Schedule},
    log::Position,
    money::{Amount, Currency},
    time::Timestamp,
    token::ConsistencyToken,
};

use crate::pool::{Pool, Sale, SaleStatus};

pub(super) use claims::{claim, claim_with_tickets, customer_entry, ticket};
pub(super) use events::{chain, event};
pub(super) use history::price_changes;
pub(super) use pricing::quote;
pub(super) use projections::projections;
pub(super) use refusals::refusals;
pub(super) use sales::{bounds, sales_report};

/// More than any pool has: a customer's limit that is higher, as of pools of before there was one, limits nothing.
const CUSTOMER_TICKETS_MAX: u32 = 10_000_000;

/// The counts of a pool; `as_of` says up to when all its events are counted, and when it has this price and status.
pub(super) fn availability(pool: &Pool, as_of: Timestamp) -> v1::Availability {
    let (counts, moment) = (pool.counts, pool.moment(as_of));
    v1::Availability {
        pool: name::pool(pool.id.as_str()),
        capacity: counts.capacity().into(),
        sold: counts.sold().into(),
        held: counts.held().into(),
        available: counts.available().into(),
        sale_status: sale_status(pool.sale_status(moment)).into(),
        unit_price: pool.unit_price(moment).map(money),
        version: pool.version.get(),
        as_of_time: Some(timestamp(as_of)),
    }
}

/// A pool with its counts.
pub(super) fn pool(pool: &Pool, as_of: Timestamp) -> v1::Pool {
    let details = pool.details.as_deref();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let time = |of: fn(&Schedule) -> Option<Timestamp>| {
        details.and_then(|d| of(&d.schedule)).map(timestamp)
    };
    let span = |of: fn(&Limits) -> Duration| details.and_then(|d| of(&d.limits).try_into().ok());
    v1::Pool {
        name: name::pool(pool.id.as_str()),
        display_name: text(details.and_then(|d| Some(d.display_name.as_ref()?.as_str()))),
        promoter: text(details.and_then(|d| Some(d.promoter.as_ref()?.as_str()))),
        show: text(details.and_then(|d| Some(d.show.as_ref()?.as_str()))),
        labels: details.map_or_else(Labels::new, |d| d.labels.clone()),
        show_time: time(|schedule| schedule.show_time),
        sales_start_time: time(|schedule| schedule.sales_start_time),
        sales_end_time: time(|schedule| schedule.sales_end_time),
        capacity: pool.counts.capacity().into(),
        pricing: details.map(|d| pricing::pricing(&d.pricing)),
        max_tickets_per_order: details.map_or(0, |d| d.limits.max_tickets_per_order),
        max_tickets_per_customer: details.map_or(0, |d| {
            d.limits.max_tickets_per_customer.min(CUSTOMER_TICKETS_MAX)
        }),
        claim_duration: span(|limits| limits.claim_duration),
        late_purchase_window: span(|limits| limits.late_purchase_window),
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

/// What an operator must look at comes first.
fn state(pool: &Pool) -> v1::PoolState {
    match pool.sale {
        _ if pool.corrupted => v1::PoolState::Corrupted,
        Sale::Cancelled => v1::PoolState::Cancelled,
        Sale::Stopped(_) => v1::PoolState::Stopped,
        Sale::Selling => v1::PoolState::Active,
    }
}

fn sale_status(status: SaleStatus) -> v1::SaleStatus {
    match status {
        SaleStatus::NotOpen => v1::SaleStatus::NotOpen,
        SaleStatus::Open => v1::SaleStatus::Open,
        SaleStatus::Stopped => v1::SaleStatus::Stopped,
        SaleStatus::SoldOutForNow => v1::SaleStatus::SoldOutForNow,
        SaleStatus::SoldOut => v1::SaleStatus::SoldOut,
        SaleStatus::Ended => v1::SaleStatus::Ended,
        SaleStatus::Cancelled => v1::SaleStatus::Cancelled,
    }
}

fn money(amount: Amount) -> Money {
    money_of(amount.minor.get(), amount.currency)
}

fn money_of(minor: i64, currency: Currency) -> Money {
    let (units, nanos) = currency.to_units(minor);
    Money {
        currency_code: currency.code().to_owned(),
        units,
        nanos,
    }
}

pub(super) fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = time.seconds_and_nanos();
    prost_types::Timestamp {
        seconds,
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
