//! Hints by LISTEN and NOTIFY, apart from the appends: a commit with a pending NOTIFY takes a lock of the whole server
//! (`PreCommit_Notify` in PostgreSQL's `async.c`), so it must never be the commit of a sale.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{PgConnection, postgres::PgListener, postgres::PgPoolOptions};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{PostgresLogConfig, connections, read};
use crate::log::{Hints, HintsLost, Position, ReadError, Source};

const CHANNEL: &str = "onsale_events";

/// The shortest time between two notifications of one process; what is appended meanwhile is told at once.
const NOTIFY_INTERVAL: Duration = Duration::from_millis(5);
/// How long to wait after a failure. Readers poll meanwhile.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Tells readers of what this process appended: the first at once, what follows within 5 ms as one. It ends when the
/// log is dropped. It is connected from the start, so that the first hint comes as soon as any other.
pub(super) async fn spawn_notifier(
    mut appended: watch::Receiver<Position>,
    config: PostgresLogConfig,
) -> Result<(), sqlx::Error> {
    let mut connection = Some(connect(&config).await?);
    drop(tokio::spawn(async move {
        while appended.changed().await.is_ok() {
            let head = *appended.borrow_and_update();
            // A connection that hangs must not be the end of all hints; telling takes no longer than connecting.
            let notifying = notify(&mut connection, &config, head);
            let sent = match timeout(config.connect_timeout, notifying).await {
                Ok(sent) => sent.map_err(Source::from),
                Err(elapsed) => Err(elapsed.into()),
            };
            if let Err(error) = sent {
                tracing::debug!(error = &*error, "a hint was not sent; readers poll");
                connection = None;
                sleep(RETRY_INTERVAL).await;
            } else {
                sleep(NOTIFY_INTERVAL).await;
            }
        }
    }));
    Ok(())
}

async fn connect(config: &PostgresLogConfig) -> Result<PgConnection, sqlx::Error> {
    let mut connection =
        connections::open(&config.options, config.role, config.connect_timeout).await?;
    // A hint may be lost, so it waits for no disk.
    sqlx::raw_sql("SET synchronous_commit = off")
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

async fn notify(
    slot: &mut Option<PgConnection>,
    config: &PostgresLogConfig,
    head: Position,
) -> Result<(), sqlx::Error> {
    let connection = match slot {
        Some(connection) => connection,
        None => slot.insert(connect(config).await?),
    };
    sqlx::query("SELECT pg_notify($1, $2)")
        .bind(CHANNEL)
        .bind(head.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Registers for hints on a connection of its own.
pub(super) async fn listen(config: &PostgresLogConfig) -> Result<Box<dyn Hints>, ReadError> {
    let role = config.role;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(config.connect_timeout)
        .after_connect(move |connection, _| {
            Box::pin(async move { connections::prepare_session(connection, role).await })
        })
        .connect_lazy_with(config.options.clone());
    let listening = async {
        let mut listener = PgListener::connect_with(&pool).await?;
        // Silent reconnection would lose hints without a word.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    let during = "listening for hints";
    let listener = timeout(config.connect_timeout, listening)
        .await
        .map_err(read::unavailable(during))?
        .map_err(read::unavailable(during))?;
    Ok(Box::new(Notifications(listener)))
}

struct Notifications(PgListener);

#[async_trait]
impl Hints for Notifications {
    async fn next(&mut self) -> Result<Position, HintsLost> {
        // `None` says that the connection was lost; an error says it too.
        let Ok(Some(notification)) = self.0.try_recv().await else {
            return Err(HintsLost);
        };
        // A payload that is not a position is somebody else's: look at the log.
        let head = notification.payload().parse().ok().and_then(Position::new);
        Ok(head.unwrap_or(Position::new(i64::MAX).unwrap_or_default()))
    }
}
