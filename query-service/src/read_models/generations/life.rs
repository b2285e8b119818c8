//! How generations come and go: each change is one transaction, and one process at a time makes one.

use std::time::Duration;

use onsale_shared::log::Position;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Transaction};

use super::{
    Generation, LOCK_CLASS, Moved, Schema, State, columns, generation_of, live, moved, use_schema,
};
use crate::{projections::Projection, read_models::views};

/// The second key of the lock of who makes generations.
const ALONE: i32 = 0;

/// Makes the first generation of a projection, empty and live, unless it has a live one. Queries read it from `head` on,
/// the end of the log: before that it shows a part of the past.
pub(crate) async fn ensure_live(
    connection: &mut PgConnection,
    projection: &'static Projection,
    head: Position,
) -> Result<Generation, sqlx::Error> {
    let mut transaction = alone(connection).await?;
    match live(&mut transaction, projection.name).await {
        Err(sqlx::Error::RowNotFound) => {}
        there => {
            transaction.rollback().await?;
            return there;
        }
    }
    let generation = create(&mut transaction, projection, State::Live, head).await?;
    index(&mut transaction, projection, &generation).await?;
    views::show(&mut transaction, projection, &generation.schema()).await?;
    transaction.commit().await?;
    Ok(Generation {
        indexed: true,
        ..generation
    })
}

/// Makes an empty generation beside those that there are.
pub(crate) async fn begin(
    connection: &mut PgConnection,
    projection: &'static Projection,
    state: State,
) -> Result<Generation, sqlx::Error> {
    let mut transaction = alone(connection).await?;
    let generation = create(&mut transaction, projection, state, Position::START).await?;
    transaction.commit().await?;
    Ok(generation)
}

/// It is read from where the live one is; the first one, from `readable_from`.
async fn create(
    transaction: &mut Transaction<'_, Postgres>,
    projection: &'static Projection,
    state: State,
    readable_from: Position,
) -> Result<Generation, sqlx::Error> {
    let row = sqlx::query(concat!(
        "INSERT INTO onsale_query.generations (projection, generation, version, state, readable_from) \
         SELECT $1, coalesce(max(generation), 0) + 1, $2, $3, coalesce(max(readable_from) FILTER (WHERE state = 'live'), $4) \
           FROM onsale_query.generations WHERE projection = $1 \
         RETURNING ",
        columns!()
    ))
    .bind(projection.name)
    .bind(projection.version)
    .bind(state.as_str())
    .bind(readable_from.get())
    .fetch_one(&mut **transaction)
    .await?;
    let generation = generation_of(projection.name, &row)?;
    let schema = generation.schema();
    // Safe: a schema's name is built of constants.
    let make = AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    sqlx::raw_sql(make).execute(&mut **transaction).await?;
    run_in(transaction, &schema, projection.tables_sql).await?;
    Ok(generation)
}

/// Makes all indexes of a generation; part of the transaction that says so.
pub(crate) async fn index(
    transaction: &mut Transaction<'_, Postgres>,
    projection: &'static Projection,
    generation: &Generation,
) -> Result<(), sqlx::Error> {
    run_in(transaction, &generation.schema(), projection.indexes_sql).await?;
    sqlx::query(
        "UPDATE onsale_query.generations SET indexed = true WHERE projection = $1 AND generation = $2",
    )
    .bind(generation.projection)
    .bind(generation.number)
    .execute(&mut **transaction)
    .await
    .map(drop)
}

/// Runs a projection's own SQL, which names its tables without a schema.
async fn run_in(
    transaction: &mut Transaction<'_, Postgres>,
    schema: &Schema,
    sql: &'static str,
) -> Result<(), sqlx::Error> {
    use_schema(transaction, schema).await?;
    sqlx::raw_sql(sql).execute(&mut **transaction).await?;
    Ok(())
}

/// Holds the live generation where it is until the end of the transaction, and says where: its writer waits.
pub(crate) async fn hold_live(
    transaction: &mut Transaction<'_, Postgres>,
    projection: &'static str,
) -> Result<Generation, sqlx::Error> {
    let row = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM onsale_query.generations WHERE projection = $1 AND state = 'live' FOR UPDATE"
    ))
    .bind(projection)
    .fetch_one(&mut **transaction)
    .await?;
    generation_of(projection, &row)
}

/// Makes a generation live that is where the live one is, and lets queries see it. Part of a transaction that holds the
/// live one, see [`hold_live`].
pub(crate) async fn make_live(
    transaction: &mut Transaction<'_, Postgres>,
    projection: &'static Projection,
    live: &Generation,
    built: &Generation,
) -> Result<Moved, sqlx::Error> {
    let retired = sqlx::query(
        "UPDATE onsale_query.generations SET state = 'retired', retire_time = clock_timestamp() \
          WHERE projection = $1 AND generation = $2 AND state = 'live' AND position = $3",
    )
    .bind(projection.name)
    .bind(live.number)
    .bind(live.progress.position.get())
    .execute(&mut **transaction)
    .await?;
    let made = sqlx::query(
        "UPDATE onsale_query.generations \
            SET state = 'live', time = greatest(time, $4), events_per_second = NULL \
          WHERE projection = $1 AND generation = $2 AND state = 'building' AND position = $3",
    )
    .bind(projection.name)
    .bind(built.number)
    .bind(live.progress.position.get())
    .bind(live.progress.time.to_utc())
    .execute(&mut **transaction)
    .await?;
    if retired.rows_affected() != 1 || moved(made.rows_affected()) == Moved::No {
        return Ok(Moved::No);
    }
    views::show(transaction, projection, &built.schema()).await?;
    Ok(Moved::Yes)
}

/// Drops a generation that nobody reads.
pub(crate) async fn discard(
    connection: &mut PgConnection,
    projection: &'static str,
    number: i32,
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let marked = sqlx::query(
        "UPDATE onsale_query.generations SET state = 'dropped' \
          WHERE projection = $1 AND generation = $2 AND state NOT IN ('live', 'dropped')",
    )
    .bind(projection)
    .bind(number)
    .execute(&mut *transaction)
    .await?;
    if moved(marked.rows_affected()) == Moved::Yes {
        // Safe: a schema's name is built of constants.
        let schema = Schema::of(projection, number);
        let drop = AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {schema} CASCADE"));
        sqlx::raw_sql(drop).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// Drops the generations of a projection that were retired so long ago; how many.
pub(crate) async fn drop_retired(
    connection: &mut PgConnection,
    projection: &'static str,
    kept: Duration,
) -> Result<usize, sqlx::Error> {
    let numbers: Vec<i32> = sqlx::query_scalar(
        "SELECT generation FROM onsale_query.generations \
          WHERE projection = $1 AND state = 'retired' AND retire_time < clock_timestamp() - make_interval(secs => $2)",
    )
    .bind(projection)
    .bind(kept.as_secs_f64())
    .fetch_all(&mut *connection)
    .await?;
    for number in &numbers {
        discard(connection, projection, *number).await?;
    }
    Ok(numbers.len())
}

/// A transaction that makes, switches or drops generations; only one does at a time.
pub(crate) async fn alone(
    connection: &mut PgConnection,
) -> Result<Transaction<'_, Postgres>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1, $2)")
        .bind(LOCK_CLASS)
        .bind(ALONE)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}
