//! The tables `customer_entries` and `claim_owners`: what their rows say, and all SQL on them.

pub(crate) mod read;
pub(crate) mod write;

use onsale_shared::{
    event::ReleaseCause,
    id::{ClaimId, PoolId, TicketId},
    log::Position,
    money::Minor,
    text::{Reference, Sentence},
    time::Timestamp,
};

/// Its tables, in SQL.
pub(crate) const TABLES_SQL: &str = include_str!("customers/tables.sql");
/// What queries need beside the primary keys, in SQL.
pub(crate) const INDEXES_SQL: &str = include_str!("customers/indexes.sql");

/// What happened to a customer: one event of his.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CustomerEntry {
    pub(crate) customer: Reference,
    pub(crate) position: Position,
    pub(crate) time: Timestamp,
    pub(crate) pool: PoolId,
    pub(crate) kind: EntryKind,
    pub(crate) claim: ClaimId,
    /// None where the whole claim is meant.
    pub(crate) ticket: Option<TicketId>,
    /// None if the log does not say it: of a claim that nobody made.
    pub(crate) unit_price: Option<Minor>,
    pub(crate) granted: bool,
    pub(crate) release_cause: Option<ReleaseCause>,
    /// Of a grant or a refund.
    pub(crate) reason: Option<Sentence>,
    /// The caller's, of the claim.
    pub(crate) reference: Option<Reference>,
    pub(crate) payment_reference: Option<Reference>,
    /// The deadline of the claim then.
    pub(crate) expire_time: Option<Timestamp>,
    pub(crate) replaces: Option<TicketId>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A ticket was held for him.
    Claimed,
    /// A claim got a later deadline.
    Extended,
    /// He bought a ticket.
    Bought,
    /// He was given a ticket.
    Granted,
    /// A ticket that was held went back to the stock.
    Released,
    /// A ticket that was bought went back to the stock.
    Refunded,
}

/// Whose a claim is, and at what price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimOwner {
    pub(crate) pool: PoolId,
    pub(crate) claim: ClaimId,
    pub(crate) customer: Reference,
    pub(crate) unit_price: Minor,
    pub(crate) granted: bool,
}

impl EntryKind {
    const ALL: [Self; 6] = [
        Self::Claimed,
        Self::Extended,
        Self::Bought,
        Self::Granted,
        Self::Released,
        Self::Refunded,
    ];

    /// As the table has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "CLAIMED",
            Self::Extended => "EXTENDED",
            Self::Bought => "BOUGHT",
            Self::Granted => "GRANTED",
            Self::Released => "RELEASED",
            Self::Refunded => "REFUNDED",
        }
    }

    /// None for what the table does not have.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}
