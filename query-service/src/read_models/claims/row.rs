//! Rows as [`ClaimRow`]s and [`TicketRow`]s, for the projector and for queries.

use onsale_shared::id::{ClaimId, TicketId};
use sqlx::{Row as _, postgres::PgRow};

use super::{ClaimCounts, ClaimRow, ClaimState, TicketRow, TicketState};
use crate::read_models::decode::{
    damaged, id, json, minor, number, optional, optional_id, optional_time, position, required,
    time,
};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The columns of a claim; `c` is the table.
macro_rules! claim_columns {
    () => {
        "c.pool, c.claim, c.customer, c.reference, c.labels::text AS labels, c.unit_price, c.pricing_version, \
         c.expire_time, c.held, c.bought, c.refunded, c.returned, c.expired, c.voided, c.replaced, c.granted, \
         c.extended, c.corrupted, c.position, c.last_position, c.alive_position, c.create_time, c.update_time"
    };
}

/// The columns of a ticket; `t` is the table.
macro_rules! ticket_columns {
    () => {
        "t.pool, t.ticket, t.claim, t.customer, t.state, t.unit_price, t.pricing_version, t.granted, t.claim_time, \
         t.buy_time, t.payment_reference, t.grant_reason, t.release_time, t.release_cause, t.refund_time, \
         t.refund_reason, t.replaces, t.replaced_by, t.corrupted, t.position, t.last_position"
    };
}

pub(super) use {claim_columns, ticket_columns};

pub(super) fn claim_of(row: &PgRow) -> Result<ClaimRow> {
    Ok(ClaimRow {
        pool: required(row, "pool")?,
        id: ClaimId(id(row, "claim")?),
        customer: required(row, "customer")?,
        reference: optional(row, "reference")?,
        labels: json(row, "labels")?,
        unit_price: minor(row, "unit_price")?,
        pricing_version: number(row, "pricing_version")?,
        expire_time: time(row, "expire_time")?,
        counts: ClaimCounts {
            held: number(row, "held")?,
            bought: number(row, "bought")?,
            refunded: number(row, "refunded")?,
            returned: number(row, "returned")?,
            expired: number(row, "expired")?,
            voided: number(row, "voided")?,
            replaced: number(row, "replaced")?,
        },
        granted: row.try_get("granted")?,
        extended: row.try_get("extended")?,
        corrupted: row.try_get("corrupted")?,
        position: position(row, "position")?,
        last_position: position(row, "last_position")?,
        alive_position: position(row, "alive_position")?,
        create_time: time(row, "create_time")?,
        update_time: time(row, "update_time")?,
    })
}

/// The column `shown_state` of a query.
pub(super) fn shown_state(row: &PgRow) -> Result<ClaimState> {
    let text: &str = row.try_get("shown_state")?;
    ClaimState::parse(text).ok_or_else(|| damaged("shown_state"))
}

pub(super) fn ticket_of(row: &PgRow) -> Result<TicketRow> {
    let state: &str = row.try_get("state")?;
    Ok(TicketRow {
        pool: required(row, "pool")?,
        id: TicketId(id(row, "ticket")?),
        claim: ClaimId(id(row, "claim")?),
        customer: required(row, "customer")?,
        state: TicketState::parse(state).ok_or_else(|| damaged("state"))?,
        unit_price: minor(row, "unit_price")?,
        pricing_version: number(row, "pricing_version")?,
        granted: row.try_get("granted")?,
        claim_time: time(row, "claim_time")?,
        buy_time: optional_time(row, "buy_time")?,
        payment_reference: optional(row, "payment_reference")?,
        grant_reason: optional(row, "grant_reason")?,
        release_time: optional_time(row, "release_time")?,
        release_cause: optional(row, "release_cause")?,
        refund_time: optional_time(row, "refund_time")?,
        refund_reason: optional(row, "refund_reason")?,
        replaces: optional_id(row, "replaces")?.map(TicketId),
        replaced_by: optional_id(row, "replaced_by")?.map(TicketId),
        corrupted: row.try_get("corrupted")?,
        position: position(row, "position")?,
        last_position: position(row, "last_position")?,
    })
}
