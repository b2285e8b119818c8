//! The schema of the log, its roles and their rights.

use sqlx::{Connection as _, PgConnection, migrate::Migrator, postgres::PgConnectOptions};

use super::{Role, RoleOutcome, Unreachable, ensure_role, roles::run, unreachable::why};

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The statements that give each role its rights on the log.
const RIGHTS: &[(Role, &str)] = &[
    (
        Role::Command,
        "GRANT USAGE ON SCHEMA onsale_log TO onsale_command_service",
    ),
    (
        Role::Command,
        "GRANT SELECT ON onsale_log.events TO onsale_command_service",
    ),
    (
        Role::Command,
        "GRANT EXECUTE ON FUNCTION onsale_log.append, onsale_log.append_batch, onsale_log.append_known TO onsale_command_service",
    ),
    (
        Role::Command,
        "GRANT USAGE ON SCHEMA onsale_trace TO onsale_command_service",
    ),
    (
        Role::Command,
        "GRANT SELECT, INSERT, UPDATE, DELETE ON onsale_trace.refusals TO onsale_command_service",
    ),
    (
        Role::Query,
        "GRANT USAGE ON SCHEMA onsale_log TO onsale_query_service",
    ),
    (
        Role::Query,
        "GRANT SELECT ON onsale_log.events, onsale_log.event_origins TO onsale_query_service",
    ),
    (
        Role::Query,
        "GRANT USAGE ON SCHEMA onsale_trace TO onsale_query_service",
    ),
    (
        Role::Query,
        "GRANT SELECT ON onsale_trace.refusals TO onsale_query_service",
    ),
];

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database failed.
    #[error("the database failed while the event log was migrated")]
    Database(#[from] sqlx::Error),
    /// A migration failed, or the database was migrated by a newer version.
    #[error("the event log could not be migrated")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// A migrator that keeps its own table in a schema of its own, so that several of them share a database.
#[must_use]
pub fn in_schema(embedded: &Migrator, schema: &'static str) -> Migrator {
    let mut migrator = Migrator::with_migrations(embedded.migrations.to_vec());
    migrator.create_schema(schema);
    migrator.dangerous_set_table_name(format!("{schema}.migrations"));
    migrator
}

/// Brings the schema of the log up to date, makes the roles and gives them their rights. Safe when several run at once.
///
/// # Errors
/// See [`MigrateError`].
pub async fn migrate(options: &PgConnectOptions) -> Result<RoleOutcome, MigrateError> {
    let mut connection = PgConnection::connect_with(options).await?;
    in_schema(&MIGRATOR, "onsale_log")
        .run(&mut connection)
        .await?;
    let mut outcome = RoleOutcome::Ready;
    for role in [Role::Command, Role::Query] {
        if ensure_role(&mut connection, role).await? == RoleOutcome::NotAllowed {
            outcome = RoleOutcome::NotAllowed;
            continue;
        }
        for (_, right) in RIGHTS.iter().filter(|(of, _)| *of == role) {
            run(&mut connection, right).await?;
        }
    }
    connection.close().await?;
    Ok(outcome)
}

/// Whether the log has all migrations that this version knows.
///
/// # Errors
/// The database failed.
pub async fn is_migrated(connection: &mut PgConnection) -> Result<bool, Unreachable> {
    let looked = has_newest(connection).await;
    looked.map_err(|error| why(&error))
}

async fn has_newest(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let newest = MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0);
    let there: bool = sqlx::query_scalar("SELECT to_regclass('onsale_log.migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(false);
    }
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM onsale_log.migrations WHERE version >= $1 AND success)",
    )
    .bind(newest)
    .fetch_one(connection)
    .await
}
