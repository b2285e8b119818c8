//! A PostgreSQL of the test's own, which can be killed.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use onsale_tests::{
    service::signal,
    wait::{eventually, within},
};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;
use tokio::process::Command;

use crate::storm::LIMIT;

/// The longest that a server may take to come up again.
const START_LIMIT: Duration = Duration::from_secs(60);
/// What the sessions of both instances are called.
const SESSIONS: &str = "application_name = 'command-service' AND backend_type = 'client backend'";

/// See the module. Dropped, it goes with its data.
pub(crate) struct Server {
    folder: TempDir,
    pub(crate) options: PgConnectOptions,
    pub(crate) url: String,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres")
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("onsale-storm.")
            .tempdir()
            .unwrap();
        // As root, the server runs as another user, who has to pass through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let url = run(&folder).await;
        let options: PgConnectOptions = url.parse().unwrap();
        Self {
            folder,
            options: options.application_name("storm"),
            url,
        }
    }

    /// SIGKILL of its first process, until it is gone: else it might seem to run still to who starts it again. The others
    /// end when they notice.
    pub(crate) async fn kill(&self) {
        let file = self.folder.path().join("postgres/data/postmaster.pid");
        let text = fs::read_to_string(file).unwrap();
        let pid: u32 = text.lines().next().unwrap().parse().unwrap();
        signal(pid, "KILL").await;
        eventually(LIMIT, "the end of the server", || async {
            let mut ps = Command::new("ps");
            let output = ps.args(["-o", "stat=", "-p", &pid.to_string()]).output();
            let state = output.await.expect("ps can be run").stdout;
            (state.is_empty() || state.starts_with(b"Z")).then_some(())
        })
        .await;
    }

    /// Starts it again after [`Self::kill`].
    pub(crate) async fn restart(&self) {
        assert_eq!(run(&self.folder).await, self.url, "the port is kept");
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect_with(&self.options).await.unwrap()
    }

    /// The backend of an instance that holds the log's lock, or waits for it; that of any session if nobody does.
    pub(crate) async fn busy_backend(&self, admin: &mut PgConnection) -> Option<i32> {
        let sql = format!(
            "SELECT a.pid FROM pg_stat_activity a LEFT JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory' \
              WHERE {SESSIONS} ORDER BY l.granted DESC NULLS LAST, a.state = 'active' DESC LIMIT 1"
        );
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_optional(admin)
            .await
            .unwrap()
    }

    /// Terminates every session of the instances; how many there were.
    pub(crate) async fn terminate_sessions(&self, admin: &mut PgConnection) -> usize {
        let sql =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {SESSIONS}");
        let terminated: Vec<bool> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_all(admin)
            .await
            .unwrap();
        terminated.len()
    }

    /// Waits until no session of an instance is left: whatever an abandoned one still does, it has done.
    pub(crate) async fn all_quiet(&self) {
        eventually(LIMIT, "the end of every session", async || {
            let mut admin = self.connect().await;
            let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE {SESSIONS}");
            let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_one(&mut admin)
                .await
                .unwrap();
            (left == 0).then_some(())
        })
        .await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let removed = std::process::Command::new(script())
            .arg("remove")
            .arg(self.folder.path().join("postgres"))
            .status();
        if !removed.is_ok_and(|status| status.success()) {
            eprintln!("{} stays behind", self.folder.path().display());
        }
    }
}

/// Starts the server in the folder, and returns its URL.
async fn run(folder: &TempDir) -> String {
    let mut start = Command::new(script());
    start
        .arg("start")
        .arg(folder.path().join("postgres"))
        .arg("--fast");
    let output = within(START_LIMIT, "PostgreSQL starts", start.output()).await;
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "PostgreSQL did not start: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
