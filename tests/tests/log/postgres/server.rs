//! What tests see of the server and do to it, behind the log's back.

use std::process::Command;

use onsale_tests::wait::eventually;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::given::LIMIT;

/// Runs one statement.
pub(crate) async fn run(connection: &mut PgConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(connection).await.unwrap();
}

/// The backends of this database that hold the log's lock, and those that wait for it.
async fn lock_queue(admin: &mut PgConnection, granted: bool) -> Vec<i32> {
    sqlx::query_scalar(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted = $1 \
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .bind(granted)
    .fetch_all(admin)
    .await
    .unwrap()
}

pub(crate) async fn lock_holders(admin: &mut PgConnection) -> Vec<i32> {
    lock_queue(admin, true).await
}

/// Waits until so many backends wait for the log's lock, and names them.
pub(crate) async fn lock_waiters(admin: &mut PgConnection, count: usize) -> Vec<i32> {
    let admin = tokio::sync::Mutex::new(admin);
    let what = format!("{count} backends that wait for the lock");
    eventually(LIMIT, what, || async {
        let waiters = lock_queue(&mut **admin.lock().await, false).await;
        (waiters.len() >= count).then_some(waiters)
    })
    .await
}

/// The backends of this database whose last statement is like this, but for the one that asks.
pub(crate) async fn backends(admin: &mut PgConnection, query_like: &str) -> Vec<i32> {
    sqlx::query_scalar(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
            AND backend_type = 'client backend' AND query LIKE $1",
    )
    .bind(query_like)
    .fetch_all(admin)
    .await
    .unwrap()
}

/// Waits until so many backends are like this, and names them.
pub(crate) async fn backends_become(
    admin: &mut PgConnection,
    query_like: &str,
    count: usize,
) -> Vec<i32> {
    let admin = tokio::sync::Mutex::new(admin);
    let what = format!("{count} backends at {query_like}");
    eventually(LIMIT, what, || async {
        let found = backends(&mut **admin.lock().await, query_like).await;
        (found.len() == count).then_some(found)
    })
    .await
}

/// Waits until a backend has ended.
pub(crate) async fn ended(admin: &mut PgConnection, pid: i32) {
    let admin = tokio::sync::Mutex::new(admin);
    eventually(LIMIT, format!("the end of backend {pid}"), || async {
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)")
                .bind(pid)
                .fetch_one(&mut **admin.lock().await)
                .await
                .unwrap();
        (!there).then_some(())
    })
    .await;
}

pub(crate) async fn terminate(admin: &mut PgConnection, pid: i32) {
    assert!(terminate_if_there(admin, pid).await);
}

/// Whether there was such a backend: one that was listed a moment ago may be at its end already.
pub(crate) async fn terminate_if_there(admin: &mut PgConnection, pid: i32) -> bool {
    sqlx::query_scalar("SELECT pg_terminate_backend($1)")
        .bind(pid)
        .fetch_one(admin)
        .await
        .unwrap()
}

/// Appends one event by the function, in whatever transaction the connection has open. The position, if it was appended.
pub(crate) async fn append_in(
    connection: &mut PgConnection,
    stream: &str,
    expected: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT appended, first_position \
           FROM onsale_log.append_batch(ARRAY[1], ARRAY[$1::text], ARRAY[$2::bigint], ARRAY[1], ARRAY[$2::bigint + 1], \
                ARRAY[$3::uuid], ARRAY['SalesResumed'], ARRAY[1::smallint], ARRAY[clock_timestamp()], ARRAY['{}'], \
                ARRAY['{}'], '{}', '{}', '{}')",
    )
    .bind(stream)
    .bind(expected)
    .bind(Uuid::new_v4())
    .fetch_one(connection)
    .await?;
    let appended: bool = row.try_get("appended")?;
    Ok(if appended {
        row.try_get("first_position")?
    } else {
        None
    })
}

/// A backend that stands still (SIGSTOP) until the value is dropped. The server must be on this machine, and its
/// processes within the test's reach.
pub(crate) struct Frozen(i32);

impl Frozen {
    pub(crate) fn backend(pid: i32) -> Self {
        assert!(
            signal("-STOP", pid),
            "a backend on this machine can be stopped"
        );
        Self(pid)
    }

    /// Lets it go on, and waits until it has ended: its client has gone.
    pub(crate) async fn thaw(self, admin: &mut PgConnection) {
        let pid = self.0;
        drop(self);
        ended(admin, pid).await;
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // Not asserted: a test that fails drops it while panicking.
        signal("-CONT", self.0);
    }
}

fn signal(signal: &str, pid: i32) -> bool {
    let status = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
    status.is_ok_and(|status| status.success())
}
