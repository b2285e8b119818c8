//! Who holds and who bought which tickets, until when, and which claims are dead.

use std::time::Duration;

use onsale_shared::{
    event::{Labels, PoolEvent, ReleaseCause, StopMode, TicketClaimed},
    id::{ClaimId, EventId, TicketId},
    money::Minor,
    text::Reference,
    time::Timestamp,
};

use super::{Contradiction, journaled_by};
use crate::domain::{
    fact::Entry,
    journal::{Map, Queue, Set},
};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    by_id: Map<ClaimId, Claim>,
    /// Claims that hold tickets, the next to end first.
    deadlines: Set<Deadline>,
    /// The stops that voided claims, oldest first. A claim of an earlier epoch than their number is dead: an epoch
    /// compared, not a walk over the claims.
    voids: Queue<Void>,
    /// Claims that ended without a sold ticket, to be forgotten.
    ended: Queue<(Timestamp, ClaimId)>,
}

/// Ordered so that voided claims come first, then those whose deadline is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Deadline {
    epoch: usize,
    time: Timestamp,
    claim: ClaimId,
}

/// A stop that voided the claims that were live.
#[derive(Clone, Copy, Debug)]
struct Void {
    event: EventId,
    time: Timestamp,
}

/// Tickets held or bought by one customer at one price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// For whom.
    pub customer: Reference,
    /// The locked price of one ticket.
    pub unit_price: Minor,
    /// The deadline.
    pub expire_time: Timestamp,
    /// The caller's reference.
    pub reference: Option<Reference>,
    /// The caller's labels.
    pub labels: Labels,
    /// The tickets, in the order in which they were claimed.
    pub tickets: Vec<Ticket>,
    /// Its first event: the cause of what becomes of it.
    pub first_event: EventId,
    /// How many stops had voided claims when it came into being.
    epoch: usize,
}

/// One ticket of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Which.
    pub id: TicketId,
    /// What became of it.
    pub state: TicketState,
}

/// What became of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketState {
    /// In the claim.
    Held,
    /// Bought.
    Bought,
    /// Back in the stock.
    Released(ReleaseCause),
}

/// How a claim ended, or would end when it is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Its deadline passed.
    Expired,
    /// A stop voided it.
    Voided {
        /// When.
        time: Timestamp,
        /// The stop.
        event: EventId,
    },
}

/// A held ticket of a dead claim: its place is free for whoever needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadTicket {
    /// Its claim.
    pub claim: ClaimId,
    /// Which.
    pub ticket: TicketId,
    /// Why it is dead.
    pub cause: ReleaseCause,
    /// The event that led to its release.
    pub caused_by: EventId,
    /// The deadline that it had.
    pub expire_time: Timestamp,
}

journaled_by!(Claims, by_id, deadlines, voids, ended);

impl Claim {
    /// The tickets that are held.
    pub fn held(&self) -> impl Iterator<Item = TicketId> {
        self.tickets
            .iter()
            .filter(|ticket| ticket.state == TicketState::Held)
            .map(|ticket| ticket.id)
    }

    /// Whether a ticket was bought.
    #[must_use]
    pub fn has_bought(&self) -> bool {
        self.tickets
            .iter()
            .any(|ticket| ticket.state == TicketState::Bought)
    }

    fn ticket_mut(&mut self, id: TicketId) -> Option<&mut Ticket> {
        self.tickets.iter_mut().find(|ticket| ticket.id == id)
    }
}

impl Claims {
    /// How long a claim without sold tickets is remembered after its end, in event time.
    pub const KEPT_FOR: Duration = Duration::from_hours(24);
    /// How many are forgotten at most with one event.
    const FORGOTTEN_PER_EVENT_MAX: usize = 2;

    /// The claim, while it is known.
    #[must_use]
    pub fn get(&self, id: ClaimId) -> Option<&Claim> {
        self.by_id.get(&id)
    }

    /// Why the claim is dead at `at`, swept or not; none while it is live or was finished by its customer.
    #[must_use]
    pub fn death(&self, claim: &Claim, at: Timestamp) -> Option<Death> {
        let released = |cause| {
            claim
                .tickets
                .iter()
                .any(|ticket| ticket.state == TicketState::Released(cause))
        };
        let holds = claim.held().next().is_some();
        if let Some(void) = self.voids.get(claim.epoch)
            && (holds || released(ReleaseCause::Stopped))
        {
            return Some(Death::Voided {
                time: void.time,
                event: void.event,
            });
        }
        let expired = (holds && claim.expire_time <= at) || released(ReleaseCause::Expired);
        expired.then_some(Death::Expired)
    }

