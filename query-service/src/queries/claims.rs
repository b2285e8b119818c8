//! Claims and tickets, from the read model `claims`.

use onsale_shared::{
    id::{ClaimId, PoolId},
    log::Position,
};

use super::{Freshness, OfPool, Page, Paged, Priced, Queries, QueryError};
use crate::{
    availability::Progress,
    projections::claims::CLAIMS,
    read_models::claims::{
        TicketRow,
        read::{self, ClaimFilter, ShownClaim, TicketFilter},
    },
};

/// A page of rows with their currencies, and what it includes.
type PricedPage<T> = (Paged<Priced<T>, Position>, Progress);

impl OfPool for ShownClaim {
    fn pool(&self) -> &PoolId {
        &self.row.pool
    }
}

impl OfPool for (ShownClaim, Vec<TicketRow>) {
    fn pool(&self) -> &PoolId {
        self.0.pool()
    }
}

impl OfPool for TicketRow {
    fn pool(&self) -> &PoolId {
        &self.pool
    }
}

impl Queries {
    /// A claim as it is now with its tickets, and what the answer includes.
    pub(crate) async fn get_claim(
        &self,
        pool: &PoolId,
        id: ClaimId,
        freshness: Freshness,
    ) -> Result<(Priced<(ShownClaim, Vec<TicketRow>)>, Progress), QueryError> {
        self.check_ready()?;
        self.check_pool(pool, freshness).await?;
        let of = pool.clone();
        let reading = self.read(&CLAIMS, freshness, move |connection, as_of| {
            let pool = of.clone();
            Box::pin(async move { read::claim(connection, &pool, id, as_of).await })
        });
        let (found, included) = reading.await?;
        let unknown = || QueryError::UnknownClaim(pool.clone(), id);
        let found = vec![found.ok_or_else(unknown)?];
        let priced = self.priced(found, included, freshness.deadline);
        let priced = priced.await?.pop().ok_or_else(unknown)?;
        Ok((priced, included))
    }

    /// Claims as they are now.
    pub(crate) async fn list_claims(
        &self,
        filter: ClaimFilter,
        page: Page<Position>,
        freshness: Freshness,
    ) -> Result<PricedPage<ShownClaim>, QueryError> {
        self.check_ready()?;
        if let Some(pool) = &filter.pool {
            self.check_pool(pool, freshness).await?;
        }
        let asked = page.clone();
        let reading = self.read(&CLAIMS, freshness, move |connection, as_of| {
            let (filter, page) = (filter.clone(), asked.clone());
            Box::pin(async move { read::claims(connection, &filter, &page, as_of).await })
        });
        let (rows, included) = reading.await?;
        let Paged { rows, next } = page.of(rows, |claim| claim.row.position);
        let priced = self.priced(rows, included, freshness.deadline);
        let rows = priced.await?;
        Ok((Paged { rows, next }, included))
    }

    /// Tickets.
    pub(crate) async fn list_tickets(
        &self,
        filter: TicketFilter,
        page: Page<Position>,
        freshness: Freshness,
    ) -> Result<PricedPage<TicketRow>, QueryError> {
        self.check_ready()?;
        if let Some(pool) = &filter.pool {
            self.check_pool(pool, freshness).await?;
        }
        let (asked, of) = (page.clone(), filter.clone());
        let reading = self.read(&CLAIMS, freshness, move |connection, _as_of| {
            let (filter, page) = (of.clone(), asked.clone());
            Box::pin(async move {
                let rows = read::tickets(connection, &filter, &page).await?;
                // A claim without such tickets is another answer than no claim.
                let is_known = match (&filter.pool, filter.claim, rows.is_empty()) {
                    (Some(pool), Some(claim), true) => {
                        read::has_claim(connection, pool, claim).await?
                    }
                    _ => true,
                };
                Ok((rows, is_known))
            })
        });
        let ((rows, is_known), included) = reading.await?;
        if let (false, Some(pool), Some(claim)) = (is_known, filter.pool, filter.claim) {
            return Err(QueryError::UnknownClaim(pool, claim));
        }
        let Paged { rows, next } = page.of(rows, |ticket| ticket.position);
        let priced = self.priced(rows, included, freshness.deadline);
        let rows = priced.await?;
        Ok((Paged { rows, next }, included))
    }
}
