//! What can happen to a pool: the kinds of facts. What each says is in [`tickets`](super::tickets),
//! [`sale`](super::sale) and [`refused`](super::refused).
//!
//! These are the storage format: fields are added (optional, with a default), never renamed or given another meaning.
//! What cannot be added is a new schema version with an upcaster.

use super::{
    refused::CommandRefused,
    sale::{
        CapacityChanged, LimitsChanged, PoolCancelled, PoolCreated, PoolRescheduled,
        PricingChanged, SalesResumed, SalesStopped,
    },
    tickets::{ClaimExtended, TicketBought, TicketClaimed, TicketRefunded, TicketReleased},
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
    /// A claim got a later deadline.
    ClaimExtended(1),
    /// A held ticket was bought.
    TicketBought(1),
    /// The place of a held ticket went back to the stock.
    TicketReleased(1),
    /// The place of a bought ticket went back to the stock.
    TicketRefunded(1),
    /// The promoter stopped all sales.
    SalesStopped(1),
    /// The promoter opened sales again.
    SalesResumed(1),
    /// The promoter cancelled the pool for good.
    PoolCancelled(1),
    /// There are more or fewer tickets.
    CapacityChanged(1),
    /// Later claims have another price rule.
    PricingChanged(1),
    /// The show or the sale has other times.
    PoolRescheduled(1),
    /// Later orders have other limits.
    LimitsChanged(1),
    /// A repeat was refused, and with it every other attempt of its command.
    CommandRefused(1),
}
