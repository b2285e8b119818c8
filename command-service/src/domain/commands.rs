//! One command, one file. Each has its context (the few values that it decides on, taken from the parts of the pool that
//! it names), what it checks, what it records, and its tests.

pub mod buy_tickets;
pub mod claim_tickets;
pub mod create_pool;
mod held_tickets;
pub mod purchase_tickets;
pub mod release_tickets;
pub mod resume_sales;
pub mod stop_sales;
pub mod sweep;
#[cfg(test)]
pub(crate) mod testing;

pub use buy_tickets::BuyTickets;
pub use claim_tickets::ClaimTickets;
pub use create_pool::CreatePool;
pub use purchase_tickets::PurchaseTickets;
pub use release_tickets::ReleaseTickets;
pub use resume_sales::ResumeSales;
pub use stop_sales::StopSales;

use onsale_shared::time::Timestamp;
use serde::Serialize;

use super::{fact::Facts, pool::Pool, rejection::Rejection, slice::Slice};

/// What a caller can want of a pool.
///
/// Its serialized form is what makes two commands equal, also when an older version of this program recorded the first
/// of them: a field that is added later is left out while it is unset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Command {
    /// See [`create_pool`].
    CreatePool(CreatePool),
    /// See [`claim_tickets`].
    ClaimTickets(ClaimTickets),
    /// See [`buy_tickets`].
    BuyTickets(BuyTickets),
    /// See [`release_tickets`].
    ReleaseTickets(ReleaseTickets),
    /// See [`purchase_tickets`].
    PurchaseTickets(PurchaseTickets),
    /// See [`stop_sales`].
    StopSales(StopSales),
    /// See [`resume_sales`].
    ResumeSales(ResumeSales),
}

/// What all commands say of themselves.
pub const SLICES: &[Slice] = &[
    create_pool::SLICE,
    claim_tickets::SLICE,
    buy_tickets::SLICE,
    release_tickets::SLICE,
    purchase_tickets::SLICE,
    stop_sales::SLICE,
    resume_sales::SLICE,
    sweep::SLICE,
];

impl Command {
    /// Decides the command on a pool that is not corrupted.
    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Rejection> {
        match self {
            Self::CreatePool(command) => command.decide(pool, facts),
            Self::ClaimTickets(command) => command.decide(pool, at, facts),
            Self::BuyTickets(command) => command.decide(pool, at, facts),
            Self::ReleaseTickets(command) => command.decide(pool, at, facts),
            Self::PurchaseTickets(command) => command.decide(pool, at, facts),
            Self::StopSales(command) => command.decide(pool, facts),
            Self::ResumeSales(command) => command.decide(pool, facts),
        }
    }

    /// The name of the command.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CreatePool(_) => create_pool::SLICE.command,
            Self::ClaimTickets(_) => claim_tickets::SLICE.command,
            Self::BuyTickets(_) => buy_tickets::SLICE.command,
            Self::ReleaseTickets(_) => release_tickets::SLICE.command,
            Self::PurchaseTickets(_) => purchase_tickets::SLICE.command,
            Self::StopSales(_) => stop_sales::SLICE.command,
            Self::ResumeSales(_) => resume_sales::SLICE.command,
        }
    }
}
