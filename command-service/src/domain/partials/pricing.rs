//! What a ticket costs.

use onsale_shared::{
    event::{self, PoolEvent},
    money::Amount,
};

use super::{Contradiction, journaled_by};
use crate::domain::{fact::Entry, journal::Cell};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Pricing {
    rule: Cell<Option<event::Pricing>>,
}

journaled_by!(Pricing, rule);

impl Pricing {
    /// What one ticket costs now; none if the pool does not exist.
    #[must_use]
    pub fn unit_price(&self) -> Option<Amount> {
        self.rule.get().map(|rule| Amount {
            currency: rule.currency,
            minor: rule.base_price,
        })
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) -> Result<(), Contradiction> {
        match entry.event {
            PoolEvent::PoolCreated(created) => {
                self.rule.set(Some(created.pricing));
                Ok(())
            }
            // A ticket keeps the price of its claim, whatever the rule says by now: nothing to check.
            PoolEvent::TicketClaimed(_)
            | PoolEvent::TicketBought(_)
            | PoolEvent::TicketReleased(_)
            | PoolEvent::SalesStopped(_)
            | PoolEvent::SalesResumed(_) => Ok(()),
        }
    }
}
