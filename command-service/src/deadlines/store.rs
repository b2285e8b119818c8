//! The tables of the deadlines.

use onsale_shared::{id::PoolId, log::Position};
use sqlx::{PgConnection, PgPool};

use super::index::{Index, Slot};

/// The deadlines as they were stored, and the position that they belong to; read in one snapshot.
///
/// # Errors
/// The database failed.
pub async fn load(pool: &PgPool) -> Result<(Index, Position), sqlx::Error> {
    let mut snapshot = pool
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .await?;
    let position = position(&mut snapshot).await?;
    let rows: Vec<(String, i64, i32)> =
        sqlx::query_as("SELECT pool, slot, held FROM onsale_command.deadlines")
            .fetch_all(&mut *snapshot)
            .await?;
    let mut index = Index::default();
    for (pool, slot, held) in rows {
        if let Ok(pool) = PoolId::parse(&pool) {
            index.restore((pool, Slot(slot)), u32::try_from(held).unwrap_or(0));
        }
    }
    Ok((index, position))
}

/// Where the store is; at the start if it was emptied.
async fn position(connection: &mut PgConnection) -> Result<Position, sqlx::Error> {
    let position: Option<i64> = sqlx::query_scalar(
        "SELECT position FROM onsale_command.checkpoints WHERE projection = 'deadlines'",
    )
    .fetch_optional(connection)
    .await?;
    Ok(position.and_then(Position::new).unwrap_or_default())
}

/// Writes what changed after `from` up to `to`, if the store is at `from`; the checkpoint's compare-and-set comes first,
/// so that whoever is late writes nothing. Returns where the store is now.
///
/// # Errors
/// The database failed.
pub async fn save(
    pool: &PgPool,
    index: &Index,
    from: Position,
    to: Position,
) -> Result<Position, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    if from == Position::START {
        let begun = "INSERT INTO onsale_command.checkpoints (projection, position) VALUES ('deadlines', 0) ON CONFLICT DO NOTHING";
        sqlx::query(begun).execute(&mut *transaction).await?;
    }
    let moved = sqlx::query(
        "UPDATE onsale_command.checkpoints SET position = $2 WHERE projection = 'deadlines' AND position = $1",
    )
    .bind(from.get())
    .bind(to.get())
    .execute(&mut *transaction)
    .await?;
    if moved.rows_affected() == 0 {
        return position(&mut transaction).await;
    }
    let (mut pools, mut slots, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for ((pool, slot), count) in index.changes() {
        pools.push(pool.as_str());
        slots.push(slot.0);
        held.push(i32::try_from(count).unwrap_or(i32::MAX));
    }
    sqlx::query(
        "MERGE INTO onsale_command.deadlines d \
         USING unnest($1::text[], $2::bigint[], $3::integer[]) AS n (pool, slot, held) \
            ON d.pool = n.pool AND d.slot = n.slot \
          WHEN MATCHED AND n.held = 0 THEN DELETE \
          WHEN MATCHED THEN UPDATE SET held = n.held \
          WHEN NOT MATCHED AND n.held > 0 THEN INSERT (pool, slot, held) VALUES (n.pool, n.slot, n.held)",
    )
    .bind(pools)
    .bind(slots)
    .bind(held)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(to)
}
