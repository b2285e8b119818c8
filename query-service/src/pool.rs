//! A pool as the read side knows it: the fold of its events, in memory and as a row. It decides nothing on a sale; what
//! a ticket costs is `onsale_shared::pricing`'s to say.

mod counts;
mod outlook;

use std::sync::Arc;

use onsale_shared::{
    event::{Labels, Limits, Schedule, StopMode},
    id::PoolId,
    log::{Position, Version},
    pricing::Pricing,
    text::{Reference, Sentence},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

pub(crate) use counts::Counts;
pub(crate) use outlook::SaleStatus;

/// A pool at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) id: PoolId,
    /// None if the log has events of the pool but no creation; it is corrupted then.
    pub(crate) details: Option<Arc<Details>>,
    pub(crate) counts: Counts,
    pub(crate) sale: Sale,
    /// The log holds an event that contradicts the pool.
    pub(crate) corrupted: bool,
    pub(crate) version: Version,
    /// Of its last event.
    pub(crate) position: Position,
    pub(crate) create_time: Timestamp,
    pub(crate) update_time: Timestamp,
}

/// What seldom changes. Part of the format of tables: a field is added with a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Details {
    pub(crate) display_name: Option<Sentence>,
    pub(crate) promoter: Option<Reference>,
    pub(crate) show: Option<Reference>,
    pub(crate) labels: Labels,
    pub(crate) schedule: Schedule,
    pub(crate) pricing: Pricing,
    /// The rule that the pool was created with is 1.
    pub(crate) pricing_version: u32,
    pub(crate) limits: Limits,
}

/// What the promoter wants of the sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sale {
    /// The pool sells, within its sales window.
    Selling,
    /// Sales are stopped until they are resumed.
    Stopped(StopMode),
    /// The pool is cancelled for good.
    Cancelled,
}

impl Pool {
    /// Before its first event.
    pub(crate) const fn unknown(id: PoolId, create_time: Timestamp) -> Self {
        Self {
            id,
            details: None,
            counts: Counts::NONE,
            sale: Sale::Selling,
            corrupted: false,
            version: Version::START,
            position: Position::START,
            create_time,
            update_time: create_time,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use onsale_shared::money::{Amount, Currency, Minor};

    use super::*;

    /// A price of so many cents.
    pub(crate) fn cents(minor: i64) -> Amount {
        Amount {
            currency: Currency::parse("EUR").unwrap(),
            minor: Minor::new(minor).unwrap(),
        }
    }

    /// Details of a pool of 49.00 EUR, without a schedule.
    pub(crate) fn details() -> Details {
        Details {
            display_name: None,
            promoter: None,
            show: None,
            labels: Labels::new(),
            schedule: Schedule::default(),
            pricing: Pricing::fixed(cents(4_900)),
            pricing_version: 1,
            limits: Limits {
                max_tickets_per_order: 4,
                max_tickets_per_customer: 8,
                claim_duration: Duration::from_secs(600),
                late_purchase_window: Duration::from_secs(900),
            },
        }
    }

    /// A pool with `details` of which nothing is sold.
    pub(crate) fn pool_of(name: &str, capacity: u32, details: Details) -> Pool {
        Pool {
            details: Some(Arc::new(details)),
            counts: Counts::of_new_pool(capacity),
            ..Pool::unknown(PoolId::parse(name).unwrap(), Timestamp::default())
        }
    }
}
