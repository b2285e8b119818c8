//! Reading what happened to a customer, in the order of the log.

use onsale_shared::{
    id::{ClaimId, PoolId, TicketId},
    log::Position,
    text::Reference,
};
use sqlx::{PgConnection, Row as _, postgres::PgRow};

use super::{CustomerEntry, EntryKind};
use crate::{
    queries::Page,
    read_models::decode::{
        damaged, id, optional, optional_id, optional_minor, optional_time, position, required, time,
    },
};

/// Whose story, and of which pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoryFilter {
    pub(crate) customer: Reference,
    /// None: of all pools.
    pub(crate) pool: Option<PoolId>,
}

/// The columns of an entry; `e` is the view, $1 the customer, $2 the key of the last row seen, $3 the limit.
macro_rules! entries_where {
    ($more:literal) => {
        concat!(
            "SELECT e.customer, e.position, e.time, e.pool, e.kind, e.claim, e.ticket, e.unit_price, e.granted, \
                    e.release_cause, e.reason, e.reference, e.payment_reference, e.expire_time, e.replaces \
               FROM onsale_read.customer_entries e WHERE e.customer = $1 AND e.position > $2",
            $more,
            " ORDER BY e.position LIMIT $3"
        )
    };
}

/// A page of a customer's story.
pub(crate) async fn entries(
    connection: &mut PgConnection,
    filter: &StoryFilter,
    page: &Page<Position>,
) -> Result<Vec<CustomerEntry>, sqlx::Error> {
    let after = page.after.unwrap_or(Position::START);
    let query = |sql: &'static str| {
        sqlx::query(sql)
            .bind(filter.customer.as_str())
            .bind(after.get())
            .bind(page.limit())
    };
    let query = match &filter.pool {
        Some(pool) => query(entries_where!(" AND e.pool = $4")).bind(pool.as_str()),
        None => query(entries_where!("")),
    };
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(entry_of).collect()
}

fn entry_of(row: &PgRow) -> Result<CustomerEntry, sqlx::Error> {
    let kind: &str = row.try_get("kind")?;
    Ok(CustomerEntry {
        customer: required(row, "customer")?,
        position: position(row, "position")?,
        time: time(row, "time")?,
        pool: required(row, "pool")?,
        kind: EntryKind::parse(kind).ok_or_else(|| damaged("kind"))?,
        claim: ClaimId(id(row, "claim")?),
        ticket: optional_id(row, "ticket")?.map(TicketId),
        unit_price: optional_minor(row, "unit_price")?,
        granted: row.try_get("granted")?,
        release_cause: optional(row, "release_cause")?,
        reason: optional(row, "reason")?,
        reference: optional(row, "reference")?,
        payment_reference: optional(row, "payment_reference")?,
        expire_time: optional_time(row, "expire_time")?,
        replaces: optional_id(row, "replaces")?.map(TicketId),
    })
}
