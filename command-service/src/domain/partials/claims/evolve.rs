//! What events do to claims.

use onsale_shared::{
    event::{ClaimExtended, PoolEvent, ReleaseCause, StopMode, TicketClaimed},
    id::{ClaimId, TicketId},
};

use smallvec::smallvec;

use super::{Claim, Claims, Deadline, Fingerprint, Ticket, TicketState, Void};
use crate::domain::{fact::Entry, partials::Contradiction};

impl Claims {
    /// How many forgotten claims are cleared away at most with one event.
    const CLEARED_PER_EVENT_MAX: usize = 2;

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) -> Result<(), Contradiction> {
        // What can be paid late by the rule so far can be so by a rule that holds from now on.
        let kept_for = Self::KEPT_FOR.max(*self.late_purchase_window.get());
        match entry.event {
            PoolEvent::PoolCreated(created) => {
                let window = created.limits.late_purchase_window;
                self.late_purchase_window.set(window);
            }
            PoolEvent::LimitsChanged(changed) => {
                let window = changed.limits.late_purchase_window;
                self.late_purchase_window.set(window);
            }
            PoolEvent::TicketClaimed(claimed) => self.claimed(claimed, entry)?,
            PoolEvent::ClaimExtended(extended) => self.extended(extended)?,
            PoolEvent::TicketBought(bought) => {
                let fits = |claim: &Claim| {
                    claim.customer == bought.customer
                        && claim.unit_price == bought.unit_price
                        && claim.granted == bought.granted
                };
                let end = (bought.ticket, TicketState::Held, TicketState::Bought);
                self.end(bought.claim, end, entry, fits)?;
                self.by_ticket.set(bought.ticket, bought.claim);
            }
            PoolEvent::TicketReleased(released) => {
                let state = TicketState::Released(released.cause);
                let fits = |claim: &Claim| {
                    let customer = released.customer.as_ref();
                    customer.is_none_or(|customer| claim.customer == *customer)
                };
                let end = (released.ticket, TicketState::Held, state);
                self.end(released.claim, end, entry, fits)?;
            }
            PoolEvent::TicketRefunded(refunded) => {
                let fits = |claim: &Claim| {
                    claim.customer == refunded.customer
                        && claim.unit_price == refunded.unit_price
                        && claim.granted == refunded.granted
                };
                let end = (refunded.ticket, TicketState::Bought, TicketState::Refunded);
                self.end(refunded.claim, end, entry, fits)?;
            }
            PoolEvent::SalesStopped(stop) => match stop.mode {
                StopMode::VoidClaims => self.void(ReleaseCause::Stopped, entry),
                StopMode::FinishClaims => {}
            },
            PoolEvent::PoolCancelled(_) => self.void(ReleaseCause::Cancelled, entry),
            PoolEvent::SalesResumed(_)
            | PoolEvent::CapacityChanged(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::CommandRefused(_) => {}
        }
        let before = entry.time.minus(kept_for);
        self.forgotten_before
            .set(before.max(*self.forgotten_before.get()));
        self.clear_away();
        Ok(())
    }

    fn void(&mut self, cause: ReleaseCause, entry: &Entry<'_>) {
        let (event, time) = (entry.id, entry.time);
        self.voids.push(Void { event, time, cause });
    }

    fn epoch(&self) -> u32 {
        u32::try_from(self.voids.len()).unwrap_or(u32::MAX)
    }

    fn claimed(&mut self, claimed: &TicketClaimed, entry: &Entry<'_>) -> Result<(), Contradiction> {
        // A ticket lives once.
        if self.by_ticket.get(&claimed.ticket).is_some() {
            return Err(Contradiction);
        }
        let epoch = self.epoch();
        let added = self.by_id.update(&claimed.claim, |claim| {
            let held_before = claim.has(TicketState::Held);
            // A claim that is done gets a ticket only in the place of one that had expired.
            if !held_before && claimed.replaces.is_none() {
                return None;
            }
            add_ticket(claim, claimed)?;
            if !held_before {
                // Paid late: alive once more, until it is bought in the same breath.
                claim.renew(epoch, claimed.expire_time);
            }
            Some(!held_before)
        });
        let begins_to_hold = match added {
            Some(added) => added.ok_or(Contradiction)?,
            None if claimed.replaces.is_some() => return Err(Contradiction),
            None => {
                let claim = Box::new(Claim::new(claimed, entry, epoch));
                self.by_id.set(claimed.claim, claim);
                true
            }
        };
        if begins_to_hold {
            self.deadlines.add(Deadline {
                epoch,
                time: claimed.expire_time,
                claim: claimed.claim,
            });
            self.begins_to_hold(Fingerprint::of(&claimed.customer), claimed.claim);
        }
        Ok(())
    }

    pub(super) fn begins_to_hold(&mut self, holder: Fingerprint, claim: ClaimId) {
        let added = self.holders.update(&holder, |own| {
            let place = own.partition_point(|other| *other < claim);
            own.insert(place, claim);
        });
        if added.is_none() {
            self.holders.set(holder, smallvec![claim]);
        }
    }

    fn holds_no_more(&mut self, holder: Fingerprint, claim: ClaimId) {
        let is_none_left = self.holders.update(&holder, |own| {
            own.retain(|other| *other != claim);
            own.is_empty()
        });
        if is_none_left == Some(true) {
            self.holders.remove(&holder);
        }
    }

    fn extended(&mut self, extended: &ClaimExtended) -> Result<(), Contradiction> {
        let id = extended.claim;
        let changed = self.by_id.update(&id, |claim| {
            let fits = !claim.extended
                && claim.expire_time == extended.old_expire_time
                && claim.expire_time <= extended.expire_time
                && u32::try_from(claim.held().count()) == Ok(extended.held)
                && extended.held > 0;
            if !fits {
                return None;
            }
            let old = deadline(id, claim);
            claim.extended = true;
            claim.expire_time = extended.expire_time;
            Some((old, deadline(id, claim)))
        });
        let (old, new) = changed.flatten().ok_or(Contradiction)?;
        self.deadlines.remove(&old);
        self.deadlines.add(new);
        Ok(())
    }

    /// One ticket of a claim that `fits` is no longer what it was.
    fn end(
        &mut self,
        id: ClaimId,
        (ticket, from, to): (TicketId, TicketState, TicketState),
        entry: &Entry<'_>,
        fits: impl FnOnce(&Claim) -> bool,
    ) -> Result<(), Contradiction> {
        let changed = self.by_id.update(&id, |claim| {
            if !fits(claim) {
                return None;
            }
            let ticket = claim.ticket_mut(ticket)?;
            if ticket.state != from {
                return None;
            }
            ticket.state = to;
            let is_over = claim.is_over();
            if is_over {
                claim.ended_at = entry.time;
            }
            let holder = Fingerprint::of(&claim.customer);
            let holds = claim.has(TicketState::Held);
            Some((deadline(id, claim), holder, holds, is_over))
        });
        let (deadline, holder, holds, is_over) = changed.flatten().ok_or(Contradiction)?;
        if from == TicketState::Held && !holds {
            self.deadlines.remove(&deadline);
            self.holds_no_more(holder, id);
        }
        if is_over {
            self.ended.push((entry.time, id));
        }
        Ok(())
    }

    fn clear_away(&mut self) {
        for _ in 0..Self::CLEARED_PER_EVENT_MAX {
            let before = *self.forgotten_before.get();
            let Some((_, id)) = self.ended.pop_if(|(end, _)| *end < before) else {
                return;
            };
            // One that was paid late is over only by its last end, if at all.
            let Some(claim) = self.by_id.get(&id) else {
                continue;
            };
            if !self.is_forgotten(claim) {
                continue;
            }
            let tickets = claim.tickets.clone();
            self.by_id.remove(&id);
            for ticket in tickets {
                self.by_ticket.remove(&ticket.id);
            }
        }
    }
}

pub(super) fn deadline(id: ClaimId, claim: &Claim) -> Deadline {
    Deadline {
        epoch: claim.epoch,
        time: claim.expire_time,
        claim: id,
    }
}

/// One more ticket of a claim; none if that cannot be.
fn add_ticket(claim: &mut Claim, claimed: &TicketClaimed) -> Option<()> {
    if claim.customer != claimed.customer || claim.ticket(claimed.ticket).is_some() {
        return None;
    }
    if let Some(replaced) = claimed.replaces {
        let replaced = claim.ticket_mut(replaced)?;
        if replaced.state != TicketState::Released(ReleaseCause::Expired) {
            return None;
        }
        replaced.state = TicketState::Replaced;
    }
    claim.tickets.push(Ticket::held(claimed.ticket));
    Some(())
}
