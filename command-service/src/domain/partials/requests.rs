//! Which commands were recorded, so that a repeat gets its first receipt.

use std::time::Duration;

use onsale_shared::{
    event::{CommandHash, PoolEvent, ReleaseCause},
    id::{ClaimId, RequestId},
    log::{Position, Version},
    time::Timestamp,
};

use super::journaled_by;
use crate::domain::{
    fact::Entry,
    journal::{Map, Queue},
};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    by_id: Map<RequestId, Remembered>,
    /// In the order in which they were recorded.
    oldest_first: Queue<(Timestamp, RequestId)>,
}

/// What is remembered of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Of the validated command.
    pub hash: Option<CommandHash>,
    /// The version of its last event.
    pub version: Version,
    /// The position of its last event; none while it is on its way into the log.
    pub position: Option<Position>,
    /// When it was decided.
    pub time: Timestamp,
    /// The claim that it was about.
    pub claim: Option<ClaimId>,
}

journaled_by!(Requests, by_id, oldest_first);

impl Requests {
    /// How long a command is remembered at least, in event time.
    pub const KEPT_FOR: Duration = Duration::from_hours(24);
    /// How many are forgotten at most with one event, so that no decision does the work of a whole night.
    const FORGOTTEN_PER_EVENT_MAX: usize = 2;

    /// What is remembered of a command.
    #[must_use]
    pub fn get(&self, id: RequestId) -> Option<&Remembered> {
        self.by_id.get(&id)
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) {
        if let Some(id) = entry.request {
            self.remember(id, entry);
        }
        for _ in 0..Self::FORGOTTEN_PER_EVENT_MAX {
            let expired =
                |(time, _): &(Timestamp, RequestId)| time.plus(Self::KEPT_FOR) < entry.time;
            let Some((_, id)) = self.oldest_first.pop_if(expired) else {
                break;
            };
            self.by_id.remove(&id);
        }
    }

    fn remember(&mut self, id: RequestId, entry: &Entry<'_>) {
        let claim = claim_of(entry.event);
        let known = self.by_id.update(&id, |remembered| {
            remembered.version = entry.version;
            remembered.position = entry.position;
            remembered.claim = claim.or(remembered.claim);
        });
        if known.is_none() {
            let remembered = Remembered {
                hash: entry.command_hash,
                version: entry.version,
                position: entry.position,
                time: entry.time,
                claim,
            };
            self.by_id.set(id, remembered);
            self.oldest_first.push((entry.time, id));
        }
    }

    /// The events after `base` up to `last` are in the log, densely from `first_position`: their commands learn their
    /// positions. Walks the newest commands only: those of this batch and of what was decided since.
    pub(crate) fn settle(&mut self, base: Version, last: Version, first_position: Position) {
        for index in (0..self.oldest_first.len()).rev() {
            let Some((_, id)) = self.oldest_first.get(index) else {
                return;
            };
            let Some(version) = self.by_id.get(id).map(|remembered| remembered.version) else {
                continue;
            };
            if version <= base {
                return;
            }
            if version <= last {
                let offset = u32::try_from(version.distance_from(base) - 1).unwrap_or(0);
                self.by_id.amend(id, |remembered| {
                    remembered.position = Some(first_position.plus(offset));
                });
            }
        }
    }
}

/// The claim that a command is about, as its events tell. What it released by the way (dead claims whose places it
/// took) is not what it is about.
const fn claim_of(event: &PoolEvent) -> Option<ClaimId> {
    match event {
        PoolEvent::TicketClaimed(claimed) => Some(claimed.claim),
        PoolEvent::TicketBought(bought) => Some(bought.claim),
        PoolEvent::TicketReleased(released) => match released.cause {
            ReleaseCause::Customer => Some(released.claim),
            ReleaseCause::Expired | ReleaseCause::Stopped => None,
        },
        PoolEvent::PoolCreated(_) | PoolEvent::SalesStopped(_) | PoolEvent::SalesResumed(_) => None,
    }
}
