//! Migrations run when they like: again, at once, with few rights.

use std::{
    io,
    sync::{Arc, Mutex},
};

use futures::future::join_all;
use onsale_shared::log::{
    EventLog,
    postgres::{PostgresLog, PostgresLogConfig, Role, RoleOutcome, is_migrated, migrate},
};
use onsale_tests::database::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;

use crate::given::{append, appended, fill, one, read_all};

#[tokio::test]
async fn migrations_may_run_at_once_and_again() {
    let database = TestDatabase::create_empty().await;
    let mut admin = database.admin().await;
    assert!(!is_migrated(&mut admin).await.unwrap());
    let at_once = (0..8).map(|_| {
        let options = database.options();
        async move { migrate(&options).await }
    });
    for outcome in join_all(at_once).await {
        assert_eq!(outcome.unwrap(), RoleOutcome::Ready);
    }
    assert!(is_migrated(&mut admin).await.unwrap());
    let log = database.log().await;
    fill(&*log, "pools/a", 0, 3).await;
    assert_eq!(
        migrate(&database.options()).await.unwrap(),
        RoleOutcome::Ready
    );
    assert_eq!(read_all(&*log).await.len(), 3);
}

/// Roles belong to the server, so migrations of different databases meet there.
#[tokio::test]
async fn migrations_of_many_databases_may_run_at_once() {
    let databases = join_all((0..5).map(|_| TestDatabase::create_empty())).await;
    let at_once = databases.iter().chain(&databases).map(|database| {
        let options = database.options();
        async move { migrate(&options).await }
    });
    for outcome in join_all(at_once).await {
        assert_eq!(outcome.unwrap(), RoleOutcome::Ready);
    }
    for database in &databases {
        fill(&*database.log().await, "pools/a", 0, 1).await;
    }
}

/// A login that owns its database and nothing else; gone with the value.
struct Login {
    name: String,
    database: TestDatabase,
}

impl Login {
    async fn create() -> Self {
        let database = TestDatabase::create_empty().await;
        let name = format!("onsale_test_login_{}", Uuid::new_v4().simple());
        let login = Self { name, database };
        login
            .run(&format!(
                "CREATE ROLE {} LOGIN PASSWORD 'secret'",
                login.name
            ))
            .await;
        login
            .run(&format!(
                "ALTER DATABASE {} OWNER TO {}",
                login.database.name(),
                login.name
            ))
            .await;
        login
    }

    async fn run(&self, statement: &str) {
        let mut admin = self.database.admin().await;
        // Safe: built of constants and random numbers.
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut admin)
            .await
            .unwrap();
    }

    fn options(&self) -> sqlx::postgres::PgConnectOptions {
        self.database
            .options()
            .username(&self.name)
            .password("secret")
    }

    async fn remove(self) {
        self.run(&format!(
            "REASSIGN OWNED BY {0} TO CURRENT_USER; DROP OWNED BY {0}; DROP ROLE {0}",
            self.name
        ))
        .await;
    }
}

/// What is logged on this thread while the value lives.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Logged {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The log works with the rights of the login, and says that it does so.
#[tokio::test]
async fn a_login_that_may_not_create_roles_can_still_migrate() {
    let login = Login::create().await;
    assert_eq!(
        migrate(&login.options()).await.unwrap(),
        RoleOutcome::NotAllowed
    );
    assert_eq!(
        migrate(&login.options()).await.unwrap(),
        RoleOutcome::NotAllowed,
        "and again"
    );

    let logged = Logged::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(logged.clone())
        .finish();
    let log = {
        let _here = tracing::subscriber::set_default(subscriber);
        let config = PostgresLogConfig::new(login.options(), Some(Role::Command));
        PostgresLog::connect(config).await.unwrap()
    };
    let text = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("WARN") && text.contains("onsale_command_service"),
        "{text}"
    );
    assert_eq!(append(&log, &one("pools/a", 0, 1)).await, [appended([1])]);
    assert_eq!(read_all(&log).await.len(), 1);
    let mut hints = log.hints().await.unwrap();
    fill(&log, "pools/a", 1, 1).await;
    assert!(hints.next().await.is_ok());
    drop((log, hints));
    login.remove().await;
}

/// A login that may create roles, but is no superuser.
#[tokio::test]
async fn a_login_that_may_create_roles_is_no_superuser() {
    let login = Login::create().await;
    login
        .run(&format!("ALTER ROLE {} CREATEROLE", login.name))
        .await;
    // From PostgreSQL 16 on it may grant only the roles that it has created itself; these may be there already.
    let outcome = migrate(&login.options()).await.unwrap();
    let config = PostgresLogConfig::new(login.options(), Some(Role::Command));
    let log = PostgresLog::connect(config).await.unwrap();
    assert_eq!(append(&log, &one("pools/a", 0, 1)).await, [appended([1])]);
    let mut admin = login.database.admin().await;
    let taken_on: bool =
        sqlx::query_scalar("SELECT pg_has_role($1, 'onsale_command_service', 'MEMBER')")
            .bind(&login.name)
            .fetch_one(&mut admin)
            .await
            .unwrap();
    assert_eq!(taken_on, outcome == RoleOutcome::Ready);
    drop(log);
    login.remove().await;
}

/// What a newer version has migrated is not touched by an older one.
#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let database = TestDatabase::create().await;
    let mut admin = PgConnection::connect(database.url()).await.unwrap();
    sqlx::query(
        "INSERT INTO onsale_log.migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'from the future', true, '', 0)",
    )
    .execute(&mut admin)
    .await
    .unwrap();
    assert!(migrate(&database.options()).await.is_err());
    assert!(is_migrated(&mut admin).await.unwrap());
}
