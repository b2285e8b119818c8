//! Why a rule of sale says no. Every number of the answer is here; its words and codes are the edge's.

use std::sync::Arc;

use onsale_shared::{
    event::StopMode,
    id::{ClaimId, RequestId, TicketId},
    log::Version,
    money::{Amount, Currency},
    time::Timestamp,
};

use super::{
    conflicts::Conflict,
    partials::{Counts, Void},
};

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
    /// An earlier attempt of the command was refused for good.
    AlreadyRefused "ALREADY_REFUSED" {
        /// Why.
        reason: Arc<str>,
        /// The version that says so.
        version: Version,
        /// When.
        refuse_time: Timestamp,
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
    /// The promoter cancelled the pool for good.
    PoolCancelled "POOL_CANCELLED" {
        /// When.
        cancel_time: Timestamp,
    },
    /// A promoter's edit was made on an older state than the pool's.
    VersionConflict "VERSION_CONFLICT" {
        /// What changed since.
        conflict: Box<Conflict>,
    },
    /// A price is in another currency than the pool's.
    WrongCurrency "INVALID_FIELD" {
        /// The field of the request.
        field: &'static str,
        /// Its currency.
        given: Currency,
        /// The pool's.
        expected: Currency,
    },
    /// A time that must lie ahead has passed. Asked here and not at the edge: a repeat, which comes later, gets its first
    /// answer all the same.
    TimesPassed "INVALID_FIELD" {
        /// The fields of the request.
        fields: Vec<&'static str>,
        /// When they were looked at.
        now: Timestamp,
    },
    /// A price that follows the time to the show needs a show time.
    ShowTimeRequired "INVALID_FIELD" {
        /// The field of the request.
        field: &'static str,
    },
    /// The promoter stopped the sale.
    SalesStopped "SALES_STOPPED" {
        /// How.
        mode: StopMode,
    },
    /// The sale has not begun.
    SalesNotOpen "SALES_NOT_OPEN" {
        /// When it will.
        sales_start_time: Timestamp,
    },
    /// The sale is over.
    SalesEnded "SALES_ENDED" {
        /// Since when.
        sales_end_time: Timestamp,
    },
    /// One order asks for too many.
    OrderLimitExceeded "ORDER_LIMIT_EXCEEDED" {
        /// How many it asks for.
        requested: u32,
        /// How many it may.
        max: u32,
    },
    /// One customer would have too many.
    CustomerLimitExceeded "CUSTOMER_LIMIT_EXCEEDED" {
        /// How many the order asks for.
        requested: u32,
        /// How many the customer holds and has bought.
        has: u32,
        /// How many he may.
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
    /// A stop, or the end of the pool, ended the claim.
    ClaimVoided "CLAIM_VOIDED" {
        /// Which.
        claim: ClaimId,
        /// What ended it.
        void: Void,
    },
    /// The claim was extended once already.
    ClaimAlreadyExtended "CLAIM_ALREADY_EXTENDED" {
        /// Which.
        claim: ClaimId,
        /// Its deadline.
        expire_time: Timestamp,
    },
    /// A named ticket, or every one, is not held.
    TicketNotHeld "TICKET_NOT_HELD" {
        /// The claim.
        claim: ClaimId,
        /// The first named ticket that is not held; none if the claim holds none at all.
        ticket: Option<TicketId>,
    },
    /// The pool knows no sale of the ticket.
    TicketNotFound "TICKET_NOT_FOUND" {
        /// The first such ticket.
        ticket: TicketId,
    },
    /// The ticket is not sold any more.
    TicketNotSold "TICKET_NOT_SOLD" {
        /// The first such ticket.
        ticket: TicketId,
    },
    /// More tickets are sold and held than there would be.
    CapacityBelowCommitted "CAPACITY_BELOW_COMMITTED" {
        /// How many there would be.
        requested: u32,
        /// What there is.
        counts: Counts,
    },
    /// Stopped already, in the same or a stronger mode.
    AlreadyStopped "ALREADY_STOPPED" {
        /// How.
        mode: StopMode,
    },
    /// Not stopped.
    NotStopped "NOT_STOPPED",
}

impl Rejection {
    /// Whether the pool will never say otherwise of the same command, so that no attempt of it can succeed later, also
    /// without a record of the refusal. A pool that does not exist has no stream to record one in.
    pub(super) const fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::RequestIdReused { .. }
                | Self::AlreadyRefused { .. }
                | Self::PoolNotFound
                | Self::PoolExists
                | Self::PoolCorrupted { .. }
                | Self::PoolCancelled { .. }
        )
    }
}
