//! Claims, tickets and what happened to customers as the contract writes them.

use onsale_proto::{name, v1};
use onsale_shared::{
    event::ReleaseCause,
    id::{PoolId, TicketId},
    money::Minor,
};

use super::{money, timestamp};
use crate::{
    queries::Priced,
    read_models::{
        claims::{ClaimState, TicketRow, TicketState, read::ShownClaim},
        customers::{CustomerEntry, EntryKind},
    },
};

/// A claim of a list: without its tickets.
pub(in crate::grpc) fn claim(priced: &Priced<ShownClaim>) -> v1::ClaimRecord {
    record(priced, &priced.row)
}

/// A claim with its tickets.
pub(in crate::grpc) fn claim_with_tickets(
    priced: &Priced<(ShownClaim, Vec<TicketRow>)>,
) -> v1::ClaimRecord {
    let (claim, tickets) = &priced.row;
    let mut record = record(priced, claim);
    record.tickets = tickets.iter().map(|row| record_of(priced, row)).collect();
    if let Some(claim) = &mut record.claim {
        let tickets = record.tickets.iter();
        claim.tickets = tickets.filter_map(|record| record.ticket.clone()).collect();
    }
    record
}

pub(in crate::grpc) fn ticket(priced: &Priced<TicketRow>) -> v1::TicketRecord {
    record_of(priced, &priced.row)
}

pub(in crate::grpc) fn customer_entry(priced: &Priced<CustomerEntry>) -> v1::CustomerEntry {
    let entry = &priced.row;
    let price = entry.unit_price.and_then(|price| priced.amount(price));
    v1::CustomerEntry {
        kind: kind(entry.kind).into(),
        time: Some(timestamp(entry.time)),
        position: entry.position.get(),
        pool: name::pool(entry.pool.as_str()),
        claim: name::claim(entry.pool.as_str(), entry.claim),
        ticket: ticket_name(&entry.pool, entry.ticket),
        unit_price: price.map(money),
        granted: entry.granted,
        release_cause: release_cause(entry.release_cause).into(),
        reason: text(entry.reason.as_ref()),
        reference: text(entry.reference.as_ref()),
        payment_reference: text(entry.payment_reference.as_ref()),
        expire_time: entry.expire_time.map(timestamp),
        replaces: ticket_name(&entry.pool, entry.replaces),
    }
}

fn record<T>(priced: &Priced<T>, shown: &ShownClaim) -> v1::ClaimRecord {
    let (row, counts) = (&shown.row, shown.row.counts);
    let pool = row.pool.as_str();
    let counted = u64::from(counts.held).saturating_add(counts.bought.into());
    // A price is at most 101 times 10^12, and a claim has at most 500 tickets: no overflow where the log is right.
    let counted = usize::try_from(counted).unwrap_or(usize::MAX);
    let total = row.unit_price.times(counted).unwrap_or(Minor::PRICE_MAX);
    let released = [
        counts.returned,
        counts.expired,
        counts.voided,
        counts.replaced,
    ];
    let claim = v1::Claim {
        name: name::claim(pool, row.id),
        pool: name::pool(pool),
        customer: row.customer.to_string(),
        reference: text(row.reference.as_ref()),
        labels: row.labels.clone(),
        state: claim_state(shown.state).into(),
        unit_price: priced.amount(row.unit_price).map(money),
        total_price: priced.amount(total).map(money),
        pricing_version: row.pricing_version.into(),
        expire_time: Some(timestamp(row.expire_time)),
        tickets: Vec::new(),
    };
    v1::ClaimRecord {
        claim: Some(claim),
        granted: row.granted,
        extended: row.extended,
        corrupted: row.corrupted,
        create_time: Some(timestamp(row.create_time)),
        update_time: Some(timestamp(row.update_time)),
        held: counts.held.into(),
        bought: counts.bought.into(),
        released: released.into_iter().map(i64::from).sum(),
        refunded: counts.refunded.into(),
        tickets: Vec::new(),
    }
}

fn record_of<T>(priced: &Priced<T>, row: &TicketRow) -> v1::TicketRecord {
    v1::TicketRecord {
        ticket: Some(v1::Ticket {
            name: name::ticket(row.pool.as_str(), row.id),
            state: ticket_state(row.state).into(),
        }),
        claim: name::claim(row.pool.as_str(), row.claim),
        customer: row.customer.to_string(),
        unit_price: priced.amount(row.unit_price).map(money),
        pricing_version: row.pricing_version.into(),
        granted: row.granted,
        corrupted: row.corrupted,
        claim_time: Some(timestamp(row.claim_time)),
        buy_time: row.buy_time.map(timestamp),
        payment_reference: text(row.payment_reference.as_ref()),
        grant_reason: text(row.grant_reason.as_ref()),
        release_time: row.release_time.map(timestamp),
        release_cause: release_cause(row.release_cause).into(),
        refund_time: row.refund_time.map(timestamp),
        refund_reason: text(row.refund_reason.as_ref()),
        replaces: ticket_name(&row.pool, row.replaces),
        replaced_by: ticket_name(&row.pool, row.replaced_by),
    }
}

fn text(text: Option<&impl ToString>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

fn ticket_name(pool: &PoolId, ticket: Option<TicketId>) -> String {
    let name = ticket.map(|ticket| name::ticket(pool.as_str(), ticket));
    name.unwrap_or_default()
}

const fn claim_state(state: ClaimState) -> v1::ClaimState {
    match state {
        ClaimState::Held => v1::ClaimState::Held,
        ClaimState::Bought => v1::ClaimState::Bought,
        ClaimState::Released => v1::ClaimState::Released,
        ClaimState::Expired => v1::ClaimState::Expired,
        ClaimState::Voided => v1::ClaimState::Voided,
    }
}

const fn ticket_state(state: TicketState) -> v1::TicketState {
    match state {
        TicketState::Held => v1::TicketState::Held,
        TicketState::Bought => v1::TicketState::Bought,
        TicketState::Released => v1::TicketState::Released,
        TicketState::Refunded => v1::TicketState::Refunded,
    }
}

const fn release_cause(cause: Option<ReleaseCause>) -> v1::ReleaseCause {
    match cause {
        None => v1::ReleaseCause::Unspecified,
        Some(ReleaseCause::Customer) => v1::ReleaseCause::Customer,
        Some(ReleaseCause::Operator) => v1::ReleaseCause::Operator,
        Some(ReleaseCause::Expired) => v1::ReleaseCause::Expired,
        Some(ReleaseCause::Stopped) => v1::ReleaseCause::Stopped,
        Some(ReleaseCause::Cancelled) => v1::ReleaseCause::Cancelled,
    }
}

const fn kind(kind: EntryKind) -> v1::CustomerEntryKind {
    match kind {
        EntryKind::Claimed => v1::CustomerEntryKind::Claimed,
        EntryKind::Extended => v1::CustomerEntryKind::Extended,
        EntryKind::Bought => v1::CustomerEntryKind::Bought,
        EntryKind::Granted => v1::CustomerEntryKind::Granted,
        EntryKind::Released => v1::CustomerEntryKind::Released,
        EntryKind::Refunded => v1::CustomerEntryKind::Refunded,
    }
}
