//! Sentences for tests: given these events, when this command, then these facts or this refusal.

use std::time::Duration;

use onsale_shared::{
    event::*,
    id::{ClaimId, EventId, Ids, RequestId, TicketId},
    log::{Position, Version},
    money::{Amount, Currency, Minor},
    text::Reference,
    time::Timestamp,
};
use uuid::Uuid;

use super::*;
use crate::domain::{Decision, Entry, Fact, Pool, Rejection, Request, decide};

/// A pool's capacity in these tests.
pub(crate) const CAPACITY: u32 = 10;
/// Claims live for ten minutes.
pub(crate) const CLAIM_MINUTES: i64 = 10;

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

pub(crate) fn created() -> PoolEvent {
    PoolEvent::PoolCreated(PoolCreated {
        display_name: None,
        promoter: None,
        show: None,
        labels: Labels::new(),
        show_time: None,
        capacity: CAPACITY,
        pricing: Pricing {
            currency: euros(0).currency,
            base_price: euros(4_999).minor,
        },
        max_tickets_per_order: 4,
        claim_duration: Duration::from_mins(CLAIM_MINUTES.unsigned_abs()),
    })
}

/// Ticket `n` in claim `claim`, made at minute 0.
pub(crate) fn claimed(claim: u128, n: u128) -> PoolEvent {
    claimed_until(claim, n, minute(CLAIM_MINUTES))
}

pub(crate) fn claimed_until(claim: u128, n: u128, expire_time: Timestamp) -> PoolEvent {
    PoolEvent::TicketClaimed(TicketClaimed {
        claim: claim_id(claim),
        ticket: ticket_id(n),
        customer: customer(),
        unit_price: euros(4_999).minor,
        expire_time,
        reference: None,
        labels: Labels::new(),
    })
}

pub(crate) fn bought(claim: u128, n: u128) -> PoolEvent {
    PoolEvent::TicketBought(TicketBought {
        claim: claim_id(claim),
        ticket: ticket_id(n),
        customer: customer(),
        unit_price: euros(4_999).minor,
        expire_time: minute(CLAIM_MINUTES),
        payment_reference: None,
    })
}

pub(crate) fn released(claim: u128, n: u128, cause: ReleaseCause) -> PoolEvent {
    PoolEvent::TicketReleased(TicketReleased {
        claim: claim_id(claim),
        ticket: ticket_id(n),
        cause,
        expire_time: minute(CLAIM_MINUTES),
    })
}

pub(crate) fn stopped(mode: StopMode) -> PoolEvent {
    PoolEvent::SalesStopped(SalesStopped { mode, reason: None })
}

pub(crate) fn resumed() -> PoolEvent {
    PoolEvent::SalesResumed(SalesResumed { reason: None })
}

/// `count` tickets sold in claims of their own, numbered from 1,000.
pub(crate) fn sold(count: u32) -> Vec<PoolEvent> {
    let pair = |n| [claimed(1_000 + n, 1_000 + n), bought(1_000 + n, 1_000 + n)];
    (0..u128::from(count)).flat_map(pair).collect()
}

pub(crate) fn a_pool() -> Command {
    let PoolEvent::PoolCreated(created) = created() else {
        unreachable!("created() creates")
    };
    Command::CreatePool(CreatePool {
        display_name: created.display_name,
        promoter: created.promoter,
        show: created.show,
        labels: created.labels,
        show_time: created.show_time,
        capacity: created.capacity,
        pricing: created.pricing,
        max_tickets_per_order: created.max_tickets_per_order,
        claim_duration: created.claim_duration,
    })
}

pub(crate) fn order(quantity: u32) -> ClaimTickets {
    ClaimTickets {
        customer: customer(),
        quantity,
        max_unit_price: None,
        reference: None,
        labels: Labels::new(),
    }
}

pub(crate) fn claim(quantity: u32) -> Command {
    Command::ClaimTickets(order(quantity))
}

pub(crate) fn purchase(quantity: u32) -> Command {
    Command::PurchaseTickets(PurchaseTickets {
        order: order(quantity),
        payment_reference: None,
    })
}

/// Buy these tickets of a claim; none means all.
pub(crate) fn buy(claim: u128, tickets: &[u128]) -> Command {
    Command::BuyTickets(BuyTickets {
        claim: claim_id(claim),
        tickets: tickets.iter().map(|n| ticket_id(*n)).collect(),
        payment_reference: None,
    })
}

/// Release these tickets of a claim; none means all.
pub(crate) fn release(claim: u128, tickets: &[u128]) -> Command {
    Command::ReleaseTickets(ReleaseTickets {
        claim: claim_id(claim),
        tickets: tickets.iter().map(|n| ticket_id(*n)).collect(),
    })
}

pub(crate) fn stop(mode: StopMode) -> Command {
    Command::StopSales(StopSales { mode, reason: None })
}

pub(crate) fn resume() -> Command {
    Command::ResumeSales(ResumeSales { reason: None })
}

pub(crate) fn fold(events: &[PoolEvent]) -> Pool {
    let mut pool = Pool::default();
    for (event, version) in events.iter().zip(1..) {
        pool.evolve(&Entry {
            event,
            id: event_id(version),
            version: Version::new(version).unwrap(),
            position: Position::new(version),
            time: minute(0),
            request: None,
            command_hash: None,
        });
    }
    pool
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

    pub(crate) fn when(self, command: Command) -> When {
        let request = Request {
            id: RequestId(Uuid::from_u128(7)),
            hash: CommandHash(7),
            command,
        };
        let mut ids = Ids::from(Uuid::from_u128(0xffff_0000));
        let result =
            decide(&self.pool, &request, self.at, &mut ids).map(|decision| match decision {
                Decision::Record(facts) => facts,
                Decision::Repeat(_) => panic!("the request was never sent before"),
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
