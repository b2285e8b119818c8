//! A transaction a request: lock the row, look, count, commit. What one writes whose rules do not fit into one statement.

use sqlx::{PgPool, Row as _};

use super::answer::{Order, Taken};

/// Takes the tickets of an order, if they are there.
///
/// # Errors
/// The database cannot be asked.
pub async fn take(database: &PgPool, order: &Order) -> Result<Taken, sqlx::Error> {
    let quantity = i64::from(order.quantity);
    let mut transaction = database.begin().await?;
    let row = sqlx::query("SELECT available FROM bench_pools WHERE id = $1 FOR UPDATE")
        .bind(&order.pool)
        .fetch_one(&mut *transaction)
        .await?;
    if row.try_get::<i64, _>(0)? < quantity {
        transaction.rollback().await?;
        return Ok(Taken::No);
    }
    sqlx::query("UPDATE bench_pools SET available = available - $2 WHERE id = $1")
        .bind(&order.pool)
        .bind(quantity)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Taken::Yes)
}
