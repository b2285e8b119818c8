//! What callers were refused: a trace that command-services leave beside the log.

use std::time::Duration;

use onsale_shared::{
    refusals::{self, Key, Refusals, Selection},
    time::Timestamp,
};
use tokio::time::Instant;

use super::{Page, Paged, Queries, QueryError};
use crate::read_models::snapshot;

/// How much is looked at if the question does not say since when.
pub(crate) const SPAN_DEFAULT: Duration = Duration::from_hours(1);

/// The longest span of time that is looked at.
pub(crate) const SPAN_MAX: Duration = Duration::from_hours(31 * 24);

/// Which refusals are asked for.
#[derive(Clone, Debug)]
pub(crate) struct RefusalsQuery {
    pub(crate) selection: Selection,
    pub(crate) page: Page<Key>,
}

/// From when until when is looked, where a question may leave either open.
pub(crate) fn span(
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    now: Timestamp,
) -> (Timestamp, Timestamp) {
    // All of the second that is now.
    let end = end.unwrap_or_else(|| now.plus(Duration::from_secs(1)));
    (start.unwrap_or_else(|| end.minus(SPAN_DEFAULT)), end)
}

impl Queries {
    /// A page of the trace, the newest second first.
    pub(crate) async fn list_refusals(
        &self,
        query: &RefusalsQuery,
        deadline: Instant,
    ) -> Result<Paged<Refusals, Key>, QueryError> {
        let limit = u32::try_from(query.page.limit()).unwrap_or(u32::MAX);
        let reading = self.read_models.read_until(deadline, |connection| {
            let (selection, after) = (query.selection.clone(), query.page.after.clone());
            Box::pin(snapshot::read_beside(connection, move |connection| {
                Box::pin(async move {
                    refusals::list(connection, &selection, after.as_ref(), limit).await
                })
            }))
        });
        let rows = reading.await.ok_or(QueryError::DatabaseTooSlow)??;
        Ok(query.page.of(rows, Key::of))
    }
}
