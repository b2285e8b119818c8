//! What can happen to tickets: one event per ticket, one `ClaimExtended` per claim.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::span::is_false;
use crate::{
    id::{ClaimId, TicketId},
    money::Minor,
    text::{Reference, Sentence},
    time::Timestamp,
};

/// The labels of a caller's; ordered, so that equal labels are written equally.
pub type Labels = BTreeMap<String, String>;

/// See [`PoolEvent::TicketClaimed`](super::PoolEvent::TicketClaimed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketClaimed {
    /// The claim that the ticket belongs to.
    pub claim: ClaimId,
    /// The ticket.
    pub ticket: TicketId,
    /// For whom.
    pub customer: Reference,
    /// The locked price, in minor units of the pool's currency.
    pub unit_price: Minor,
    /// Which of the pool's price rules set the price; the first is 1.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub pricing_version: u32,
    /// The deadline of the claim.
    pub expire_time: Timestamp,
    /// The caller's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// The caller's labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The ticket of the same claim that had expired and was paid late: this one stands in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<TicketId>,
    /// Given away by the promoter: free of charge, and outside of the customer's limit.
    #[serde(default, skip_serializing_if = "is_false")]
    pub granted: bool,
}

/// See [`PoolEvent::ClaimExtended`](super::PoolEvent::ClaimExtended).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimExtended {
    /// The claim.
    pub claim: ClaimId,
    /// For whom.
    pub customer: Reference,
    /// The deadline that it no longer has.
    pub old_expire_time: Timestamp,
    /// The deadline that it has now; not before the old one.
    pub expire_time: Timestamp,
    /// How many tickets it holds.
    pub held: u32,
}

/// See [`PoolEvent::TicketBought`](super::PoolEvent::TicketBought).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketBought {
    /// The claim that the ticket belongs to.
    pub claim: ClaimId,
    /// The ticket.
    pub ticket: TicketId,
    /// By whom.
    pub customer: Reference,
    /// What it cost, in minor units of the pool's currency.
    pub unit_price: Minor,
    /// The deadline that it no longer has.
    pub expire_time: Timestamp,
    /// The caller's reference to the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_reference: Option<Reference>,
    /// Given away by the promoter.
    #[serde(default, skip_serializing_if = "is_false")]
    pub granted: bool,
    /// Why it was given away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sentence>,
}

/// See [`PoolEvent::TicketReleased`](super::PoolEvent::TicketReleased).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketReleased {
    /// The claim that the ticket belonged to.
    pub claim: ClaimId,
    /// The ticket.
    pub ticket: TicketId,
    /// Whose allowance it gives back; unset in events of before there was a limit per customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Reference>,
    /// Why.
    pub cause: ReleaseCause,
    /// The deadline that it no longer has.
    pub expire_time: Timestamp,
}

/// Why a place went back to the stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReleaseCause {
    /// The customer gave it back.
    Customer,
    /// An operator gave it back for the customer.
    Operator,
    /// The deadline of the claim passed.
    Expired,
    /// Sales were stopped and claims voided.
    Stopped,
    /// The pool was cancelled.
    Cancelled,
}

/// See [`PoolEvent::TicketRefunded`](super::PoolEvent::TicketRefunded).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRefunded {
    /// The claim that the ticket was bought by.
    pub claim: ClaimId,
    /// The ticket; it never comes back.
    pub ticket: TicketId,
    /// To whom.
    pub customer: Reference,
    /// What it had cost, in minor units of the pool's currency.
    pub unit_price: Minor,
    /// It had been given away by the promoter.
    #[serde(default, skip_serializing_if = "is_false")]
    pub granted: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sentence>,
}

const fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_first(version: &u32) -> bool {
    *version == first()
}
