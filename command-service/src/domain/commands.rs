//! One command, one file. Each has its context (the few values that it decides on, taken from the parts of the pool that
//! it names), what it checks, what it records, and its tests.

mod allowance;
pub mod buy_tickets;
pub mod cancel_pool;
pub mod change_capacity;
pub mod change_limits;
pub mod change_pricing;
pub mod claim_tickets;
pub mod create_pool;
pub mod extend_claim;
pub mod grant_tickets;
mod held_tickets;
mod live_claim;
mod places;
pub mod purchase_tickets;
pub mod refund_tickets;
pub mod release_tickets;
pub mod reschedule_pool;
pub mod resume_sales;
mod sale_checks;
pub mod stop_sales;
pub mod sweep;
#[cfg(test)]
pub(crate) mod testing;

use onsale_shared::{log::AppendBatch, text::Reference, time::Timestamp};
use serde::Serialize;

use super::{decide::Refusal, fact::Facts, pool::Pool, slice::Slice};

macro_rules! commands {
    ($($name:ident in $file:ident, $class:ident;)*) => {
        $(pub use $file::$name;)*

        /// What a caller can want of a pool.
        ///
        /// Its serialized form is what makes two commands equal, also when an older version of this program recorded
        /// the first of them: a field that is added later is left out while it is unset.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        pub enum Command {
            $(#[doc = concat!("See [`", stringify!($file), "`].")] $name($name),)*
        }

        /// What all commands say of themselves.
        pub const SLICES: &[Slice] = &[$($file::SLICE,)* sweep::SLICE];

        impl Command {
            /// The name of the command.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $file::SLICE.command,)* }
            }

            /// What is at stake.
            #[must_use]
            pub const fn class(&self) -> Class {
                match self { $(Self::$name(_) => Class::$class,)* }
            }
        }
    };
}

commands! {
    CreatePool in create_pool, Promoter;
    ClaimTickets in claim_tickets, Claim;
    ExtendClaim in extend_claim, Finish;
    BuyTickets in buy_tickets, Finish;
    PurchaseTickets in purchase_tickets, Claim;
    ReleaseTickets in release_tickets, Finish;
    RefundTickets in refund_tickets, Finish;
    GrantTickets in grant_tickets, Promoter;
    StopSales in stop_sales, Promoter;
    ResumeSales in resume_sales, Promoter;
    CancelPool in cancel_pool, Promoter;
    ChangeCapacity in change_capacity, Promoter;
    ChangePricing in change_pricing, Promoter;
    ReschedulePool in reschedule_pool, Promoter;
    ChangeLimits in change_limits, Promoter;
}

/// What is at stake with a command, in the order in which they are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A promoter's: few, and urgent.
    Promoter,
    /// What ends a claim or a sale: it brings money in or places back.
    Finish,
    /// New claims: shed first.
    Claim,
}

impl Class {
    /// All of them, in the order in which they are served.
    pub const ALL: [Self; 3] = [Self::Promoter, Self::Finish, Self::Claim];
}

impl Command {
    /// How many events a decision has at most, but for large grants. A batch takes a command while it has fewer events
    /// than that itself, and both are one group.
    pub const EVENTS_MAX: usize = AppendBatch::GROUP_EVENTS_MAX / 2;

    /// For whom tickets are asked for; none for commands that name a claim, tickets or the pool alone.
    #[must_use]
    pub const fn customer(&self) -> Option<&Reference> {
        match self {
            Self::ClaimTickets(order) => Some(&order.customer),
            Self::PurchaseTickets(purchase) => Some(&purchase.order.customer),
            Self::GrantTickets(grant) => Some(&grant.customer),
            Self::CreatePool(_)
            | Self::ExtendClaim(_)
            | Self::BuyTickets(_)
            | Self::ReleaseTickets(_)
            | Self::RefundTickets(_)
            | Self::StopSales(_)
            | Self::ResumeSales(_)
            | Self::CancelPool(_)
            | Self::ChangeCapacity(_)
            | Self::ChangePricing(_)
            | Self::ReschedulePool(_)
            | Self::ChangeLimits(_) => None,
        }
    }

    /// Decides the command on a pool that is not corrupted.
    pub(super) fn decide(
        &self,
        pool: &Pool,
        at: Timestamp,
        facts: &mut Facts<'_>,
    ) -> Result<(), Refusal> {
        match self {
            Self::CreatePool(command) => command.decide(pool, at, facts)?,
            Self::ClaimTickets(command) => command.decide(pool, at, facts)?,
            Self::ExtendClaim(command) => command.decide(pool, at, facts)?,
            Self::BuyTickets(command) => command.decide(pool, at, facts)?,
            Self::PurchaseTickets(command) => command.decide(pool, at, facts)?,
            Self::ReleaseTickets(command) => command.decide(pool, at, facts)?,
            Self::RefundTickets(command) => command.decide(pool, facts)?,
            Self::GrantTickets(command) => command.decide(pool, at, facts)?,
            Self::StopSales(command) => command.decide(pool, facts)?,
            Self::ResumeSales(command) => command.decide(pool, facts)?,
            Self::CancelPool(command) => command.decide(pool, facts)?,
            Self::ChangeCapacity(command) => command.decide(pool, at, facts)?,
            Self::ChangePricing(command) => command.decide(pool, facts)?,
            Self::ReschedulePool(command) => command.decide(pool, at, facts)?,
            Self::ChangeLimits(command) => command.decide(pool, facts)?,
        }
        Ok(())
    }

    /// Whether a cancelled pool is asked too: what gives places or money back goes on, and a name stays taken.
    pub(super) const fn outlives_the_pool(&self) -> bool {
        match self {
            Self::CreatePool(_) | Self::ReleaseTickets(_) | Self::RefundTickets(_) => true,
            Self::ClaimTickets(_)
            | Self::ExtendClaim(_)
            | Self::BuyTickets(_)
            | Self::PurchaseTickets(_)
            | Self::GrantTickets(_)
            | Self::StopSales(_)
            | Self::ResumeSales(_)
            | Self::CancelPool(_)
            | Self::ChangeCapacity(_)
            | Self::ChangePricing(_)
            | Self::ReschedulePool(_)
            | Self::ChangeLimits(_) => false,
        }
    }

    /// How many events it may record at most, so that they are one group of an append beside what was decided before.
    /// Only releases of dead tickets can be more: then these are swept first.
    #[must_use]
    pub fn events_max(&self) -> usize {
        match self {
            Self::GrantTickets(command) => command.events_max(),
            Self::CreatePool(_)
            | Self::ClaimTickets(_)
            | Self::ExtendClaim(_)
            | Self::BuyTickets(_)
            | Self::PurchaseTickets(_)
            | Self::ReleaseTickets(_)
            | Self::RefundTickets(_)
            | Self::StopSales(_)
            | Self::ResumeSales(_)
            | Self::CancelPool(_)
            | Self::ChangeCapacity(_)
            | Self::ChangePricing(_)
            | Self::ReschedulePool(_)
            | Self::ChangeLimits(_) => Self::EVENTS_MAX,
        }
    }
}
