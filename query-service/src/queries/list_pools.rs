//! Lists of pools, from the read model `pools`.

use onsale_shared::id::PoolId;

use super::{Freshness, Page, Paged, Queries, QueryError};
use crate::{
    availability::Progress,
    pool::Pool,
    projections::pools::POOLS,
    read_models::pools::{PoolFilter, list},
};

impl Queries {
    /// A page of pools, and what it includes.
    pub(crate) async fn list_pools(
        &self,
        filter: PoolFilter,
        page: Page<PoolId>,
        freshness: Freshness,
    ) -> Result<(Paged<Pool, PoolId>, Progress), QueryError> {
        self.check_ready()?;
        let asked = page.clone();
        let reading = self.read(&POOLS, freshness, move |connection, _as_of| {
            let (filter, page) = (filter.clone(), asked.clone());
            Box::pin(async move { list(connection, &filter, &page).await })
        });
        let (pools, included) = reading.await?;
        Ok((page.of(pools, |pool| pool.id.clone()), included))
    }
}
