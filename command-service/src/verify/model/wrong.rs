//! What can be wrong with an event.

use onsale_shared::{money::Currency, time::Timestamp};

/// What is wrong with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum Wrong {
    #[error("the pool was not created before")]
    NotCreated,
    #[error("the pool was created before")]
    CreatedBefore,
    #[error("the pool was cancelled before")]
    Cancelled,
    #[error("its command was refused for good at {0}")]
    Refused(Timestamp),
    #[error("sales were stopped before")]
    Stopped,
    #[error("sales were stopped before, as strongly")]
    StoppedBefore,
    #[error("sales were not stopped")]
    NotStopped,
    #[error("sales begin at {0}")]
    NotOpen(Timestamp),
    #[error("sales ended at {0}")]
    Ended(Timestamp),
    #[error("more tickets are sold ({sold}) and held ({held}) than there are ({capacity})")]
    Oversold { sold: u32, held: u32, capacity: u32 },
    #[error("the order has {tickets} tickets, and one may have {max}")]
    OrderLimit { tickets: u32, max: u32 },
    #[error("the customer has {has} tickets, and one may have {max}")]
    CustomerLimit { has: u32, max: u32 },
    #[error("the ticket was claimed before")]
    ClaimedBefore,
    #[error("the ticket was not claimed before")]
    NotClaimed,
    #[error("the ticket was not held")]
    NotHeld,
    #[error("the ticket was not sold")]
    NotSold,
    #[error("the ticket in whose place it stands has not gone back")]
    NotReplaced,
    #[error("the claim holds nothing")]
    NoClaim,
    #[error("the ticket belongs to another claim")]
    OtherClaim,
    #[error("it belongs to another customer")]
    OtherCustomer,
    #[error("it was given away here, and not there")]
    Granted,
    #[error("the price is {found}, and has to be {expected}, in minor units")]
    Price { found: i64, expected: i64 },
    #[error("the currency was {old}, and is {new}")]
    Currency { old: Currency, new: Currency },
    #[error("the deadline is {found}, and has to be {expected}")]
    Deadline {
        found: Timestamp,
        expected: Timestamp,
    },
    #[error("the claim was extended before")]
    ExtendedBefore,
    #[error("the claim holds {expected} tickets, not {found}")]
    Holds { found: u32, expected: u32 },
    #[error("the claim ended at {0}")]
    Expired(Timestamp),
    #[error("the claim ends at {0}, and not before")]
    NotExpired(Timestamp),
    #[error("the claim was voided before")]
    Voided,
    #[error("the claim was not voided before, or by something else")]
    NotVoided,
}
