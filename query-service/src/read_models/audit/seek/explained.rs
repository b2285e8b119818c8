//! What a walk costs, as PostgreSQL tells it; for tests.

use onsale_shared::log::Position;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{Direction, Filter, LOOKS_MAX, Value, range, statement};
use crate::queries::Page;

/// The plan of a page with what it did, as JSON: that of any values, as sessions of the service plan it. None if no event
/// can meet the filter.
pub(crate) async fn explained(
    connection: &mut PgConnection,
    filter: &Filter,
    direction: Direction,
    page: &Page<Position>,
) -> Option<String> {
    let range = range(connection, filter, direction, None, page.after).await;
    let (low, high) = range.expect("a range")?;
    let columns = filter.columns();
    let (begin, end) = match direction {
        Direction::Forwards => (low, high),
        Direction::Backwards => (high, low),
    };
    let steps = LOOKS_MAX / columns.len().max(1);
    let time = |time: Option<onsale_shared::time::Timestamp>| {
        time.map_or_else(|| "NULL".to_owned(), |time| format!("'{time}'"))
    };
    let mut values = format!(
        "{begin}, {end}, {steps}, {}, {}, {}",
        time(filter.from),
        time(filter.until),
        page.limit()
    );
    for (_, value) in &columns {
        let value = match value {
            Value::Text(text) => (*text).to_owned(),
            Value::Id(id) => id.to_string(),
            Value::Ip(ip) => ip.to_string(),
        };
        values = format!("{values}, '{value}'");
    }
    let statement = statement(&columns, direction);
    // Safe: values of a test.
    let prepare = AssertSqlSafe(format!("PREPARE walk AS {statement}"));
    sqlx::raw_sql(prepare)
        .execute(&mut *connection)
        .await
        .expect("a statement");
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE walk ({values})");
    let plan = sqlx::raw_sql(AssertSqlSafe(explain))
        .fetch_one(&mut *connection)
        .await;
    sqlx::raw_sql("DEALLOCATE walk")
        .execute(connection)
        .await
        .expect("a statement");
    Some(sqlx::Row::get_unchecked::<String, _>(
        &plan.expect("a plan"),
        0,
    ))
}
