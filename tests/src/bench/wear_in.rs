//! A server as it is after some time: its WAL segments are used again, instead of being made while calls wait.

use sqlx::{Connection as _, PgConnection};

use crate::database::server_url;

/// As many segments of 16 MB as `min_wal_size` keeps; see `settings_for_writing` in `scripts/postgres`.
const SEGMENTS: u32 = 64;

/// Makes the segments once and lets a checkpoint keep them for later use
/// (<https://www.postgresql.org/docs/current/wal-configuration.html>).
///
/// # Errors
/// The server cannot be asked, or its login may not do that.
pub async fn wear_in() -> anyhow::Result<()> {
    let mut server = PgConnection::connect(&server_url()).await?;
    for _segment in 0..SEGMENTS {
        // A segment without a record would not be left.
        sqlx::query("SELECT pg_logical_emit_message(false, 'onsale', 'wear in')")
            .execute(&mut server)
            .await?;
        sqlx::query("SELECT pg_switch_wal()")
            .execute(&mut server)
            .await?;
    }
    sqlx::query("CHECKPOINT").execute(&mut server).await?;
    Ok(())
}
