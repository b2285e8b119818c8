//! The counts of one pool, from memory.

use std::sync::Arc;

use onsale_shared::id::PoolId;

use super::{Freshness, Queries, QueryError};
use crate::{availability::Progress, pool::Pool};

impl Queries {
    /// The pool, and what the answer includes.
    pub(crate) async fn get_availability(
        &self,
        id: &PoolId,
        freshness: Freshness,
    ) -> Result<(Arc<Pool>, Progress), QueryError> {
        self.wait_for_memory(freshness).await?;
        let found = self.hub.get(id);
        found.ok_or_else(|| QueryError::UnknownPool(id.clone()))
    }
}
