//! Answers become messages.

use onsale_proto::{Money, name, v1};
use onsale_shared::{
    id::PoolId,
    log::Position,
    money::{Amount, Minor},
    pricing::PricePoint,
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

/// The claim that a command was about.
#[must_use]
pub fn claim_of(pool: &PoolId, answer: &Answer) -> Option<v1::Claim> {
    answer.claim.as_ref().map(|view| claim(pool, view))
}

/// What tickets would cost.
#[must_use]
pub fn preview(answer: &Answer) -> Vec<v1::PricePoint> {
    let points = answer.price_preview.iter();
    let message = |point: &PricePoint| v1::PricePoint {
        sold: point.sold.into(),
        quote_time: Some(timestamp(point.time)),
        unit_price: Some(money(point.unit_price)),
    };
    points.map(message).collect()
}

/// A claim as its caller sees it.
#[must_use]
pub fn claim(pool: &PoolId, view: &ClaimView) -> v1::Claim {
    let claim = &view.claim;
    let counted = claim
        .tickets
        .iter()
        .filter(|ticket| matches!(ticket.state, TicketState::Held | TicketState::Bought))
        .count();
    let unit_price = Amount {
        currency: view.currency,
        minor: claim.unit_price,
    };
    // A price is at most 101 times 10^12 and a claim has at most 500 tickets: no overflow.
    let total_price = Amount {
        minor: claim.unit_price.times(counted).unwrap_or(Minor::PRICE_MAX),
        ..unit_price
    };
    v1::Claim {
        name: name::claim(pool.as_str(), view.id),
        pool: name::pool(pool.as_str()),
        customer: claim.customer.to_string(),
        reference: claim
            .reference()
            .map(ToString::to_string)
            .unwrap_or_default(),
        labels: claim.labels(),
        state: claim_state(view).into(),
        unit_price: Some(money(unit_price)),
        total_price: Some(money(total_price)),
        pricing_version: claim.pricing_version.into(),
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

/// HELD while a ticket of a live claim is held; then BOUGHT if one was, also if it was refunded since; then how the
/// tickets ended.
fn claim_state(view: &ClaimView) -> v1::ClaimState {
    let claim = &view.claim;
    let was_bought = claim.has(TicketState::Bought) || claim.has(TicketState::Refunded);
    match view.death {
        None if claim.has(TicketState::Held) => v1::ClaimState::Held,
        _ if was_bought => v1::ClaimState::Bought,
        Some(Death::Expired) => v1::ClaimState::Expired,
        Some(Death::Voided(_)) => v1::ClaimState::Voided,
        None => v1::ClaimState::Released,
    }
}

const fn ticket_state(state: TicketState) -> v1::TicketState {
    match state {
        TicketState::Held => v1::TicketState::Held,
        TicketState::Bought => v1::TicketState::Bought,
        TicketState::Released(_) | TicketState::Replaced => v1::TicketState::Released,
        TicketState::Refunded => v1::TicketState::Refunded,
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
