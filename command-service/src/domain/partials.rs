//! The state of a pool in parts. Each part folds every event by itself, matching every kind by name, and holds the
//! invariants of its own numbers; none knows another.

pub mod claims;
pub mod customers;
pub mod edited;
pub mod limits;
pub mod pricing;
pub mod refused;
pub mod requests;
pub mod sale;
pub mod sales;
pub mod schedule;
pub mod stock;

pub use claims::{Claim, Claims, DeadTicket, Death, Ticket, TicketState, Void};
pub use customers::Customers;
pub use edited::{Edit, Edited};
pub use limits::Limits;
pub use pricing::Pricing;
pub use refused::{Refused, RefusedCommand};
pub use requests::{Remembered, Requests};
pub use sale::{Sale, SaleState};
pub use sales::{Sales, SoldSince};
pub use schedule::Schedule;
pub use stock::{Counts, Stock};

/// An event that cannot have happened to this pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction;

/// A part made of one [`Cell`](super::journal::Cell) is journaled as that cell is.
macro_rules! journaled_by {
    ($part:ty, $($field:ident),+) => {
        impl $crate::domain::journal::Journaled for $part {
            fn begin(&mut self, mark: Option<$crate::domain::journal::Mark>) {
                $(self.$field.begin(mark);)+
            }

            fn keep(&mut self, mark: $crate::domain::journal::Mark) {
                $(self.$field.keep(mark);)+
            }

            fn undo(&mut self, mark: $crate::domain::journal::Mark) {
                $(self.$field.undo(mark);)+
            }
        }
    };
}
use journaled_by;
