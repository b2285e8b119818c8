//! The schema `reporting`: documented views for people with SQL and for report engines, on top of the views that queries
//! read. So a switch to another generation of tables does not touch them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::read_models::generations;

/// The role that may read the views and nothing else. Operators grant it to the logins of report engines.
pub(crate) const ROLE: &str = "onsale_reporting";

/// Of the schema.
const VIEWS: [&str; 5] = ["sales", "tickets", "claims_funnel", "price_log", "audit"];

const DEFINITIONS: [&str; 2] = [
    include_str!("reporting/views.sql"),
    include_str!("reporting/comments.sql"),
];

/// A report under way holds the views; the service does not wait for it at its start, nor lets others wait.
const PATIENCE: &str = "SET LOCAL lock_timeout = '1s'";

/// Makes the views if they are not as this version knows them, and lets the role read them. Reports are no reason not to
/// serve: what goes wrong is said in the log, and tried again at the next start.
pub(crate) async fn ensure(connection: &mut PgConnection) {
    if let Err(error) = attempt(connection).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the views of the schema `reporting` are not up to date; trying again at the next start"
        );
    }
}

async fn attempt(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = generations::alone(connection).await?;
    sqlx::raw_sql(PATIENCE).execute(&mut *transaction).await?;
    let made: Option<String> = sqlx::query_scalar("SELECT definition FROM onsale_query.reporting")
        .fetch_optional(&mut *transaction)
        .await?;
    if made.is_none_or(|made| made != fingerprint()) {
        make(&mut transaction).await?;
    } else {
        allow(&mut transaction).await?;
    }
    transaction.commit().await
}

/// Makes all views, over those that are there, and lets the role read them.
pub(crate) async fn make(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for sql in DEFINITIONS {
        sqlx::raw_sql(sql).execute(&mut *connection).await?;
    }
    sqlx::query(
        "INSERT INTO onsale_query.reporting (definition) VALUES ($1) \
             ON CONFLICT (one) DO UPDATE SET definition = excluded.definition",
    )
    .bind(fingerprint())
    .execute(&mut *connection)
    .await?;
    allow(connection).await
}

/// Drops all views, for what they are built on to be made anew; whether there were any.
pub(crate) async fn drop_views(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let there: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_views WHERE schemaname = 'reporting' AND viewname = ANY($1)",
    )
    .bind(&VIEWS[..])
    .fetch_one(&mut *connection)
    .await?;
    for view in VIEWS {
        // Safe, here and below: names of constants.
        let drop = AssertSqlSafe(format!("DROP VIEW IF EXISTS reporting.{view}"));
        sqlx::raw_sql(drop).execute(&mut *connection).await?;
    }
    Ok(there > 0)
}

/// Lets the role read the views, if there is such a role.
async fn allow(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
        .bind(ROLE)
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(());
    }
    let views = VIEWS.map(|view| format!("reporting.{view}")).join(", ");
    let grant = AssertSqlSafe(format!("GRANT SELECT ON {views} TO {ROLE}"));
    sqlx::raw_sql(grant).execute(connection).await.map(drop)
}

/// Tells one version of the definitions from another.
fn fingerprint() -> String {
    let mut hash = Sha256::new();
    for sql in DEFINITIONS {
        hash.update(sql);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}
