//! Somebody who looks at the pool's version all the time, past every fault but the server's own.

use std::time::Duration;

use onsale_shared::log::Version;
use onsale_tests::history::Look;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::stopwatch::Stopwatch;

/// Between two looks: the pool may change some times meanwhile.
const PAUSE: Duration = Duration::from_millis(2);

/// Looks until it is stopped.
pub(crate) async fn observe(
    options: PgConnectOptions,
    stream: String,
    watch: Stopwatch,
    stop: CancellationToken,
) -> Vec<Look> {
    let mut looks = Vec::new();
    let mut connection: Option<PgConnection> = None;
    while !stop.is_cancelled() {
        sleep(PAUSE).await;
        let mut session = match connection.take() {
            Some(session) => session,
            None => match PgConnection::connect_with(&options).await {
                Ok(session) => session,
                Err(_away) => continue,
            },
        };
        let sent = watch.now();
        let version = version(&mut session, &stream).await;
        if let Ok(version) = version {
            looks.push(Look {
                sent,
                received: watch.now(),
                version,
            });
            connection = Some(session);
        }
    }
    looks
}

async fn version(session: &mut PgConnection, stream: &str) -> Result<Version, sqlx::Error> {
    let version = sqlx::query_scalar(
        "SELECT coalesce(max(version), 0) FROM onsale_log.events WHERE stream = $1",
    )
    .bind(stream)
    .fetch_one(session)
    .await?;
    Ok(Version::new(version).expect("versions are not negative"))
}
