//! The first connection of a process, and in words for operators why there is none.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

/// How long PostgreSQL may take to answer a process that starts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a process that starts has no connection. One line that says what happened and what to do; it shows no password.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// Nobody answered.
    #[error(
        "PostgreSQL cannot be reached: {what}; check the host and port in DATABASE_URL, and whether it runs"
    )]
    Nobody {
        /// What happened.
        what: String,
    },
    /// PostgreSQL answered, and refused.
    #[error("PostgreSQL refuses: {message} (SQLSTATE {code}); {cure}")]
    Refused {
        /// What it said.
        message: String,
        /// `28P01`; see <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
        code: String,
        /// What to do.
        cure: &'static str,
    },
}

/// Reaches the database for the first time.
///
/// # Errors
/// It cannot be reached, or refuses.
pub async fn first_connection(options: &PgConnectOptions) -> Result<PgConnection, Unreachable> {
    match timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await {
        Ok(connected) => connected.map_err(|error| why(&error)),
        Err(_elapsed) => Err(Unreachable::Nobody {
            what: format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
        }),
    }
}

/// What an error of the first connection, or of the first look at the database, means.
pub(super) fn why(error: &sqlx::Error) -> Unreachable {
    let Some(refused) = error.as_database_error() else {
        let what = if let sqlx::Error::Io(io) = error {
            io.to_string()
        } else {
            error.to_string()
        };
        return Unreachable::Nobody { what };
    };
    let code = refused.code().unwrap_or_default().into_owned();
    let cure = match code.as_str() {
        "28P01" | "28000" => "check the user and the password in DATABASE_URL, and pg_hba.conf",
        "3D000" => "check the name of the database in DATABASE_URL, or create it",
        "42501" => {
            "grant the login the role of its service, onsale_command_service or onsale_query_service"
        }
        "53300" => {
            "too many connections are open: raise max_connections, or lower the limits of the services"
        }
        "57P03" => "it starts or stops: try again in a moment",
        _ => "see its own log",
    };
    Unreachable::Refused {
        message: refused.message().to_owned(),
        code,
        cure,
    }
}
