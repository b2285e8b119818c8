//! How many tickets each customer has, held and bought together: what the limit per customer is about. Tickets that the
//! promoter gave away do not count.

use onsale_shared::{event::PoolEvent, text::Reference};

use super::{Claims, Contradiction, journaled_by};
use crate::domain::{
    fact::Entry,
    journal::Map,
    snapshot::{Damaged, Reader, Writer},
};

/// How many tickets each customer holds and has bought.
#[derive(Clone, Debug, Default)]
pub struct Customers {
    /// Never 0: who has nothing is not known.
    tickets: Map<Reference, u32>,
}

journaled_by!(Customers, tickets);

impl Customers {
    /// How many tickets a customer holds and has bought.
    #[must_use]
    pub fn tickets(&self, customer: &Reference) -> u32 {
        self.tickets.get(customer).copied().unwrap_or(0)
    }

    /// All customers who have a ticket, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Reference, u32)> {
        self.tickets.iter().map(|(customer, has)| (customer, *has))
    }

    /// What the event does, after the pool's claims have let it pass.
    pub(crate) fn evolve(
        &mut self,
        entry: &Entry<'_>,
        claims: &Claims,
    ) -> Result<(), Contradiction> {
        match entry.event {
            PoolEvent::TicketClaimed(claimed) if !claimed.granted => {
                let has = self.tickets(&claimed.customer).saturating_add(1);
                self.tickets.set(claimed.customer.clone(), has);
                Ok(())
            }
            PoolEvent::TicketReleased(released) => {
                // Before there was a limit per customer, only the claim named him.
                let of_claim = || claims.get(released.claim).map(|claim| &claim.customer);
                let customer = released.customer.as_ref().or_else(of_claim);
                customer.map_or(Ok(()), |customer| self.lose(customer))
            }
            PoolEvent::TicketRefunded(refunded) if !refunded.granted => {
                self.lose(&refunded.customer)
            }
            PoolEvent::PoolCreated(_)
            | PoolEvent::TicketClaimed(_)
            | PoolEvent::ClaimExtended(_)
            | PoolEvent::TicketBought(_)
            | PoolEvent::TicketRefunded(_)
            | PoolEvent::SalesStopped(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::PoolCancelled(_)
            | PoolEvent::CapacityChanged(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::LimitsChanged(_)
            | PoolEvent::CommandRefused(_) => Ok(()),
        }
    }

    fn lose(&mut self, customer: &Reference) -> Result<(), Contradiction> {
        match self.tickets(customer) {
            0 => Err(Contradiction),
            1 => {
                self.tickets.remove(customer);
                Ok(())
            }
            has => {
                self.tickets.set(customer.clone(), has - 1);
                Ok(())
            }
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        let mut rows: Vec<_> = self
            .iter()
            .map(|(customer, has)| (customer.as_str(), has))
            .collect();
        rows.sort_unstable();
        writer.put_rows(rows.into_iter());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut customers = Self::default();
        let rows = reader.rows()?;
        customers.tickets.reserve(rows);
        for _ in 0..rows {
            let (customer, has): (&str, u32) = reader.take()?;
            let customer = Reference::parse(customer).map_err(|_invalid| Damaged::IMPOSSIBLE)?;
            customers.tickets.set(customer, has);
        }
        Ok(customers)
    }
}
