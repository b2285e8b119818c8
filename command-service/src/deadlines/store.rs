//! The tables of the deadlines.

use std::time::Duration;

use onsale_shared::{
    id::PoolId,
    log::{
        Position,
        postgres::{Lineage, Unproved},
    },
};
use sqlx::{Connection as _, PgConnection};

use super::index::{Index, Slot};

/// So many rows are read at once. Five pools that sell all day with claims of 24 hours have four million.
const ROWS_MAX: i64 = 50_000;
/// How long reading one page or storing may take: a network that swallows an answer must not end the sweeping.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The deadlines as they were stored, and the position that they belong to; read in one snapshot.
///
/// # Errors
/// The database failed, or was silent for too long.
pub async fn load(connection: &mut PgConnection) -> Result<(Index, Position), sqlx::Error> {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
    in_time(sqlx::raw_sql(begin).execute(&mut *connection)).await?;
    let position = in_time(position(connection)).await?;
    let mut index = Index::default();
    let (mut after, mut is_last) = ((String::new(), i64::MIN), false);
    while !is_last {
        let page = sqlx::query_as(
            "SELECT pool, slot, held FROM onsale_command.deadlines WHERE (pool, slot) > ($1, $2) \
              ORDER BY pool, slot LIMIT $3",
        )
        .bind(&after.0)
        .bind(after.1)
        .bind(ROWS_MAX)
        .fetch_all(&mut *connection);
        let page: Vec<(String, i64, i32)> = in_time(page).await?;
        is_last = page.len() < usize::try_from(ROWS_MAX).unwrap_or(usize::MAX);
        for (pool, slot, held) in page {
            if let Ok(pool) = PoolId::parse(&pool) {
                index.restore((pool, Slot(slot)), u32::try_from(held).unwrap_or(0));
            }
            after = (pool, slot);
        }
    }
    in_time(sqlx::raw_sql("COMMIT").execute(connection)).await?;
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
/// The database failed, was silent for too long, or has another log than the one that was folded.
pub async fn save(
    connection: &mut PgConnection,
    lineage: &Lineage,
    index: &Index,
    from: Position,
    to: Position,
) -> Result<Position, sqlx::Error> {
    // What was folded may be older than the connection, and another log at its other end.
    let proving = async { Ok(lineage.prove(connection).await) };
    in_time(proving).await?.map_err(|unproved| match unproved {
        Unproved::Database(error) => error,
        Unproved::Broken(broken) => sqlx::Error::Protocol(broken.to_string()),
    })?;
    in_time(write(connection, index, from, to)).await
}

async fn write(
    connection: &mut PgConnection,
    index: &Index,
    from: Position,
    to: Position,
) -> Result<Position, sqlx::Error> {
    let mut transaction = connection.begin().await?;
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
        let there = position(&mut transaction).await?;
        transaction.rollback().await?;
        return Ok(there);
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

/// What takes too long has failed.
async fn in_time<T>(
    asking: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let answer = tokio::time::timeout(TIMEOUT, asking).await;
    answer.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
