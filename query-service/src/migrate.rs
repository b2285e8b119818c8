//! The schema of the read models, and the rights of the service's role on it.

use anyhow::Context as _;
use onsale_shared::log::postgres::{
    Role, RoleOutcome, ensure_role, first_connection, in_schema, run_on_roles, session_options,
};
use sqlx::{Connection as _, PgConnection, migrate::Migrator};

use crate::{database::APPLICATION, reporting::ROLE};

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

const SCHEMA: &str = "onsale_query";

/// What the service does: it makes, fills, switches and drops generations of read models, each in a schema of its own.
const RIGHTS: &[&str] = &[
    "GRANT USAGE ON SCHEMA onsale_query TO onsale_query_service",
    "GRANT SELECT, INSERT, UPDATE ON onsale_query.pools, onsale_query.checkpoints TO onsale_query_service",
    "GRANT SELECT, INSERT, UPDATE ON onsale_query.generations TO onsale_query_service",
    "GRANT SELECT ON onsale_query.migrations TO onsale_query_service",
    "GRANT USAGE, CREATE ON SCHEMA onsale_read, reporting TO onsale_query_service",
    "GRANT SELECT, INSERT, UPDATE ON onsale_query.reporting TO onsale_query_service",
];

/// Brings the schema of the read models up to date and gives the service's role its rights.
///
/// Safe when several run at once. A login that may not create roles is told so in the log; the service then keeps the rights of its login.
///
/// # Errors
/// The database cannot be reached, refuses, or was migrated by a newer version.
pub async fn migrate(database_url: &str) -> anyhow::Result<()> {
    let options = session_options(database_url, APPLICATION)?;
    let mut connection = first_connection(&options).await?;
    in_schema(&MIGRATOR, SCHEMA)
        .run(&mut connection)
        .await
        .context("the read models could not be migrated")?;
    match ensure_role(&mut connection, Role::Query).await? {
        RoleOutcome::Ready => {
            for right in RIGHTS {
                run_on_roles(&mut connection, right).await?;
            }
            allow_schemas(&mut connection).await?;
        }
        RoleOutcome::NotAllowed => tracing::warn!(
            role = Role::Query.as_str(),
            "this login may not create or grant the role; query-service will work with the rights of its login"
        ),
    }
    allow_reports(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Who makes reports reads the views for them and nothing else.
async fn allow_reports(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Safe, both: names of constants.
    let made = run_on_roles(connection, &format!("CREATE ROLE {ROLE} NOLOGIN")).await?;
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
        .bind(ROLE)
        .fetch_one(&mut *connection)
        .await?;
    if !made && !there {
        tracing::warn!(
            role = ROLE,
            "this login may not create the role; grant the views of the schema `reporting` to whoever reads them"
        );
        return Ok(());
    }
    let usage = format!("GRANT USAGE ON SCHEMA reporting TO {ROLE}");
    run_on_roles(connection, &usage).await.map(drop)
}

/// A generation of a read model is a schema, which the service makes.
async fn allow_schemas(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let grant: String = sqlx::query_scalar(
        "SELECT format('GRANT CREATE ON DATABASE %I TO onsale_query_service', current_database())",
    )
    .fetch_one(&mut *connection)
    .await?;
    run_on_roles(connection, &grant).await.map(drop)
}

/// Whether the schema has all migrations that this version knows.
pub(crate) async fn is_migrated(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let newest = MIGRATOR.iter().map(|migration| migration.version).max();
    // From the catalogue: `to_regclass` fails where the schema may not be used.
    let there: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
                         WHERE nspname = 'onsale_query' AND relname = 'migrations')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !there {
        return Ok(false);
    }
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM onsale_query.migrations WHERE version >= $1 AND success)",
    )
    .bind(newest.unwrap_or(0))
    .fetch_one(connection)
    .await
}
