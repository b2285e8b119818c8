//! Sentences for tests: given these events, when this command, then these facts or this refusal.

use std::time::Duration;

use onsale_shared::{
    event::*,
    id::{ClaimId, EventId, Ids, RequestId, TicketId},
    log::{Position, Version},
    money::{Amount, Currency, Minor},
    pricing::Pricing,
    text::Reference,
    time::Timestamp,
};
use uuid::Uuid;

pub(crate) use onsale_shared::event::{Limits, Schedule};

use super::*;
use crate::domain::{
    Decision, Entry, Fact, Pool, Rejection, Request, conflicts::Precondition, decide,
};

mod commands;
mod events;

pub(crate) use commands::*;
pub(crate) use events::*;

/// A pool's capacity in these tests.
pub(crate) const CAPACITY: u32 = 10;
/// Claims live for ten minutes.
pub(crate) const CLAIM_MINUTES: i64 = 10;
/// And can be paid for five more.
pub(crate) const LATE_MINUTES: i64 = 5;

/// The moment `minutes` after the pool was created.
pub(crate) fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000 + minutes * 60_000_000)
}

pub(crate) fn euros(cents: i64) -> Amount {
    Amount {
        currency: Currency::parse("EUR").unwrap(),
        minor: Minor::new(cents).unwrap(),
    }
}

pub(crate) fn claim_id(n: u128) -> ClaimId {
    ClaimId(Uuid::from_u128(0xc000 + n))
}

pub(crate) fn ticket_id(n: u128) -> TicketId {
    TicketId(Uuid::from_u128(0x1000 + n))
}

pub(crate) fn event_id(version: i64) -> EventId {
    EventId(Uuid::from_u128(0xe000 + u128::try_from(version).unwrap()))
}

pub(crate) fn customer() -> Reference {
    Reference::parse("customer-1").unwrap()
}

pub(crate) fn fold(events: &[PoolEvent]) -> Pool {
    let mut pool = Pool::default();
    for (event, version) in events.iter().zip(1..) {
        fold_one(&mut pool, event, version, minute(0));
    }
    pool
}

pub(crate) fn fold_one(pool: &mut Pool, event: &PoolEvent, version: i64, time: Timestamp) {
    pool.evolve(&Entry {
        event,
        id: event_id(version),
        version: Version::new(version).unwrap(),
        position: Position::new(version),
        time,
        request: None,
        command_hash: None,
        actor: Some("promoter-1"),
    });
}

/// What happened before.
pub(crate) struct Given {
    pub(crate) pool: Pool,
    at: Timestamp,
}

impl Given {
    pub(crate) fn nothing() -> Self {
        Self::events([])
    }

    pub(crate) fn events(events: impl IntoIterator<Item = PoolEvent>) -> Self {
        let events: Vec<_> = events.into_iter().collect();
        Self {
            pool: fold(&events),
            at: minute(1),
        }
    }

    /// The command comes `minutes` after the events.
    pub(crate) fn after_minutes(self, minutes: i64) -> Self {
        Self {
            at: minute(minutes),
            ..self
        }
    }

    pub(crate) fn decide(&self, command: Command) -> Result<Decision, Rejection> {
        let request = Request {
            id: RequestId(Uuid::from_u128(7)),
            hash: CommandHash(7),
            is_repeat: false,
            command,
        };
        let mut ids = Ids::from(Uuid::from_u128(0xffff_0000));
        decide(&self.pool, &request, self.at, &mut ids)
    }

    pub(crate) fn when(self, command: Command) -> When {
        let result = self.decide(command).map(|decision| match decision {
            Decision::Record(facts) => facts,
            Decision::Repeat(_) => panic!("the request was never sent before"),
            Decision::Refuse(..) => panic!("it is no repeat"),
            Decision::SweepFirst => panic!("places of dead claims are in the way"),
        });
        When { result }
    }
}

/// What came of the command.
pub(crate) struct When {
    pub(crate) result: Result<Vec<Fact>, Rejection>,
}

impl When {
    #[track_caller]
    pub(crate) fn facts(self) -> Vec<Fact> {
        self.result.expect("the command is accepted")
    }

    #[track_caller]
    pub(crate) fn events(self) -> Vec<PoolEvent> {
        self.facts().into_iter().map(|fact| fact.event).collect()
    }

    #[track_caller]
    pub(crate) fn then(self, expected: impl IntoIterator<Item = PoolEvent>) {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(self.events(), expected);
    }

    #[track_caller]
    pub(crate) fn refused(self, expected: &Rejection) {
        assert_eq!(
            self.result.as_ref().err(),
            Some(expected),
            "{:?}",
            self.result
        );
    }
}