    /// The held tickets of dead claims, the longest dead first. Costs as much as is taken of it.
    pub fn dead_tickets(&self, at: Timestamp) -> impl Iterator<Item = DeadTicket> {
        self.deadlines
            .iter()
            .map_while(move |deadline| {
                let (cause, void) = match self.voids.get(deadline.epoch) {
                    Some(void) => (ReleaseCause::Stopped, Some(void.event)),
                    None if deadline.time <= at => (ReleaseCause::Expired, None),
                    None => return None,
                };
                let claim = self.by_id.get(&deadline.claim)?;
                Some(claim.held().map(move |ticket| DeadTicket {
                    claim: deadline.claim,
                    ticket,
                    cause,
                    caused_by: void.unwrap_or(claim.first_event),
                    expire_time: claim.expire_time,
                }))
            })
            .flatten()
    }

    /// When the next claim ends; a moment in the past if one waits to be swept.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let first = self.deadlines.iter().next()?;
        Some(
            self.voids
                .get(first.epoch)
                .map_or(first.time, |void| void.time),
        )
    }

    /// All claims, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&ClaimId, &Claim)> {
        self.by_id.iter()
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) -> Result<(), Contradiction> {
        match entry.event {
            PoolEvent::TicketClaimed(claimed) => self.claimed(claimed, entry)?,
            PoolEvent::TicketBought(bought) => {
                self.end_hold(bought.claim, bought.ticket, TicketState::Bought, entry)?;
            }
            PoolEvent::TicketReleased(released) => {
                let state = TicketState::Released(released.cause);
                self.end_hold(released.claim, released.ticket, state, entry)?;
            }
            PoolEvent::SalesStopped(stop) => match stop.mode {
                StopMode::VoidClaims => self.voids.push(Void {
                    event: entry.id,
                    time: entry.time,
                }),
                StopMode::FinishClaims => {}
            },
            PoolEvent::PoolCreated(_) | PoolEvent::SalesResumed(_) => {}
        }
        self.forget(entry.time);
        Ok(())
    }

    fn claimed(&mut self, claimed: &TicketClaimed, entry: &Entry<'_>) -> Result<(), Contradiction> {
        let ticket = Ticket {
            id: claimed.ticket,
            state: TicketState::Held,
        };
        let added = self.by_id.update(&claimed.claim, |claim| {
            let fits = claim.customer == claimed.customer && claim.ticket_mut(ticket.id).is_none();
            fits.then(|| claim.tickets.push(ticket))
        });
        match added {
            Some(Some(())) => Ok(()),
            Some(None) => Err(Contradiction),
            None => {
                let epoch = self.voids.len();
                self.by_id.set(
                    claimed.claim,
                    Claim {
                        customer: claimed.customer.clone(),
                        unit_price: claimed.unit_price,
                        expire_time: claimed.expire_time,
                        reference: claimed.reference.clone(),
                        labels: claimed.labels.clone(),
                        tickets: vec![ticket],
                        first_event: entry.id,
                        epoch,
                    },
                );
                self.deadlines.add(Deadline {
                    epoch,
                    time: claimed.expire_time,
                    claim: claimed.claim,
                });
                Ok(())
            }
        }
    }

    fn end_hold(
        &mut self,
        id: ClaimId,
        ticket: TicketId,
        state: TicketState,
        entry: &Entry<'_>,
    ) -> Result<(), Contradiction> {
        let changed = self.by_id.update(&id, |claim| {
            let ticket = claim
                .ticket_mut(ticket)
                .filter(|ticket| ticket.state == TicketState::Held)?;
            ticket.state = state;
            let deadline = Deadline {
                epoch: claim.epoch,
                time: claim.expire_time,
                claim: id,
            };
            Some((deadline, claim.held().next().is_some(), claim.has_bought()))
        });
        let (deadline, holds, bought) = changed.flatten().ok_or(Contradiction)?;
        if !holds {
            self.deadlines.remove(deadline);
            if !bought {
                self.ended.push((entry.time, id));
            }
        }
        Ok(())
    }

    fn forget(&mut self, now: Timestamp) {
        for _ in 0..Self::FORGOTTEN_PER_EVENT_MAX {
            let Some((_, id)) = self.ended.pop_if(|(end, _)| end.plus(Self::KEPT_FOR) < now) else {
                return;
            };
            self.by_id.remove(&id);
        }
    }
}
