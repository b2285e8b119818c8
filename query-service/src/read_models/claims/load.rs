//! The rows that a batch of events concerns, as the projector last wrote them. Runs in the generation's schema.

use onsale_shared::id::{ClaimId, PoolId, TicketId};
use sqlx::{PgConnection, types::Uuid};

use super::{
    ClaimRow, TicketRow,
    row::{claim_columns, claim_of, ticket_columns, ticket_of},
};

/// Those of the claims that are there.
pub(crate) async fn claims<'k>(
    connection: &mut PgConnection,
    keys: impl Iterator<Item = &'k (PoolId, ClaimId)>,
) -> Result<Vec<ClaimRow>, sqlx::Error> {
    let (pools, ids): (Vec<_>, Vec<_>) = keys.map(|(pool, id)| (pool.as_str(), id.0)).unzip();
    let sql = concat!(
        "SELECT ",
        claim_columns!(),
        " FROM unnest($1::text[], $2::uuid[]) AS k (pool, claim) \
          JOIN claims c ON c.pool = k.pool COLLATE \"C\" AND c.claim = k.claim"
    );
    let rows = fetch(connection, sql, pools, ids).await?;
    rows.iter().map(claim_of).collect()
}

/// Those of the tickets that are there.
pub(crate) async fn tickets<'k>(
    connection: &mut PgConnection,
    keys: impl Iterator<Item = &'k (PoolId, TicketId)>,
) -> Result<Vec<TicketRow>, sqlx::Error> {
    let (pools, ids): (Vec<_>, Vec<_>) = keys.map(|(pool, id)| (pool.as_str(), id.0)).unzip();
    let sql = concat!(
        "SELECT ",
        ticket_columns!(),
        " FROM unnest($1::text[], $2::uuid[]) AS k (pool, ticket) \
          JOIN tickets t ON t.pool = k.pool COLLATE \"C\" AND t.ticket = k.ticket"
    );
    let rows = fetch(connection, sql, pools, ids).await?;
    rows.iter().map(ticket_of).collect()
}

async fn fetch(
    connection: &mut PgConnection,
    sql: &'static str,
    pools: Vec<&str>,
    ids: Vec<Uuid>,
) -> Result<Vec<sqlx::postgres::PgRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query(sql)
        .bind(pools)
        .bind(ids)
        .fetch_all(connection)
        .await
}
