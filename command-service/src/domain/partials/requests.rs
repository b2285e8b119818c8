//! Which commands were recorded, so that a repeat gets its first receipt.

mod rows;

use std::time::Duration;

use bytes::Bytes;
use onsale_shared::{
    event::{CommandHash, PoolEvent, ReleaseCause},
    id::{ClaimId, RequestId},
    log::{Position, Version},
    time::Timestamp,
};

use uuid::Uuid;

use self::rows::Rows;
use super::journaled_by;
use crate::domain::{
    fact::Entry,
    journal::{Cell, Map, Queue},
    snapshot::Damaged,
};

/// The commands that were recorded, for 24 hours of event time.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// Those of the snapshot that the pool was loaded from, until all of them are forgotten.
    restored: Cell<Rows>,
    /// Those recorded since. One that is among the restored, too, has gained an event, or was forgotten and recorded again.
    by_id: Map<RequestId, Kept>,
    /// The keys of `by_id`, in the order in which they were recorded. One that was forgotten and recorded again has a later place, too.
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

/// As [`Remembered`], in 56 bytes instead of 96: there are as many of them as commands a day. What is missing is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kept {
    hash: [u8; 16],
    claim: Uuid,
    version: Version,
    position: Position,
    time: Timestamp,
}

impl From<&Kept> for Remembered {
    fn from(kept: &Kept) -> Self {
        let hash = u128::from_be_bytes(kept.hash);
        Self {
            hash: (hash != 0).then_some(CommandHash(hash)),
            version: kept.version,
            position: Some(kept.position).filter(|position| *position != Position::START),
            time: kept.time,
            claim: Some(ClaimId(kept.claim)).filter(|claim| !claim.0.is_nil()),
        }
    }
}

journaled_by!(Requests, restored, by_id, oldest_first);

impl Requests {
    /// How long a command is remembered at least, in event time.
    pub const KEPT_FOR: Duration = Duration::from_hours(24);
    /// How many forgotten ones are cleared away at most with one event, so that no decision does the work of a whole night.
    const CLEARED_PER_EVENT_MAX: usize = 2;

    /// What is remembered of a command at `at`. What is older is forgotten, whether it has been cleared away or not: a
    /// pool that was restored from a snapshot decides as any other.
    #[must_use]
    pub fn known(&self, id: RequestId, at: Timestamp) -> Option<Remembered> {
        self.get(id)
            .filter(|remembered| !is_forgotten(remembered.time, at))
    }

    /// What is remembered of a command that was recorded just now.
    #[must_use]
    pub fn get(&self, id: RequestId) -> Option<Remembered> {
        self.kept(id).as_ref().map(Remembered::from)
    }

    fn kept(&self, id: RequestId) -> Option<Kept> {
        let since = self.by_id.get(&id).copied();
        since.or_else(|| self.restored.get().get(id))
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) {
        // Those that were refused for good are kept apart.
        let is_refusal = matches!(entry.event, PoolEvent::CommandRefused(_));
        if let Some(id) = entry.request.filter(|_| !is_refusal) {
            self.remember(id, entry);
        }
        let (by_id, oldest_first) = (&mut self.by_id, &mut self.oldest_first);
        clear_forgotten(by_id, oldest_first, |kept| kept.time, entry.time);
        let newest = self.restored.get().newest();
        if newest.is_some_and(|newest| is_forgotten(newest, entry.time)) {
            self.restored.set(Rows::default());
        }
    }

    fn remember(&mut self, id: RequestId, entry: &Entry<'_>) {
        let claim = claim_of(entry.event).map(|claim| claim.0);
        let position = entry.position.unwrap_or(Position::START);
        let one_more_event = |kept: &mut Kept| {
            if is_forgotten(kept.time, entry.time) {
                return false;
            }
            kept.version = entry.version;
            kept.position = position;
            kept.claim = claim.unwrap_or(kept.claim);
            true
        };
        if self.by_id.update(&id, one_more_event) == Some(true) {
            return;
        }
        let restored = self.restored.get().get(id);
        let kept = restored.and_then(|mut kept| one_more_event(&mut kept).then_some(kept));
        let kept = kept.unwrap_or_else(|| Kept {
            hash: entry.command_hash.map_or(0, |hash| hash.0).to_be_bytes(),
            claim: claim.unwrap_or_default(),
            version: entry.version,
            position,
            time: entry.time,
        });
        self.by_id.set(id, kept);
        self.oldest_first.push((kept.time, id));
    }

