//! The projection `sales`: what was sold and refunded, for how much, per pool, minute and price. Of a batch one row a key
//! is written, on top of the one that is there: that each event counts once is the checkpoint's to hold.

use std::collections::HashMap;

use async_trait::async_trait;
use onsale_shared::{
    event::{EventType, PoolEvent},
    id::PoolId,
    money::Minor,
    time::Timestamp,
};
use sqlx::PgConnection;

use super::{ApplyError, Blocked, Entry, Projection, Projector, Table};
use crate::read_models::sales::{self, Row};

/// The projection `sales`.
pub(crate) static SALES: Projection = Projection {
    name: "sales",
    version: 1,
    tables_sql: include_str!("../read_models/sales/tables.sql"),
    indexes_sql: include_str!("../read_models/sales/indexes.sql"),
    tables: &[Table {
        name: "sales",
        key: "pool,minute,unit_price",
    }],
    projector: || Box::new(SalesProjector),
};

const MINUTE_MICROS: i64 = 60_000_000;

/// What tells rows apart: pool, minute and unit price.
pub(crate) type Key<'a> = (&'a PoolId, Timestamp, Minor);

/// What was sold and refunded. Beyond what 64 bits hold, amounts are still exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Bought and paid for.
    pub(crate) tickets: i64,
    /// Given away by the promoter.
    pub(crate) granted_tickets: i64,
    /// Of those that were paid for.
    pub(crate) refunded_tickets: i64,
    /// Of those that were given away.
    pub(crate) refunded_granted_tickets: i64,
    /// In minor units.
    pub(crate) revenue: i128,
    /// In minor units.
    pub(crate) refunds: i128,
}

impl Sums {
    /// Adds others to these.
    pub(crate) fn add(&mut self, more: &Self) {
        self.tickets += more.tickets;
        self.granted_tickets += more.granted_tickets;
        self.refunded_tickets += more.refunded_tickets;
        self.refunded_granted_tickets += more.refunded_granted_tickets;
        self.revenue += more.revenue;
        self.refunds += more.refunds;
    }
}

/// Needs no memory.
#[derive(Debug)]
struct SalesProjector;

#[async_trait]
impl Projector for SalesProjector {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        let sums = fold(entries)?;
        let mut rows: Vec<Row<'_>> = sums.into_iter().collect();
        // As the key's index has them.
        rows.sort_unstable_by_key(|(key, _)| *key);
        Ok(sales::add(connection, &rows).await?)
    }
}

/// The sums of a batch, each key once. Facts of other kinds are not even decoded.
fn fold<'a>(entries: &[&'a Entry]) -> Result<HashMap<Key<'a>, Sums>, Blocked> {
    let mut sums: HashMap<Key<'a>, Sums> = HashMap::new();
    for entry in entries {
        let Some(pool) = entry
            .pool
            .as_ref()
            .filter(|_| is_of_sales(&entry.event.kind))
        else {
            continue;
        };
        let minute = minute_of(entry.event.time);
        match entry.fact()? {
            PoolEvent::TicketBought(bought) => {
                let sum = sums.entry((pool, minute, bought.unit_price)).or_default();
                if bought.granted {
                    sum.granted_tickets += 1;
                } else {
                    sum.tickets += 1;
                }
                sum.revenue += i128::from(bought.unit_price.get());
            }
            PoolEvent::TicketRefunded(refunded) => {
                let sum = sums.entry((pool, minute, refunded.unit_price)).or_default();
                if refunded.granted {
                    sum.refunded_granted_tickets += 1;
                } else {
                    sum.refunded_tickets += 1;
                }
                sum.refunds += i128::from(refunded.unit_price.get());
            }
            PoolEvent::PoolCreated(_)
            | PoolEvent::TicketClaimed(_)
            | PoolEvent::ClaimExtended(_)
            | PoolEvent::TicketReleased(_)
            | PoolEvent::SalesStopped(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::PoolCancelled(_)
            | PoolEvent::CapacityChanged(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::LimitsChanged(_)
            | PoolEvent::CommandRefused(_) => {}
        }
    }
    Ok(sums)
}

fn is_of_sales(kind: &str) -> bool {
    kind == EventType::TicketBought.as_str() || kind == EventType::TicketRefunded.as_str()
}

/// The whole minute that a moment is in.
fn minute_of(time: Timestamp) -> Timestamp {
    let minutes = time.as_micros().div_euclid(MINUTE_MICROS);
    Timestamp::from_micros(minutes.saturating_mul(MINUTE_MICROS))
}

#[cfg(test)]
mod tests;
