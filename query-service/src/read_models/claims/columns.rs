//! Many rows as one array a column.

use sqlx::types::{
    Uuid,
    chrono::{DateTime, Utc},
};

use super::{ClaimRow, TicketRow, cause_text};

/// What changes in a claim.
#[derive(Default)]
pub(super) struct ClaimChanges<'a> {
    pub(super) pool: Vec<&'a str>,
    pub(super) claim: Vec<Uuid>,
    pub(super) last_position: Vec<i64>,
    pub(super) alive_position: Vec<i64>,
    pub(super) update_time: Vec<DateTime<Utc>>,
    pub(super) expire_time: Vec<DateTime<Utc>>,
    pub(super) held: Vec<i64>,
    pub(super) bought: Vec<i64>,
    pub(super) refunded: Vec<i64>,
    pub(super) returned: Vec<i64>,
    pub(super) expired: Vec<i64>,
    pub(super) voided: Vec<i64>,
    pub(super) replaced: Vec<i64>,
    pub(super) extended: Vec<bool>,
    pub(super) corrupted: Vec<bool>,
    pub(super) state: Vec<&'a str>,
}

/// What a claim keeps.
#[derive(Default)]
pub(super) struct ClaimConstants<'a> {
    pub(super) position: Vec<i64>,
    pub(super) create_time: Vec<DateTime<Utc>>,
    pub(super) unit_price: Vec<i64>,
    pub(super) pricing_version: Vec<i64>,
    pub(super) granted: Vec<bool>,
    pub(super) customer: Vec<&'a str>,
    pub(super) reference: Vec<Option<&'a str>>,
    pub(super) labels: Vec<Option<String>>,
}

/// What changes in a ticket.
#[derive(Default)]
pub(super) struct TicketChanges<'a> {
    pub(super) pool: Vec<&'a str>,
    pub(super) ticket: Vec<Uuid>,
    pub(super) last_position: Vec<i64>,
    pub(super) buy_time: Vec<Option<DateTime<Utc>>>,
    pub(super) release_time: Vec<Option<DateTime<Utc>>>,
    pub(super) refund_time: Vec<Option<DateTime<Utc>>>,
    pub(super) corrupted: Vec<bool>,
    pub(super) replaced_by: Vec<Option<Uuid>>,
    pub(super) state: Vec<&'a str>,
    pub(super) release_cause: Vec<Option<&'a str>>,
    pub(super) payment_reference: Vec<Option<&'a str>>,
    pub(super) grant_reason: Vec<Option<&'a str>>,
    pub(super) refund_reason: Vec<Option<&'a str>>,
}

/// What a ticket keeps.
#[derive(Default)]
pub(super) struct TicketConstants<'a> {
    pub(super) position: Vec<i64>,
    pub(super) claim_time: Vec<DateTime<Utc>>,
    pub(super) unit_price: Vec<i64>,
    pub(super) pricing_version: Vec<i64>,
    pub(super) granted: Vec<bool>,
    pub(super) claim: Vec<Uuid>,
    pub(super) replaces: Vec<Option<Uuid>>,
    pub(super) customer: Vec<&'a str>,
}

impl<'a> ClaimChanges<'a> {
    pub(super) fn of(rows: &[&'a ClaimRow]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.push(row);
        }
        columns
    }

    fn push(&mut self, row: &'a ClaimRow) {
        let counts = row.counts;
        self.pool.push(row.pool.as_str());
        self.claim.push(row.id.0);
        self.last_position.push(row.last_position.get());
        self.alive_position.push(row.alive_position.get());
        self.update_time.push(row.update_time.to_utc());
        self.expire_time.push(row.expire_time.to_utc());
        self.held.push(counts.held.into());
        self.bought.push(counts.bought.into());
        self.refunded.push(counts.refunded.into());
        self.returned.push(counts.returned.into());
        self.expired.push(counts.expired.into());
        self.voided.push(counts.voided.into());
        self.replaced.push(counts.replaced.into());
        self.extended.push(row.extended);
        self.corrupted.push(row.corrupted);
        self.state.push(counts.state().as_str());
    }
}

impl<'a> ClaimConstants<'a> {
    pub(super) fn of(rows: &[&'a ClaimRow]) -> Result<Self, sqlx::Error> {
        let mut columns = Self::default();
        for row in rows {
            columns.push(row)?;
        }
        Ok(columns)
    }

    fn push(&mut self, row: &'a ClaimRow) -> Result<(), sqlx::Error> {
        let labels = (!row.labels.is_empty()).then(|| serde_json::to_string(&row.labels));
        let labels = labels.transpose();
        self.labels
            .push(labels.map_err(|error| sqlx::Error::Encode(error.into()))?);
        self.position.push(row.position.get());
        self.create_time.push(row.create_time.to_utc());
        self.unit_price.push(row.unit_price.get());
        self.pricing_version.push(row.pricing_version.into());
        self.granted.push(row.granted);
        self.customer.push(row.customer.as_str());
        let reference = row.reference.as_ref();
        self.reference
            .push(reference.map(|reference| reference.as_str()));
        Ok(())
    }
}

impl<'a> TicketChanges<'a> {
    pub(super) fn of(rows: &[&'a TicketRow]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.push(row);
        }
        columns
    }

    fn push(&mut self, row: &'a TicketRow) {
        self.pool.push(row.pool.as_str());
        self.ticket.push(row.id.0);
        self.last_position.push(row.last_position.get());
        self.buy_time.push(row.buy_time.map(|t| t.to_utc()));
        self.release_time.push(row.release_time.map(|t| t.to_utc()));
        self.refund_time.push(row.refund_time.map(|t| t.to_utc()));
        self.corrupted.push(row.corrupted);
        self.replaced_by
            .push(row.replaced_by.map(|ticket| ticket.0));
        self.state.push(row.state.as_str());
        self.release_cause.push(row.release_cause.map(cause_text));
        let payment = row.payment_reference.as_ref();
        self.payment_reference.push(payment.map(|p| p.as_str()));
        let reason = row.grant_reason.as_ref();
        self.grant_reason.push(reason.map(|r| r.as_str()));
        let reason = row.refund_reason.as_ref();
        self.refund_reason.push(reason.map(|r| r.as_str()));
    }
}

impl<'a> TicketConstants<'a> {
    pub(super) fn of(rows: &[&'a TicketRow]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.push(row);
        }
        columns
    }

    fn push(&mut self, row: &'a TicketRow) {
        self.position.push(row.position.get());
        self.claim_time.push(row.claim_time.to_utc());
        self.unit_price.push(row.unit_price.get());
        self.pricing_version.push(row.pricing_version.into());
        self.granted.push(row.granted);
        self.claim.push(row.claim.0);
        self.replaces.push(row.replaces.map(|ticket| ticket.0));
        self.customer.push(row.customer.as_str());
    }
}
