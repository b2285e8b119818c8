//! What a ticket costs: the rule. What it gives is computed by `onsale_shared::pricing`.

use std::sync::Arc;

use onsale_shared::{event::PoolEvent, pricing};
use serde::{Deserialize, Serialize};

use super::{Contradiction, Edited, journaled_by};
use crate::domain::{
    fact::Entry,
    journal::Cell,
    snapshot::{Damaged, Reader, Writer},
};

/// The price rule, and its number.
#[derive(Clone, Debug, Default)]
pub struct Pricing {
    rule: Cell<Option<Rule>>,
}

/// A price rule with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rule {
    /// The rule that the pool was created with is 1.
    number: u32,
    rule: Edited<Arc<pricing::Pricing>>,
}

journaled_by!(Pricing, rule);

impl Pricing {
    /// The rule that holds now; none if the pool does not exist.
    #[must_use]
    pub fn rule(&self) -> Option<&Edited<Arc<pricing::Pricing>>> {
        self.rule.get().as_ref().map(|known| &known.rule)
    }

    /// The number of the rule that holds now.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.rule.get().as_ref().map_or(0, |known| known.number)
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) -> Result<(), Contradiction> {
        match entry.event {
            PoolEvent::PoolCreated(created) => {
                self.rule.set(Some(Rule {
                    number: 1,
                    rule: Edited::new(Arc::new(created.pricing.clone())),
                }));
                Ok(())
            }
            PoolEvent::PricingChanged(changed) => {
                let known = self.rule.get().clone().ok_or(Contradiction)?;
                // What was sold in one currency is not refunded in another.
                if known.rule.value.currency != changed.pricing.currency {
                    return Err(Contradiction);
                }
                let rule = known.rule.edit(Arc::new(changed.pricing.clone()), entry);
                let number = known.number.saturating_add(1);
                self.rule.set(Some(Rule { number, rule }));
                Ok(())
            }
            // A ticket keeps the price of its claim, whatever the rule says by now: nothing to check.
            PoolEvent::TicketClaimed(_)
            | PoolEvent::ClaimExtended(_)
            | PoolEvent::TicketBought(_)
            | PoolEvent::TicketReleased(_)
            | PoolEvent::TicketRefunded(_)
            | PoolEvent::SalesStopped(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::PoolCancelled(_)
            | PoolEvent::CapacityChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::LimitsChanged(_)
            | PoolEvent::CommandRefused(_) => Ok(()),
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.put_json(self.rule.get());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let rule = Cell::new(reader.take_json()?);
        Ok(Self { rule })
    }
}
