//! Two generations of a projection, row by row, in one snapshot.

use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::generations::{Generation, Schema};
use crate::{
    availability::Progress,
    projections::{Projection, Table},
};

/// Whole tables are read: other settings than those of queries by an index. Nothing waits for it but its own snapshot.
const SETTINGS: &str = "\
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SET LOCAL statement_timeout = 0; \
    SET LOCAL idle_in_transaction_session_timeout = '1min'; \
    SET LOCAL enable_seqscan = on; \
    SET LOCAL plan_cache_mode = auto; \
    SET LOCAL work_mem = '64MB'";

/// The column of where commands came from, which may be erased beside the log at any time: the newer rows may have none
/// where the older ones have one, but no other one.
const ERASABLE: &str = "ip";

/// How much of a row is told, in characters.
const TOLD_CHARACTERS: usize = 2_000;

/// How two tables of the same name differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableDifferences {
    pub(crate) table: &'static str,
    /// Rows that only one of them has, or that differ in a column that both have.
    pub(crate) rows: i64,
    pub(crate) first: Option<FirstDifference>,
    /// A table that only one of them has, or with another key: there is nothing to compare.
    pub(crate) is_comparable: bool,
    /// Columns that only one of them has.
    pub(crate) columns_left_out: i64,
}

/// The differing row that comes first, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FirstDifference {
    pub(crate) key: String,
    /// The row as JSON; none if it is not there.
    pub(crate) live: Option<String>,
    pub(crate) built: Option<String>,
}

/// Begins a snapshot to compare in; where the two generations are in it.
pub(crate) async fn begin(
    session: &mut PgConnection,
    live: &Generation,
    built: &Generation,
) -> Result<(Progress, Progress), sqlx::Error> {
    sqlx::raw_sql(SETTINGS).execute(&mut *session).await?;
    let mut at = [Progress::default(); 2];
    for (at, generation) in at.iter_mut().zip([live, built]) {
        let row = sqlx::query(
            "SELECT position AS checkpoint, time AS checkpoint_time FROM onsale_query.generations \
              WHERE projection = $1 AND generation = $2",
        )
        .bind(generation.projection)
        .bind(generation.number)
        .fetch_one(&mut *session)
        .await?;
        *at = super::pools_row::progress_of(&row)?;
    }
    let [live, built] = at;
    Ok((live, built))
}

/// Compares a table of the two.
pub(crate) async fn table(
    session: &mut PgConnection,
    projection: &'static Projection,
    table: &'static Table,
    live: &Generation,
    built: &Generation,
) -> Result<TableDifferences, sqlx::Error> {
    debug_assert_eq!(projection.name, live.projection);
    let (live, built) = (live.schema(), built.schema());
    let columns = common_columns(session, table.name, &live, &built).await?;
    let keys: Vec<_> = table.key.split(',').map(str::trim).collect();
    let is_common = |key: &&str| columns.common.iter().any(|column| column.name == **key);
    let mut differences = TableDifferences {
        table: table.name,
        rows: 0,
        first: None,
        is_comparable: keys.iter().all(is_common),
        columns_left_out: columns.left_out,
    };
    if !differences.is_comparable {
        return Ok(differences);
    }
    let tables = Tables {
        name: table.name,
        live,
        built,
        keys,
        columns: columns.common,
    };
    // Safe, here and below: names of constants, numbers, and what PostgreSQL has quoted.
    let count = AssertSqlSafe(format!("SELECT count(*) {}", tables.differing()));
    differences.rows = sqlx::query_scalar(count).fetch_one(&mut *session).await?;
    if differences.rows > 0 {
        let first = AssertSqlSafe(tables.first());
        let row = sqlx::query(first).fetch_one(session).await?;
        differences.first = Some(FirstDifference {
            key: row.try_get("key")?,
            live: row.try_get::<Option<String>, _>("live")?.map(told),
            built: row.try_get::<Option<String>, _>("built")?.map(told),
        });
    }
    Ok(differences)
}

