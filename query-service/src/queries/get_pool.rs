//! One pool, from the read model `pools`.

use onsale_shared::id::PoolId;

use super::{Freshness, Queries, QueryError};
use crate::{availability::Progress, pool::Pool, projections::pools::POOLS, read_models::pools};

impl Queries {
    /// The pool, and what the answer includes.
    pub(crate) async fn get_pool(
        &self,
        id: &PoolId,
        freshness: Freshness,
    ) -> Result<(Pool, Progress), QueryError> {
        self.check_ready()?;
        // One statement, so that the most frequent of these reads costs one round trip.
        let reading = self.read_at(POOLS.name, freshness, |connection| {
            let id = id.clone();
            Box::pin(async move {
                let (included, found) = pools::find(connection, &id).await?;
                Ok((included, Some(found)))
            })
        });
        let (found, included) = reading.await?;
        let found = found.ok_or_else(|| QueryError::UnknownPool(id.clone()))?;
        Ok((found, included))
    }
}
