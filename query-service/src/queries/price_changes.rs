//! How the price of a pool's tickets changed: what is written, and what time alone has done since the last event.

use onsale_shared::{id::PoolId, log::Position, money::Currency, time::Timestamp};

use super::{Freshness, Page, Paged, Queries, QueryError};
use crate::{
    projections::history::{HISTORY, PriceChange, changes_by_time},
    read_models::history::{self, ChangeKey},
};

/// Which changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PriceChangesQuery {
    pub(crate) pool: PoolId,
    /// From when on, and before when.
    pub(crate) range: [Option<Timestamp>; 2],
    pub(crate) page: Page<ChangeKey>,
}

/// A page of changes.
pub(crate) type PriceChanges = Paged<PriceChange, ChangeKey>;

impl Queries {
    /// The changes, the currency of the pool, and what they include.
    pub(crate) async fn list_price_changes(
        &self,
        query: &PriceChangesQuery,
        freshness: Freshness,
    ) -> Result<(PriceChanges, Currency, Position), QueryError> {
        self.check_ready()?;
        let (page, range) = (&query.page, query.range);
        let (asked, after, limit) = (query.pool.clone(), page.after, page.limit());
        let reading = self.read(&HISTORY, freshness, move |connection, _as_of| {
            let pool = asked.clone();
            Box::pin(async move {
                let newest = history::newest(connection, &pool).await?;
                let rows = history::price_changes(connection, &pool, range, after, limit).await?;
                Ok((newest, rows))
            })
        });
        let ((newest, mut rows), included) = reading.await?;
        let pool = newest.ok_or_else(|| QueryError::UnknownPool(query.pool.clone()))?;
        let details = pool.details.as_deref();
        let details = details.ok_or_else(|| QueryError::NoPrice {
            pool: query.pool.clone(),
            version: pool.version,
        })?;
        // What comes after all that is written, where it will be written once something happens.
        if rows.len() <= page.size {
            let since = changes_by_time(&pool, pool.moment(included.time));
            let [start, end] = range;
            rows.extend(since.into_iter().filter(|change| {
                start.is_none_or(|start| change.time >= start)
                    && end.is_none_or(|end| change.time < end)
                    && page.after.is_none_or(|after| key(change) > after)
            }));
        }
        let currency = details.pricing.currency;
        Ok((page.of(rows, key), currency, included.position))
    }
}

const fn key(change: &PriceChange) -> ChangeKey {
    (change.time, change.position, change.ordinal)
}
