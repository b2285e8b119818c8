//! Every ticket, by what became of it.
//!
//! Millions of them are in memory at once, so each is kept with what can still be asked of it: a held one with its
//! claim, a sold one with its price, and of one that is over, that it was. That much is kept of every ticket for ever,
//! since a ticket lives once.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;
use onsale_shared::{
    event::{ReleaseCause, TicketBought, TicketClaimed, TicketRefunded, TicketReleased},
    id::{ClaimId, TicketId},
    text::Reference,
    time::Timestamp,
};

use super::{require, wrong::Wrong};

/// What became of every ticket that there ever was.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    held: HashMap<TicketId, ClaimId, RandomState>,
    /// Claims that hold tickets.
    claims: HashMap<ClaimId, Holding, RandomState>,
    sold: HashMap<TicketId, Sold, RandomState>,
    over: HashSet<TicketId, RandomState>,
}

/// A claim that holds tickets.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) customer: Reference,
    pub(super) unit_price: i64,
    pub(super) expire_time: Timestamp,
    /// How many tickets it holds.
    pub(super) held: u32,
    /// How many tickets were claimed by it, since it holds some.
    claimed: u32,
    pub(super) is_extended: bool,
    granted: bool,
    /// What ended all claims, and whether this one was live then.
    void: Option<(End, bool)>,
}

/// A sold ticket.
#[derive(Debug)]
struct Sold {
    customer: Reference,
    unit_price: i64,
    granted: bool,
}

/// What ends all claims at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Stopped,
    Cancelled,
}

/// Whose ticket went back.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) customer: Reference,
    pub(super) granted: bool,
}

/// How many tickets are not over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) sold: u32,
    pub(super) held: u32,
}

impl Tickets {
    pub(super) fn counts(&self) -> Counts {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        Counts {
            sold: count(self.sold.len()),
            held: count(self.held.len()),
        }
    }

    /// Every claim that is live at this moment ends. What ended before stays ended as it was, swept or not.
    pub(super) fn void(&mut self, end: End, at: Timestamp) {
        for holding in self.claims.values_mut() {
            let was_live = at < holding.expire_time;
            holding.void.get_or_insert((end, was_live));
        }
    }

    /// A claim that holds tickets and is not dead.
    pub(super) fn live(&mut self, claim: ClaimId, at: Timestamp) -> Result<&mut Holding, Wrong> {
        let holding = self.claims.get_mut(&claim).ok_or(Wrong::NoClaim)?;
        holding.check_live(at)?;
        Ok(holding)
    }

    /// One more ticket; how many its order has by now. The first of an order costs `price`, the others as much as it.
    pub(super) fn claim(
        &mut self,
        claimed: &TicketClaimed,
        price: impl FnOnce() -> i64,
    ) -> Result<u32, Wrong> {
        let id = claimed.ticket;
        require(!self.is_known(id), || Wrong::ClaimedBefore)?;
        if let Some(replaced) = claimed.replaces {
            require(self.over.contains(&replaced), || Wrong::NotReplaced)?;
        }
        let found = claimed.unit_price.get();
        let holding = self.claims.entry(claimed.claim).or_insert_with(|| Holding {
            customer: claimed.customer.clone(),
            // Paid late: at the price that was locked, which nobody knows any more.
            unit_price: claimed.replaces.map_or_else(price, |_| found),
            expire_time: claimed.expire_time,
            held: 0,
            claimed: 0,
            is_extended: false,
            granted: claimed.granted,
            void: None,
        });
        holding.check_same(&claimed.customer, claimed.granted, found)?;
        let expected = holding.expire_time;
        require(claimed.expire_time == expected, || Wrong::Deadline {
            found: claimed.expire_time,
            expected,
        })?;
        holding.held += 1;
        holding.claimed += 1;
        let claimed_by_it = holding.claimed;
        self.held.insert(id, claimed.claim);
        Ok(claimed_by_it)
    }

    pub(super) fn buy(&mut self, bought: &TicketBought, at: Timestamp) -> Result<(), Wrong> {
        let holding = self.take(bought.ticket, bought.claim)?;
        holding.check_live(at)?;
        let unit_price = bought.unit_price.get();
        holding.check_same(&bought.customer, bought.granted, unit_price)?;
        let sold = Sold {
            customer: holding.customer.clone(),
            unit_price,
            granted: bought.granted,
        };
        self.forget_if_empty(bought.claim);
        self.sold.insert(bought.ticket, sold);
        Ok(())
    }

