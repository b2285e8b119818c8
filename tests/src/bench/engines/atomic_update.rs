//! One conditional UPDATE a request, in autocommit: one round trip, never oversold. What most would write first, and well.

use sqlx::PgPool;

use super::answer::{Order, Taken};

/// Takes the tickets of an order, if they are there.
///
/// # Errors
/// The database cannot be asked.
pub async fn take(database: &PgPool, order: &Order) -> Result<Taken, sqlx::Error> {
    let row = sqlx::query(
        "UPDATE bench_pools SET available = available - $2 WHERE id = $1 AND available >= $2 RETURNING available",
    )
    .bind(&order.pool)
    .bind(i64::from(order.quantity))
    .fetch_optional(database)
    .await?;
    Ok(row.map_or(Taken::No, |_available| Taken::Yes))
}