fn told(row: String) -> String {
    match row.char_indices().nth(TOLD_CHARACTERS) {
        Some((end, _)) => format!("{} …", row.get(..end).unwrap_or_default()),
        None => row,
    }
}

struct Columns {
    common: Vec<Column>,
    left_out: i64,
}

struct Column {
    name: String,
    quoted: String,
    /// Of another type there than here, or of one that has no equality.
    as_text: bool,
}

async fn common_columns(
    session: &mut PgConnection,
    table: &str,
    live: &Schema,
    built: &Schema,
) -> Result<Columns, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT coalesce(l.attname, b.attname)::text AS name, quote_ident(coalesce(l.attname, b.attname)) AS quoted, \
                l.attname IS NOT NULL AND b.attname IS NOT NULL AS is_common, \
                coalesce(l.atttypid <> b.atttypid OR l.atttypid = 'json'::regtype, false) AS as_text \
           FROM (SELECT * FROM pg_attribute \
                  WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped) l \
           FULL JOIN (SELECT * FROM pg_attribute \
                       WHERE attrelid = to_regclass($2) AND attnum > 0 AND NOT attisdropped) b USING (attname) \
          ORDER BY coalesce(l.attnum, b.attnum)",
    )
    .bind(format!("{live}.{table}"))
    .bind(format!("{built}.{table}"))
    .fetch_all(session)
    .await?;
    let mut columns = Columns {
        common: Vec::new(),
        left_out: 0,
    };
    for row in rows {
        if row.try_get("is_common")? {
            columns.common.push(Column {
                name: row.try_get("name")?,
                quoted: row.try_get("quoted")?,
                as_text: row.try_get("as_text")?,
            });
        } else {
            columns.left_out += 1;
        }
    }
    Ok(columns)
}

/// Two tables, and what is compared of them.
struct Tables {
    name: &'static str,
    live: Schema,
    built: Schema,
    keys: Vec<&'static str>,
    columns: Vec<Column>,
}

impl Tables {
    /// The differing rows, as what comes after `SELECT …`.
    fn differing(&self) -> String {
        let Self {
            name, live, built, ..
        } = self;
        let keys = self.keys.join(", ");
        let any_key = self.keys.first().copied().unwrap_or_default();
        let values = |of: char| {
            let column = |column: &Column| {
                let text = if column.as_text { "::text" } else { "" };
                let quoted = &column.quoted;
                if of == 'b' && column.name == ERASABLE {
                    return format!("coalesce(b.{quoted}{text}, l.{quoted}{text})");
                }
                format!("{of}.{quoted}{text}")
            };
            let columns: Vec<_> = self.columns.iter().map(column).collect();
            columns.join(", ")
        };
        let (l, b) = (values('l'), values('b'));
        format!(
            "FROM {live}.{name} l FULL JOIN {built}.{name} b USING ({keys}) \
              WHERE l.{any_key} IS NULL OR b.{any_key} IS NULL OR ROW({l}) IS DISTINCT FROM ROW({b})"
        )
    }

    fn first(&self) -> String {
        let keys = self.keys.join(", ");
        let any_key = self.keys.first().copied().unwrap_or_default();
        let row = |of: char| {
            let values: Vec<_> = self
                .columns
                .iter()
                .map(|column| format!("'{}', {of}.{}", column.name, column.quoted))
                .collect();
            // In pieces: a function takes at most 100 arguments.
            let pieces: Vec<_> = values
                .chunks(40)
                .map(|piece| format!("jsonb_build_object({})", piece.join(", ")))
                .collect();
            format!(
                "CASE WHEN {of}.{any_key} IS NOT NULL THEN ({})::text END",
                pieces.join(" || ")
            )
        };
        format!(
            "SELECT concat_ws(', ', {texts}) AS key, {live} AS live, {built} AS built {differing} ORDER BY {keys} LIMIT 1",
            texts = self
                .keys
                .iter()
                .map(|key| format!("{key}::text"))
                .collect::<Vec<_>>()
                .join(", "),
            live = row('l'),
            built = row('b'),
            differing = self.differing(),
        )
    }
}
