//! Why a rule of sale says no. Every number of the answer is here; its words and codes are the edge's.

use onsale_shared::{
    event::StopMode,
    id::{ClaimId, RequestId, TicketId},
    log::Version,
    money::Amount,
    time::Timestamp,
};

use super::partials::Counts;

macro_rules! rejections {
    ($($(#[$doc:meta])* $name:ident $reason:literal $({ $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })?,)*) => {
        /// Why a command is refused: an answer, not a failure.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Rejection {
            $($(#[$doc])* $name $({ $($(#[$field_doc])* $field: $type,)* })?,)*
        }

        impl Rejection {
            /// The names of all rejections, as callers know them.
            pub const REASONS: &[&str] = &[$($reason),*];

            /// The name, as callers know it.
            #[must_use]
            pub const fn reason(&self) -> &'static str {
                match self { $(Self::$name { .. } => $reason,)* }
            }
        }
    };
}

rejections! {
    /// The pool knows the request id from a command with other content.
    RequestIdReused "REQUEST_ID_REUSED" {
        /// The id.
        request_id: RequestId,
    },
    /// There is no such pool.
    PoolNotFound "POOL_NOT_FOUND",
    /// There is one already.
    PoolExists "POOL_EXISTS",
    /// An event contradicts the pool.
    PoolCorrupted "POOL_CORRUPTED" {
        /// The first such event.
        version: Version,
    },
    /// The price limit is in another currency than the pool's.
    WrongCurrency "INVALID_FIELD" {
        /// What was offered.
        offered: Amount,
        /// What a ticket costs.
        unit_price: Amount,
    },
    /// The promoter stopped the sale.
    SalesStopped "SALES_STOPPED" {
        /// How.
        mode: StopMode,
    },
    /// One order asks for too many.
    OrderLimitExceeded "ORDER_LIMIT_EXCEEDED" {
        /// How many it asks for.
        requested: u32,
        /// How many it may.
        max: u32,
    },
    /// sold = capacity.
    SoldOut "SOLD_OUT" {
        /// How many the order asks for.
        requested: u32,
        /// What there is.
        counts: Counts,
    },
    /// available = 0, held > 0.
    SoldOutForNow "SOLD_OUT_FOR_NOW" {
        /// How many the order asks for.
        requested: u32,
        /// What there is.
        counts: Counts,
    },
    /// 0 < available < requested.
    InsufficientAvailability "INSUFFICIENT_AVAILABILITY" {
        /// How many the order asks for.
        requested: u32,
        /// What there is.
        counts: Counts,
    },
    /// A ticket costs more than the caller accepts.
    PriceChanged "PRICE_CHANGED" {
        /// What it costs.
        unit_price: Amount,
        /// What the caller accepts.
        max: Amount,
    },
    /// The pool does not know the claim.
    ClaimNotFound "CLAIM_NOT_FOUND" {
        /// Which.
        claim: ClaimId,
    },
    /// The claim's deadline passed.
    ClaimExpired "CLAIM_EXPIRED" {
        /// Which.
        claim: ClaimId,
        /// When it passed.
        expire_time: Timestamp,
    },
    /// A stop ended the claim.
    ClaimVoided "CLAIM_VOIDED" {
        /// Which.
        claim: ClaimId,
        /// When.
        void_time: Timestamp,
    },
    /// A named ticket, or every one, is not held.
    TicketNotHeld "TICKET_NOT_HELD" {
        /// The claim.
        claim: ClaimId,
        /// The first named ticket that is not held; none if the claim holds none at all.
        ticket: Option<TicketId>,
    },
    /// Stopped already, in the same or a stronger mode.
    AlreadyStopped "ALREADY_STOPPED" {
        /// How.
        mode: StopMode,
    },
    /// Not stopped.
    NotStopped "NOT_STOPPED",
}
