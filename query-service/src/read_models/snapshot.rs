//! Reading rows of a projection together with the checkpoint that they belong to.
//!
//! Views are looked up as they are now, rows as of the snapshot. So the views are locked before the snapshot is taken
//! (<https://www.postgresql.org/docs/current/explicit-locking.html>): else another generation could be made live between
//! the two, and its rows would be read with the other one's checkpoint.

use onsale_shared::log::Position;
use sqlx::{AssertSqlSafe, PgConnection};

use super::generations::Checkpoint;
use crate::{availability::Progress, database::Reading, projections::Projection};

/// How long one statement of a read may take, in milliseconds: a page by its index takes a few. PostgreSQL gives up what
/// nobody waits for any more.
pub(crate) const READ_STATEMENT_MS_MAX: u32 = 2_000;

/// Reads in one snapshot, if it is as fresh as is required; the checkpoint of the snapshot in any case. `read` is told how far
/// the tables are.
pub(crate) async fn read<T, Read>(
    connection: &mut PgConnection,
    projection: &'static Projection,
    required: Position,
    read: Read,
) -> Result<(Checkpoint, Option<T>), sqlx::Error>
where
    Read: for<'c> FnOnce(&'c mut PgConnection, Progress) -> Reading<'c, T>,
{
    let begun = begin(connection, projection).await;
    let rows = match &begun {
        Ok(checkpoint) if checkpoint.is_fresh(required) => {
            read(connection, checkpoint.progress).await.map(Some)
        }
        Ok(_) | Err(_) => Ok(None),
    };
    // What could not be begun or read leaves a good connection behind.
    sqlx::raw_sql("ROLLBACK").execute(connection).await?;
    Ok((begun?, rows?))
}

/// Reads what belongs to no projection, within the same limits.
pub(crate) async fn read_beside<T, Read>(
    connection: &mut PgConnection,
    read: Read,
) -> Result<T, sqlx::Error>
where
    Read: for<'c> FnOnce(&'c mut PgConnection) -> Reading<'c, T>,
{
    // One round trip. Safe: built of constants.
    let begin = AssertSqlSafe(format!("BEGIN READ ONLY; {}", limits()));
    sqlx::raw_sql(begin).execute(&mut *connection).await?;
    let rows = read(connection).await;
    sqlx::raw_sql("ROLLBACK").execute(connection).await?;
    rows
}

/// What holds in a read's transaction, in SQL. What a list does not ask for is a null in its statement: planned with its
/// values, each page is read from its index in order; by a plan for any values a large pool would be sorted.
fn limits() -> String {
    format!(
        "SET LOCAL statement_timeout = {READ_STATEMENT_MS_MAX}; \
         SET LOCAL plan_cache_mode = force_custom_plan"
    )
}

/// Begins a read only transaction on one snapshot of the projection; the checkpoint that it shows.
pub(crate) async fn begin(
    connection: &mut PgConnection,
    projection: &'static Projection,
) -> Result<Checkpoint, sqlx::Error> {
    let views: Vec<_> = projection
        .tables
        .iter()
        .map(|table| format!("onsale_read.{}", table.name))
        .collect();
    // One round trip. Safe: names of constants, and a number.
    let begin = AssertSqlSafe(format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
         {limits}; \
         LOCK TABLE {views} IN ACCESS SHARE MODE; \
         SELECT position AS checkpoint, time AS checkpoint_time, readable_from \
           FROM onsale_query.generations WHERE projection = '{name}' AND state = 'live'",
        limits = limits(),
        views = views.join(", "),
        name = projection.name,
    ));
    let row = sqlx::raw_sql(begin).fetch_one(connection).await?;
    Checkpoint::of(&row)
}
