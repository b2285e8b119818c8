//! Lists of pools, from the read model `pools`.

use onsale_shared::id::PoolId;

use super::{Freshness, Page, Paged, Queries, QueryError};
use crate::{
    availability::Progress,
    pool::Pool,
    read_models::pools::{PROJECTION, PoolFilter, list},
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
        self.wait_for_checkpoint(freshness.required, freshness.deadline)
            .await;
        let asked = page.clone();
        let reading = self.read_at(PROJECTION, freshness, move |connection| {
            let (filter, page) = (filter.clone(), asked.clone());
            Box::pin(async move {
                let (progress, pools) = list(connection, &filter, &page).await?;
                Ok((progress, Some(pools)))
            })
        });
        let (pools, included) = reading.await?;
        Ok((page.of(pools, |pool| pool.id.clone()), included))
    }
}
