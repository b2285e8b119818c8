//! Rows with the currency that their amounts are in. A pool's currency never changes, so it comes from memory.

use onsale_shared::{
    id::PoolId,
    money::{Amount, Currency, Minor},
};
use tokio::time::Instant;

use super::{Freshness, Queries, QueryError};
use crate::availability::Progress;

/// A row of a pool, and the pool's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Priced<T> {
    pub(crate) row: T,
    /// None if the log does not say what the pool sells.
    pub(crate) currency: Option<Currency>,
}

/// What belongs to a pool.
pub(crate) trait OfPool {
    /// Which.
    fn pool(&self) -> &PoolId;
}

impl<T> Priced<T> {
    /// Minor units as an amount.
    pub(crate) fn amount(&self, minor: Minor) -> Option<Amount> {
        let currency = self.currency?;
        Some(Amount { currency, minor })
    }
}

impl Queries {
    /// The rows with their currencies. Another replica may have written rows of a pool that this one has not heard of
    /// yet; then it waits for its memory.
    pub(super) async fn priced<T: OfPool>(
        &self,
        rows: Vec<T>,
        included: Progress,
        deadline: Instant,
    ) -> Result<Vec<Priced<T>>, QueryError> {
        if rows.iter().any(|row| self.hub.get(row.pool()).is_none()) {
            self.wait_for_memory(Freshness {
                required: included.position,
                deadline,
            })
            .await?;
        }
        let mut last: Option<(PoolId, Option<Currency>)> = None;
        let priced = rows.into_iter().map(|row| {
            let id = row.pool();
            let currency = match &last {
                // Neighbours are often of one pool.
                Some((known, currency)) if known == id => *currency,
                Some(_) | None => {
                    let currency = self.currency(id);
                    last = Some((id.clone(), currency));
                    currency
                }
            };
            Priced { row, currency }
        });
        Ok(priced.collect())
    }

    /// Refuses a pool that is unknown when all that is required is known.
    pub(super) async fn check_pool(
        &self,
        pool: &PoolId,
        freshness: Freshness,
    ) -> Result<(), QueryError> {
        if self.hub.get(pool).is_none() {
            self.wait_for_memory(freshness).await?;
        }
        let found = self.hub.get(pool);
        found
            .map(drop)
            .ok_or_else(|| QueryError::UnknownPool(pool.clone()))
    }

    fn currency(&self, pool: &PoolId) -> Option<Currency> {
        let (pool, _) = self.hub.get(pool)?;
        Some(pool.details.as_ref()?.pricing.currency)
    }
}
