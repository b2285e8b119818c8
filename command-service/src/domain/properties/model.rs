//! A naive model of a pool: tickets, and what became of each. It shares nothing with the parts of the state.

use std::collections::BTreeMap;

use onsale_shared::{event::PoolEvent, id::TicketId};

/// The naive model: tickets and what became of them.
#[derive(Default)]
pub(super) struct Model {
    pub(super) lives: BTreeMap<TicketId, Vec<&'static str>>,
}

impl Model {
    pub(super) fn count(&self, last: &str) -> u32 {
        u32::try_from(
            self.lives
                .values()
                .filter(|life| life.last() == Some(&last))
                .count(),
        )
        .unwrap()
    }

    pub(super) fn apply(&mut self, event: &PoolEvent) {
        let (ticket, what) = match event {
            PoolEvent::TicketClaimed(claimed) => (claimed.ticket, "claimed"),
            PoolEvent::TicketBought(bought) => (bought.ticket, "bought"),
            PoolEvent::TicketReleased(released) => (released.ticket, "released"),
            PoolEvent::PoolCreated(_) | PoolEvent::SalesStopped(_) | PoolEvent::SalesResumed(_) => {
                return;
            }
        };
        self.lives.entry(ticket).or_default().push(what);
    }
}
