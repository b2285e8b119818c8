//! Whose claims are, as the rows of the events say that made them.

use std::collections::HashMap;

use onsale_shared::{
    id::{ClaimId, PoolId},
    text::Reference,
};
use sqlx::PgConnection;

use crate::read_models::decode::{id, required};

/// The customers of those of the claims that are known. Runs in the generation's schema.
pub(crate) async fn owners(
    connection: &mut PgConnection,
    claims: &[(PoolId, ClaimId)],
) -> Result<HashMap<(PoolId, ClaimId), Reference>, sqlx::Error> {
    let pools: Vec<_> = claims.iter().map(|(pool, _)| pool.as_str()).collect();
    let ids: Vec<_> = claims.iter().map(|(_, claim)| claim.0).collect();
    // The first one that says it is right. One look each: a table that is being filled has no statistics to plan by.
    let rows = sqlx::query(
        "SELECT k.pool, k.claim, a.customer FROM unnest($1::text[], $2::uuid[]) AS k (pool, claim) \
          CROSS JOIN LATERAL (SELECT customer FROM audit \
                               WHERE claim = k.claim AND pool = k.pool COLLATE \"C\" AND type = 'TicketClaimed' \
                               ORDER BY position LIMIT 1) a",
    )
    .bind(pools)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let key = (required(row, "pool")?, ClaimId(id(row, "claim")?));
            Ok((key, required(row, "customer")?))
        })
        .collect()
}
