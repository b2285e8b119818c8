//! What can happen to a pool. One `TicketClaimed`, `TicketBought`, `TicketReleased` per ticket.
//!
//! These are the storage format: fields are added (optional, with a default), never renamed or given another meaning.
//! What cannot be added is a new schema version with an upcaster.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    id::{ClaimId, TicketId},
    money::{Currency, Minor},
    text::{Reference, Sentence},
    time::Timestamp,
};

macro_rules! pool_events {
    ($($(#[$doc:meta])* $name:ident($schema:literal),)*) => {
        /// A fact of a pool.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum PoolEvent {
            $($(#[$doc])* $name($name),)*
        }

        /// The kinds of facts; `as_str` is the `type` column.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventType {
            $($(#[$doc])* $name,)*
        }

        impl EventType {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name in the log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The schema version that is written today.
            #[must_use]
            pub const fn schema(self) -> i16 {
                match self { $(Self::$name => $schema,)* }
            }

            /// The kind of this name; `None` for names that this version does not know.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)* _ => None }
            }

            /// Reads the JSON of today's schema.
            pub(super) fn read(self, json: &str) -> Result<PoolEvent, serde_json::Error> {
                match self { $(Self::$name => serde_json::from_str(json).map(PoolEvent::$name),)* }
            }
        }

        impl PoolEvent {
            /// The kind of this fact.
            #[must_use]
            pub const fn kind(&self) -> EventType {
                match self { $(Self::$name(_) => EventType::$name,)* }
            }

            /// Writes the JSON of today's schema.
            pub(super) fn write(&self) -> Result<String, serde_json::Error> {
                match self { $(Self::$name(data) => serde_json::to_string(data),)* }
            }
        }
    };
}

pool_events! {
    /// The pool came into being and sells.
    PoolCreated(1),
    /// A ticket is held for a customer.
    TicketClaimed(1),
    /// A held ticket was bought.
    TicketBought(1),
    /// The place of a held ticket went back to the stock.
    TicketReleased(1),
    /// The promoter stopped all sales.
    SalesStopped(1),
    /// The promoter opened sales again.
    SalesResumed(1),
}

/// The labels of a caller's; ordered, so that equal labels are written equally.
pub type Labels = BTreeMap<String, String>;

/// See [`PoolEvent::PoolCreated`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolCreated {
    /// A title for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Sentence>,
    /// Whose pool it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoter: Option<Reference>,
    /// What the tickets admit to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<Reference>,
    /// The caller's labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// When the show begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_time: Option<Timestamp>,
    /// How many tickets exist: 1 to 10,000,000.
    pub capacity: u32,
    /// What a ticket costs.
    pub pricing: Pricing,
    /// How many tickets one order may name.
    pub max_tickets_per_order: u32,
    /// How long a claim holds its tickets, in whole milliseconds.
    #[serde(rename = "claim_duration_ms", with = "milliseconds")]
    pub claim_duration: Duration,
}

/// A price rule. `version` 1 is that of `PoolCreated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    /// The currency of every price of the pool; it never changes.
    pub currency: Currency,
    /// The price of one ticket, in minor units.
    pub base_price: Minor,
}

/// See [`PoolEvent::TicketClaimed`].
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
    /// The deadline of the claim.
    pub expire_time: Timestamp,
    /// The caller's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// The caller's labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

/// See [`PoolEvent::TicketBought`].
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
}

/// See [`PoolEvent::TicketReleased`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketReleased {
    /// The claim that the ticket belonged to.
    pub claim: ClaimId,
    /// The ticket.
    pub ticket: TicketId,
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
    /// The deadline of the claim passed.
    Expired,
    /// Sales were stopped and claims voided.
    Stopped,
}

/// What a stop does to live claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StopMode {
    /// They may still be bought.
    FinishClaims,
    /// They end. The stronger mode.
    VoidClaims,
}

/// See [`PoolEvent::SalesStopped`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesStopped {
    /// What happens to live claims.
    pub mode: StopMode,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sentence>,
}

/// See [`PoolEvent::SalesResumed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesResumed {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sentence>,
}

mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        span: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
