//! The session of who writes read models, and who of all replicas that is.

use std::time::Duration;

use sqlx::PgConnection;

pub(super) use crate::database::{in_time, in_time_of};
use crate::{database::Database, read_models::generations::LOCK_CLASS};

/// A lost write is written again from the checkpoint that was lost with it, so it waits for no disk. A leader who is heard
/// no more is given up by the server within seconds, since others wait for his lock: one whom the network forgot, and one
/// who has stopped (he says something at least every [`HEARTBEAT`]).
///
/// Statements are planned each time, for the tables as they are: a plan that was kept from when a table was empty reads all
/// of it for each key.
const SESSION: &str = "\
    SET synchronous_commit = off; \
    SET plan_cache_mode = force_custom_plan; \
    SET idle_session_timeout = '3s'; \
    SET tcp_keepalives_idle = 2; \
    SET tcp_keepalives_interval = 1; \
    SET tcp_keepalives_count = 2";

/// The longest silence of a session that stands by or leads.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);

/// Opens a session for a leader, or for who would be one.
pub(super) async fn open(database: &Database) -> Result<PgConnection, sqlx::Error> {
    let mut session = database.session().await?;
    in_time(sqlx::raw_sql(SESSION).execute(&mut session)).await?;
    Ok(session)
}

/// Whether this session leads a projection, from now on if nobody does.
pub(super) async fn leads(
    session: &mut PgConnection,
    projection: &'static str,
) -> Result<bool, sqlx::Error> {
    try_lock(session, &format!("lead {projection}")).await
}

/// Whether this session builds generations of a projection, from now on if nobody does.
pub(super) async fn builds(
    session: &mut PgConnection,
    projection: &'static str,
) -> Result<bool, sqlx::Error> {
    try_lock(session, &format!("build {projection}")).await
}

/// A lock of the session, by name. Two names of one hash would be unlucky, and only slow: what makes writing safe is the
/// checkpoint.
async fn try_lock(session: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    in_time(
        sqlx::query_scalar("SELECT pg_try_advisory_lock($1, hashtext($2))")
            .bind(LOCK_CLASS)
            .bind(name)
            .fetch_one(session),
    )
    .await
}
