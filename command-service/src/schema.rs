//! The schema `onsale_command`: the tables of the deadlines and of the snapshots, and the rights to them.

use anyhow::Context as _;
use onsale_shared::log::postgres::{Role, RoleOutcome, ensure_role, in_schema, run_on_roles};
use sqlx::{Connection as _, PgConnection, migrate::Migrator, postgres::PgConnectOptions};

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

const RIGHTS: [&str; 2] = [
    "GRANT USAGE ON SCHEMA onsale_command TO onsale_command_service",
    "GRANT SELECT, INSERT, UPDATE, DELETE \
        ON onsale_command.deadlines, onsale_command.checkpoints, onsale_command.snapshots, onsale_command.snapshot_pieces \
        TO onsale_command_service",
];

/// Brings the schema up to date. Safe when several run at once.
///
/// # Errors
/// The database failed.
pub(crate) async fn migrate(options: &PgConnectOptions) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect_with(options).await?;
    in_schema(&MIGRATOR, "onsale_command")
        .run(&mut connection)
        .await
        .context("the schema onsale_command")?;
    if ensure_role(&mut connection, Role::Command).await? == RoleOutcome::Ready {
        for right in RIGHTS {
            run_on_roles(&mut connection, right).await?;
        }
    }
    connection.close().await?;
    Ok(())
}
