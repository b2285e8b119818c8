//! The story of a customer, from the read model `customers`.

use onsale_shared::{id::PoolId, log::Position};

use super::{Freshness, OfPool, Page, Paged, Priced, Queries, QueryError};
use crate::{
    availability::Progress,
    projections::customers::CUSTOMERS,
    read_models::customers::{
        CustomerEntry,
        read::{self, StoryFilter},
    },
};

impl OfPool for CustomerEntry {
    fn pool(&self) -> &PoolId {
        &self.pool
    }
}

impl Queries {
    /// A page of what happened to a customer, and what it includes.
    pub(crate) async fn customer_history(
        &self,
        filter: StoryFilter,
        page: Page<Position>,
        freshness: Freshness,
    ) -> Result<(Paged<Priced<CustomerEntry>, Position>, Progress), QueryError> {
        self.check_ready()?;
        if let Some(pool) = &filter.pool {
            self.check_pool(pool, freshness).await?;
        }
        let asked = page.clone();
        let reading = self.read(&CUSTOMERS, freshness, move |connection, _as_of| {
            let (filter, page) = (filter.clone(), asked.clone());
            Box::pin(async move { read::entries(connection, &filter, &page).await })
        });
        let (rows, included) = reading.await?;
        let Paged { rows, next } = page.of(rows, |entry| entry.position);
        let priced = self.priced(rows, included, freshness.deadline);
        let rows = priced.await?;
        Ok((Paged { rows, next }, included))
    }
}
