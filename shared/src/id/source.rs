//! Where new ids come from, and how a command brings its own along.

use uuid::{NoContext, Uuid};

use super::{ClaimId, EventId, TicketId};
use crate::time::Timestamp;

/// The one place where new ids come from; version 7 (RFC 9562), with the log's time in them.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdSource;

impl IdSource {
    /// Ids for one command that is decided at `time`.
    #[must_use]
    pub fn ids(self, time: Timestamp) -> Ids {
        let (seconds, nanos) = time.seconds_and_nanos();
        let seconds = u64::try_from(seconds).unwrap_or(0);
        let first = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos));
        Ids::from(first)
    }
}

/// Ids that a command brings along, so that deciding it stays pure: one random id and its successors.
///
/// One command needs far fewer than the 65,536 ids that a block holds; 58 random bits a millisecond keep blocks apart.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    next: u128,
}

impl Ids {
    const BLOCK_MASK: u128 = 0xffff;

    /// The next id, for an event.
    pub const fn event(&mut self) -> EventId {
        EventId(self.advance())
    }

    /// The next id, for a claim.
    pub const fn claim(&mut self) -> ClaimId {
        ClaimId(self.advance())
    }

    /// The next id, for a ticket.
    pub const fn ticket(&mut self) -> TicketId {
        TicketId(self.advance())
    }

    const fn advance(&mut self) -> Uuid {
        let id = Uuid::from_u128(self.next);
        self.next = self.next.wrapping_add(1);
        id
    }
}

impl From<Uuid> for Ids {
    /// Ids that begin at the block of `first`; tests use it with a fixed id.
    fn from(first: Uuid) -> Self {
        Self {
            next: first.as_u128() & !Self::BLOCK_MASK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_distinct_and_carry_the_time() {
        let time = Timestamp::from_micros(1_800_000_000_123_456);
        let mut ids = IdSource.ids(time);
        let (a, b) = (ids.event(), ids.event());
        assert_ne!(a, b);
        assert_eq!(a.0.get_version_num(), 7);
        assert_eq!(a.0.get_timestamp().unwrap().to_unix().0, 1_800_000_000);
        assert_ne!(IdSource.ids(time).event(), IdSource.ids(time).event());
    }
}
