//! A database of its own for every test, in the server of `ONSALE_TEST_DATABASE_URL`.

use std::{
    env,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use onsale_shared::log::postgres::{PostgresLog, PostgresLogConfig, Role, migrate};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

/// Names the server, as a superuser.
const VARIABLE: &str = "ONSALE_TEST_DATABASE_URL";

/// How long a test waits for its database to be dropped.
const DROP_LIMIT: Duration = Duration::from_secs(3);

/// A database with a random name; dropped, with every connection to it, when the value is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
    server: PgConnectOptions,
}

impl TestDatabase {
    /// A database with an empty event log.
    ///
    /// # Panics
    /// There is no server, or the migrations fail.
    pub async fn create() -> Self {
        let database = Self::create_empty().await;
        migrate(&database.options())
            .await
            .expect("the event log can be migrated");
        database
    }

    /// A database without anything in it.
    ///
    /// # Panics
    /// There is no server.
    pub async fn create_empty() -> Self {
        let url = server_url();
        let server: PgConnectOptions = url.parse().expect("the URL of a PostgreSQL server");
        let name = format!("onsale_test_{}", Uuid::new_v4().simple());
        execute(&server, &format!("CREATE DATABASE {name}"))
            .await
            .expect("the login of the tests may create databases");
        Self {
            url: with_database(&url, &name),
            name,
            server,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URL, as a superuser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How to connect to it, as a superuser.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// A connection as a superuser, without any of the log's settings.
    ///
    /// # Panics
    /// The database cannot be reached.
    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect_with(&self.options())
            .await
            .expect("the test database can be reached")
    }

    /// The log as after a failover to a server that has not got its last events: all sessions are gone, and so is what came
    /// after a position. (The rest of the database stays as it is.)
    ///
    /// # Panics
    /// The database cannot be reached, or sessions do not end.
    pub async fn lose_events_after(&self, position: i64) {
        let mut admin = self.admin().await;
        self.allow_connections(false).await;
        let others = "FROM pg_stat_activity \
             WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        // Those of services first: what waits for a lock of a test must not have it for a moment.
        let end = AssertSqlSafe(format!(
            "SELECT pg_terminate_backend(pid, 10000) \
               FROM (SELECT pid {others} ORDER BY application_name = '', pid) AS sessions"
        ));
        sqlx::raw_sql(end)
            .execute(&mut admin)
            .await
            .expect("sessions are ended");
        let left = AssertSqlSafe(format!("SELECT count(*) {others}"));
        let left: i64 = sqlx::query_scalar(left)
            .fetch_one(&mut admin)
            .await
            .expect("sessions are counted");
        assert_eq!(left, 0, "sessions have not ended");
        sqlx::query("DELETE FROM onsale_log.events WHERE position > $1")
            .bind(position)
            .execute(&mut admin)
            .await
            .expect("events are lost");
        self.allow_connections(true).await;
    }

    /// Told from another database: nobody may lock himself out.
    async fn allow_connections(&self, allow: bool) {
        let statement = format!("ALTER DATABASE {} ALLOW_CONNECTIONS {allow}", self.name);
        let altered = execute(&self.server, &statement).await;
        altered.expect("the database takes connections or not");
    }

    /// The event log, with the rights of command-service.
    ///
    /// # Panics
    /// The database cannot be reached.
    pub async fn log(&self) -> Arc<PostgresLog> {
        self.log_with(|config| config).await
    }

    /// The event log, used in another way than [`Self::log`] does.
    ///
    /// # Panics
    /// The database cannot be reached.
    pub async fn log_with(
        &self,
        change: impl FnOnce(PostgresLogConfig) -> PostgresLogConfig,
    ) -> Arc<PostgresLog> {
        let config = PostgresLogConfig {
            // On a busy machine and without optimisation, authentication alone takes a while.
            connect_timeout: Duration::from_secs(10),
            ..PostgresLogConfig::new(self.options(), Some(Role::Command))
        };
        let log = PostgresLog::connect(change(config)).await;
        Arc::new(log.expect("the test database can be reached"))
    }
}

impl Drop for TestDatabase {
    /// By a thread and a runtime of its own, since the runtime of the test may be at its end.
    ///
    /// PostgreSQL drops a database only when every backend of the server has taken note, and one in the middle of
    /// authentication does not. Its client may be a task of this very test, which stands still while we wait here; so
    /// after a while the thread is left to itself, and ends when the test has.
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server.clone();
        let (done, dropped) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let result = runtime.block_on(execute(&server, &statement));
            // Nobody may be waiting any longer.
            done.send(result).ok();
            Ok::<_, std::io::Error>(())
        });
        match dropped.recv_timeout(DROP_LIMIT) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, database = self.name, "a test database stays behind");
            }
            Err(error) => {
                tracing::warn!(%error, database = self.name, "a test database takes its time to go");
            }
        }
    }
}

/// The URL of the server that tests make their databases in.
///
/// # Panics
/// There is none; the message says what to do.
#[must_use]
pub fn server_url() -> String {
    let url = env::var(VARIABLE).ok();
    assert!(
        url.is_some(),
        "{VARIABLE} is not set: run `make test`, or start a server with `make db` and set it to the URL that is printed"
    );
    url.expect("asserted above")
}

async fn execute(server: &PgConnectOptions, statement: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(server).await?;
    // Safe: built of constants and a random number.
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// `url` with another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = match url.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (url, String::new()),
    };
    let host = address.find("://").map_or(0, |at| at + "://".len());
    let end = address[host..]
        .find('/')
        .map_or(address.len(), |at| host + at);
    format!("{}/{name}{parameters}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn a_url_gets_another_database() {
        for (url, expected) in [
            ("postgres://u:p@h:1/db?a=b", "postgres://u:p@h:1/new?a=b"),
            ("postgres://u:p@h:1/db", "postgres://u:p@h:1/new"),
            ("postgres://h", "postgres://h/new"),
            ("postgres://h/?host=/tmp", "postgres://h/new?host=/tmp"),
        ] {
            assert_eq!(with_database(url, "new"), expected);
        }
    }
}
