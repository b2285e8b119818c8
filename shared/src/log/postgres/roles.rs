//! The rights of the services: neither may change or delete an event, and only the append function inserts one.

use sqlx::{AssertSqlSafe, PgConnection};

/// A role that a service's sessions take on. Roles belong to the whole server; their rights to each database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Of command-service: reads the log, and appends through the function.
    Command,
    /// Of query-service: reads the log.
    Query,
}

/// What came of making a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleOutcome {
    /// The role is there, and this login may take it on.
    Ready,
    /// This login may not create or grant roles; sessions keep the login's own rights.
    NotAllowed,
}

impl Role {
    /// The name of the role.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "onsale_command_service",
            Self::Query => "onsale_query_service",
        }
    }
}

/// How often a statement on roles is tried that another migration disturbed.
const ATTEMPTS_MAX: u32 = 20;

/// Makes the role if it is missing and lets this login take it on. Safe when several do so at once.
///
/// # Errors
/// The database failed.
pub async fn ensure_role(
    connection: &mut PgConnection,
    role: Role,
) -> Result<RoleOutcome, sqlx::Error> {
    let name = role.as_str();
    let create = format!("CREATE ROLE {name} NOLOGIN");
    let grant = format!("GRANT {name} TO CURRENT_USER");
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
            .bind(name)
            .fetch_one(&mut *connection)
            .await?;
    if !exists && !run(connection, &create).await? {
        return Ok(RoleOutcome::NotAllowed);
    }
    if may_use_role(connection, role).await? || run(connection, &grant).await? {
        return Ok(RoleOutcome::Ready);
    }
    Ok(RoleOutcome::NotAllowed)
}

/// Whether this login may take the role on. From PostgreSQL 16 on a member may be denied that, as whoever created the
/// role is at first (<https://www.postgresql.org/docs/16/release-16.html>).
///
/// # Errors
/// The database failed.
pub async fn may_use_role(connection: &mut PgConnection, role: Role) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT coalesce((SELECT pg_has_role(current_user, oid, \
                CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) \
           FROM pg_roles WHERE rolname = $1), false)",
    )
    .bind(role.as_str())
    .fetch_one(connection)
    .await
}

/// Runs a statement on roles; `false` if this login may not.
///
/// Roles are shared by all databases of a server, so another
/// migration may be at the same row: it has done the same, or leaves the row in a moment. `statement` is built of
/// constants only, never of input.
///
/// # Errors
/// The database failed.
pub async fn run(connection: &mut PgConnection, statement: &str) -> Result<bool, sqlx::Error> {
    let mut attempt = 1;
    loop {
        // Safe: callers build statements of constants only.
        let result = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut *connection)
            .await;
        let Err(error) = result else { return Ok(true) };
        let code = error
            .as_database_error()
            .and_then(|database| database.code().map(|code| code.to_string()));
        match code.as_deref() {
            // duplicate_object, unique_violation: made by another migration meanwhile.
            Some("42710" | "23505") => return Ok(true),
            // insufficient_privilege.
            Some("42501") => return Ok(false),
            // internal_error: "tuple concurrently updated".
            Some("XX000") if attempt < ATTEMPTS_MAX => {
                attempt += 1;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            _ => return Err(error),
        }
    }
}
