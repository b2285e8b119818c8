//! Answers become messages.

use onsale_proto::{Money, name, v1};
use onsale_shared::{
    event::ReleaseCause,
    id::PoolId,
    log::Position,
    money::{Amount, Minor},
    time::Timestamp,
    token::ConsistencyToken,
};

use crate::{
    domain::partials::{Death, TicketState},
    pools::{Answer, ClaimView},
};

/// The receipt of a command.
#[must_use]
pub fn receipt(answer: &Answer) -> v1::Receipt {
    let position = answer.position.unwrap_or(Position::START);
    v1::Receipt {
        etag: answer.version.to_string(),
        version: answer.version.get(),
        consistency_token: ConsistencyToken::new(position).encode(),
        server_time: Some(timestamp(answer.time)),
        position: position.get(),
    }
}

/// A claim as its caller sees it.
#[must_use]
pub fn claim(pool: &PoolId, view: &ClaimView) -> v1::Claim {
    let claim = &view.claim;
    let counted = claim
        .tickets
        .iter()
        .filter(|ticket| !matches!(ticket.state, TicketState::Released(_)))
        .count();
    let unit_price = Amount {
        currency: view.currency,
        minor: claim.unit_price,
    };
    // A price is at most 10^12 and a claim has at most 100 tickets: no overflow.
    let total_price = Amount {
        minor: claim.unit_price.times(counted).unwrap_or(Minor::PRICE_MAX),
        ..unit_price
    };
    v1::Claim {
        name: name::claim(pool.as_str(), view.id),
        pool: name::pool(pool.as_str()),
        customer: claim.customer.to_string(),
        reference: claim
            .reference
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        labels: claim.labels.clone(),
        state: claim_state(view).into(),
        unit_price: Some(money(unit_price)),
        total_price: Some(money(total_price)),
        expire_time: Some(timestamp(claim.expire_time)),
        tickets: claim
            .tickets
            .iter()
            .map(|ticket| v1::Ticket {
                name: name::ticket(pool.as_str(), ticket.id),
                state: ticket_state(ticket.state).into(),
            })
            .collect(),
    }
}

/// HELD while a ticket of a live claim is held; then BOUGHT if one was; then how the tickets ended.
fn claim_state(view: &ClaimView) -> v1::ClaimState {
    let is_held = view.claim.held().next().is_some();
    match view.death {
        None if is_held => v1::ClaimState::Held,
        _ if view.claim.has_bought() => v1::ClaimState::Bought,
        Some(Death::Expired) => v1::ClaimState::Expired,
        Some(Death::Voided { .. }) => v1::ClaimState::Voided,
        None => v1::ClaimState::Released,
    }
}

const fn ticket_state(state: TicketState) -> v1::TicketState {
    match state {
        TicketState::Held => v1::TicketState::Held,
        TicketState::Bought => v1::TicketState::Bought,
        TicketState::Released(
            ReleaseCause::Customer | ReleaseCause::Expired | ReleaseCause::Stopped,
        ) => v1::TicketState::Released,
    }
}

/// An amount as `google.type.Money`.
#[must_use]
pub fn money(amount: Amount) -> Money {
    let (units, nanos) = amount.to_units();
    Money {
        currency_code: amount.currency.to_string(),
        units,
        nanos,
    }
}

/// A moment as protobuf has it.
#[must_use]
pub fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = time.seconds_and_nanos();
    prost_types::Timestamp {
        seconds,
        nanos: i32::try_from(nanos).unwrap_or(0),
    }
}