    pub(super) fn release(
        &mut self,
        released: &TicketReleased,
        at: Timestamp,
    ) -> Result<Ended, Wrong> {
        let holding = self.take(released.ticket, released.claim)?;
        holding.check_release(released, at)?;
        let ended = Ended {
            customer: holding.customer.clone(),
            granted: holding.granted,
        };
        self.forget_if_empty(released.claim);
        self.over.insert(released.ticket);
        Ok(ended)
    }

    pub(super) fn refund(&mut self, refunded: &TicketRefunded) -> Result<Ended, Wrong> {
        let Some(sold) = self.sold.remove(&refunded.ticket) else {
            let is_known = self.is_known(refunded.ticket);
            return Err(if is_known {
                Wrong::NotSold
            } else {
                Wrong::NotClaimed
            });
        };
        require(sold.customer == refunded.customer, || Wrong::OtherCustomer)?;
        require(sold.granted == refunded.granted, || Wrong::Granted)?;
        let (found, expected) = (refunded.unit_price.get(), sold.unit_price);
        require(found == expected, || Wrong::Price { found, expected })?;
        self.over.insert(refunded.ticket);
        Ok(Ended {
            customer: sold.customer,
            granted: sold.granted,
        })
    }

    fn is_known(&self, id: TicketId) -> bool {
        self.held.contains_key(&id) || self.sold.contains_key(&id) || self.over.contains(&id)
    }

    /// Takes a held ticket out of the claim that holds it.
    fn take(&mut self, id: TicketId, claim: ClaimId) -> Result<&mut Holding, Wrong> {
        let Some(of) = self.held.remove(&id) else {
            let is_known = self.is_known(id);
            return Err(if is_known {
                Wrong::NotHeld
            } else {
                Wrong::NotClaimed
            });
        };
        require(of == claim, || Wrong::OtherClaim)?;
        let holding = self.claims.get_mut(&claim).ok_or(Wrong::NoClaim)?;
        holding.held = holding.held.saturating_sub(1);
        Ok(holding)
    }

    fn forget_if_empty(&mut self, claim: ClaimId) {
        if self
            .claims
            .get(&claim)
            .is_some_and(|holding| holding.held == 0)
        {
            self.claims.remove(&claim);
        }
    }
}

impl Holding {
    fn check_live(&self, at: Timestamp) -> Result<(), Wrong> {
        require(!self.is_voided(), || Wrong::Voided)?;
        require(at < self.expire_time, || Wrong::Expired(self.expire_time))
    }

    fn check_same(&self, customer: &Reference, granted: bool, found: i64) -> Result<(), Wrong> {
        require(self.customer == *customer, || Wrong::OtherCustomer)?;
        require(self.granted == granted, || Wrong::Granted)?;
        let expected = self.unit_price;
        require(found == expected, || Wrong::Price { found, expected })
    }

    fn check_release(&self, released: &TicketReleased, at: Timestamp) -> Result<(), Wrong> {
        let customer = released.customer.as_ref();
        let is_his = customer.is_none_or(|customer| *customer == self.customer);
        require(is_his, || Wrong::OtherCustomer)?;
        match released.cause {
            ReleaseCause::Customer | ReleaseCause::Operator => self.check_live(at),
            ReleaseCause::Expired => {
                require(!self.is_voided(), || Wrong::Voided)?;
                let has_ended = self.expire_time <= at;
                require(has_ended, || Wrong::NotExpired(self.expire_time))
            }
            ReleaseCause::Stopped => self.check_void(End::Stopped),
            ReleaseCause::Cancelled => self.check_void(End::Cancelled),
        }
    }

    fn is_voided(&self) -> bool {
        self.void.is_some_and(|(_, was_live)| was_live)
    }

    /// Also what had expired by then, unswept: Onsale released it so at first.
    fn check_void(&self, end: End) -> Result<(), Wrong> {
        let is_by_it = self.void.is_some_and(|(void, _)| void == end);
        require(is_by_it, || Wrong::NotVoided)
    }
}
