//! The tables `claims`, `tickets` and `claim_voids`: what their rows say, and all SQL on them.
//!
//! The projector loads the rows that a batch of events concerns ([`load`]), folds, and writes those that changed
//! ([`write`]); queries read the views ([`read`]).

mod columns;
pub(crate) mod load;
pub(crate) mod read;
mod row;
pub(crate) mod write;

use std::fmt;

use onsale_shared::{
    event::{Labels, ReleaseCause},
    id::{ClaimId, PoolId, TicketId},
    log::Position,
    money::Minor,
    text::{Reference, Sentence},
    time::Timestamp,
};

/// Its tables, in SQL.
pub(crate) const TABLES_SQL: &str = include_str!("claims/tables.sql");
/// What queries need beside the primary keys, in SQL.
pub(crate) const INDEXES_SQL: &str = include_str!("claims/indexes.sql");

/// A claim, as its tickets alone have it: whether its deadline has passed is for the reader to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimRow {
    pub(crate) pool: PoolId,
    pub(crate) id: ClaimId,
    pub(crate) customer: Reference,
    pub(crate) reference: Option<Reference>,
    pub(crate) labels: Labels,
    pub(crate) unit_price: Minor,
    pub(crate) pricing_version: u32,
    pub(crate) expire_time: Timestamp,
    pub(crate) counts: ClaimCounts,
    pub(crate) granted: bool,
    pub(crate) extended: bool,
    /// The log holds an event that contradicts it.
    pub(crate) corrupted: bool,
    /// Of its first event.
    pub(crate) position: Position,
    /// Of its last event.
    pub(crate) last_position: Position,
    /// Of the event that it holds tickets since; what voided claims before did not end it.
    pub(crate) alive_position: Position,
    pub(crate) create_time: Timestamp,
    pub(crate) update_time: Timestamp,
}

/// How many tickets of a claim are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClaimCounts {
    pub(crate) held: u32,
    pub(crate) bought: u32,
    pub(crate) refunded: u32,
    /// Given back by the customer, or by an operator for him.
    pub(crate) returned: u32,
    /// Given back at the deadline, and not replaced since.
    pub(crate) expired: u32,
    pub(crate) voided: u32,
    /// Given back at the deadline, and paid late: another ticket stands in their place.
    pub(crate) replaced: u32,
}

/// One life of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TicketRow {
    pub(crate) pool: PoolId,
    pub(crate) id: TicketId,
    pub(crate) claim: ClaimId,
    pub(crate) customer: Reference,
    pub(crate) state: TicketState,
    pub(crate) unit_price: Minor,
    pub(crate) pricing_version: u32,
    pub(crate) granted: bool,
    pub(crate) claim_time: Timestamp,
    pub(crate) buy_time: Option<Timestamp>,
    pub(crate) payment_reference: Option<Reference>,
    pub(crate) grant_reason: Option<Sentence>,
    pub(crate) release_time: Option<Timestamp>,
    pub(crate) release_cause: Option<ReleaseCause>,
    pub(crate) refund_time: Option<Timestamp>,
    pub(crate) refund_reason: Option<Sentence>,
    /// The ticket of the same claim that had expired and was paid late, in whose place this one stands.
    pub(crate) replaces: Option<TicketId>,
    pub(crate) replaced_by: Option<TicketId>,
    /// The log holds an event that contradicts it.
    pub(crate) corrupted: bool,
    /// Of its first event.
    pub(crate) position: Position,
    /// Of its last event.
    pub(crate) last_position: Position,
}

/// What ended all claims of a pool that held tickets then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VoidRow {
    pub(crate) pool: PoolId,
    pub(crate) position: Position,
    pub(crate) time: Timestamp,
    /// `Stopped` or `Cancelled`.
    pub(crate) cause: ReleaseCause,
}

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub(crate) enum $name {
            $($(#[$value_doc])* $value,)*
        }

        impl $name {
            pub(crate) const ALL: &[Self] = &[$(Self::$value),*];

            /// As the tables have it.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }

            /// None for what the tables do not have.
            pub(crate) fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

states! {
    /// What became of a claim as a whole.
    ClaimState {
        /// At least one ticket is held.
        Held "HELD",
        /// None is held, one was bought, refunded since or not.
        Bought "BOUGHT",
        /// All were given back.
        Released "RELEASED",
        /// The deadline passed.
        Expired "EXPIRED",
        /// A stop, or the end of the pool, voided it.
        Voided "VOIDED",
    }
}

states! {
    /// What became of a ticket.
    TicketState {
        /// In a claim.
        Held "HELD",
        /// Bought.
        Bought "BOUGHT",
        /// Its place went back to the stock before it was bought.
        Released "RELEASED",
        /// Its place went back to the stock after it was bought.
        Refunded "REFUNDED",
    }
}

impl ClaimCounts {
    /// By the tickets alone, as the command side names it.
    pub(crate) const fn state(self) -> ClaimState {
        if self.held > 0 {
            ClaimState::Held
        } else if self.bought > 0 || self.refunded > 0 {
            ClaimState::Bought
        } else if self.voided > 0 {
            ClaimState::Voided
        } else if self.expired > 0 {
            ClaimState::Expired
        } else {
            ClaimState::Released
        }
    }
}

/// As events and tables have it.
pub(crate) const fn cause_text(cause: ReleaseCause) -> &'static str {
    match cause {
        ReleaseCause::Customer => "CUSTOMER",
        ReleaseCause::Operator => "OPERATOR",
        ReleaseCause::Expired => "EXPIRED",
        ReleaseCause::Stopped => "STOPPED",
        ReleaseCause::Cancelled => "CANCELLED",
    }
}