    /// The events after `base` up to `last` are in the log, densely from `first_position`: their commands learn their
    /// positions. Walks the newest commands only: those of this batch and of what was decided since.
    pub(crate) fn settle(&mut self, base: Version, last: Version, first_position: Position) {
        for index in (0..self.oldest_first.len()).rev() {
            let Some((_, id)) = self.oldest_first.get(index) else {
                return;
            };
            let Some(version) = self.by_id.get(id).map(|kept| kept.version) else {
                continue;
            };
            if version <= base {
                return;
            }
            if version <= last {
                let offset = u32::try_from(version.distance_from(base) - 1).unwrap_or(0);
                self.by_id.amend(id, |kept| {
                    kept.position = first_position.plus(offset);
                });
            }
        }
    }

    /// The bytes of what is not forgotten at `at`, and until when it counts.
    pub(crate) fn write(&self, at: Timestamp) -> (Vec<u8>, Timestamp) {
        let restored = self.restored.get().iter();
        let restored = restored.filter(|(id, _)| self.by_id.get(id).is_none());
        let since = self.by_id.iter().map(|(id, kept)| (*id, *kept));
        let all = restored.chain(since);
        let (bytes, newest) = rows::write(all.filter(|(_, kept)| !is_forgotten(kept.time, at)));
        (bytes, newest.plus(Self::KEPT_FOR))
    }

    pub(crate) fn read(bytes: Bytes) -> Result<Self, Damaged> {
        Ok(Self {
            restored: Cell::new(Rows::read(bytes)?),
            ..Self::default()
        })
    }
}

/// Gives back the room of some of those that are forgotten at `at`. One that was forgotten and came again has a later place,
/// and keeps it.
pub(super) fn clear_forgotten<V: Clone>(
    by_id: &mut Map<RequestId, V>,
    oldest_first: &mut Queue<(Timestamp, RequestId)>,
    time_of: impl Fn(&V) -> Timestamp,
    at: Timestamp,
) {
    for _ in 0..Requests::CLEARED_PER_EVENT_MAX {
        let Some((time, id)) = oldest_first.pop_if(|(time, _)| is_forgotten(*time, at)) else {
            return;
        };
        if by_id.get(&id).is_some_and(|known| time_of(known) == time) {
            by_id.remove(&id);
        }
    }
}

pub(super) fn is_forgotten(time: Timestamp, at: Timestamp) -> bool {
    time.plus(Requests::KEPT_FOR) < at
}

/// The claim that a command is about, as its events tell. What it released by the way (dead claims whose places it
/// took) is not what it is about.
const fn claim_of(event: &PoolEvent) -> Option<ClaimId> {
    match event {
        PoolEvent::TicketClaimed(claimed) => Some(claimed.claim),
        PoolEvent::ClaimExtended(extended) => Some(extended.claim),
        PoolEvent::TicketBought(bought) => Some(bought.claim),
        PoolEvent::TicketReleased(released) => match released.cause {
            ReleaseCause::Customer | ReleaseCause::Operator => Some(released.claim),
            ReleaseCause::Expired | ReleaseCause::Stopped | ReleaseCause::Cancelled => None,
        },
        PoolEvent::PoolCreated(_)
        | PoolEvent::TicketRefunded(_)
        | PoolEvent::SalesStopped(_)
        | PoolEvent::SalesResumed(_)
        | PoolEvent::PoolCancelled(_)
        | PoolEvent::CapacityChanged(_)
        | PoolEvent::PricingChanged(_)
        | PoolEvent::PoolRescheduled(_)
        | PoolEvent::LimitsChanged(_)
        | PoolEvent::CommandRefused(_) => None,
    }
}
