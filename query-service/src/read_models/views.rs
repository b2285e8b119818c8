//! The views that queries read: `onsale_read.<table>` shows the live generation's table. Whoever makes another generation
//! live replaces them in the same transaction, so nobody sees some tables of one generation and some of another.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::generations::Schema;
use crate::{projections::Projection, reporting};

/// `invalid_table_definition`: the new view has other columns than the old one.
const OTHER_COLUMNS: &str = "42P16";

/// Lets the views show the tables of a generation.
///
/// A view keeps its identity, its rights and what was built on it, as long as no column goes or changes its type; else it is
/// made anew, and so are the views for reports. What else was built on it has to go before (PostgreSQL says what).
pub(super) async fn show(
    connection: &mut PgConnection,
    projection: &Projection,
    schema: &Schema,
) -> Result<(), sqlx::Error> {
    let mut without_reports = false;
    for table in projection.tables {
        let name = table.name;
        let view = format!("VIEW onsale_read.{name} AS SELECT * FROM {schema}.{name}");
        let mut attempt = connection.begin().await?;
        // Safe, here and below: names of constants, and a number.
        let replaced = sqlx::raw_sql(AssertSqlSafe(format!("CREATE OR REPLACE {view}")))
            .execute(&mut *attempt)
            .await;
        match replaced {
            Ok(_done) => attempt.commit().await?,
            Err(error) if is_other_columns(&error) => {
                attempt.rollback().await?;
                without_reports |= reporting::drop_views(connection).await?;
                let anew = format!("DROP VIEW onsale_read.{name}; CREATE {view}");
                sqlx::raw_sql(AssertSqlSafe(anew))
                    .execute(&mut *connection)
                    .await?;
            }
            Err(error) => return Err(error),
        }
    }
    if without_reports {
        reporting::make(connection).await?;
    }
    Ok(())
}

fn is_other_columns(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == OTHER_COLUMNS)
}
