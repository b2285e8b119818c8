//! The first tables of a projection.

use onsale_shared::log::EventLog;
use sqlx::PgConnection;

use super::{Projection, writer::Interrupted};
use crate::read_models::generations::{self, Generation};

/// The live generation; made now, empty, if there is none. Only then has the log to be there: what it has now is what the
/// tables must have before they are read.
pub(crate) async fn ensure_live(
    session: &mut PgConnection,
    projection: &'static Projection,
    log: &dyn EventLog,
) -> Result<Generation, Interrupted> {
    match generations::live(session, projection.name).await {
        Err(sqlx::Error::RowNotFound) => {}
        known => return Ok(known?),
    }
    let head = log.head().await?.position;
    Ok(generations::ensure_live(session, projection, head).await?)
}
