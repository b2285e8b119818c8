//! The fold of claims beside a naive model of one claim after the other, on random events of which many contradict, in
//! batches of any size.

mod model;

use std::{cell::RefCell, collections::BTreeMap};

use onsale_shared::{
    event::{
        ClaimExtended, Labels, PoolCancelled, PoolEvent, ReleaseCause, SalesStopped, StopMode,
        TicketBought, TicketClaimed, TicketRefunded, TicketReleased,
    },
    id::{ClaimId, PoolId, TicketId},
    log::Position,
    money::Minor,
    text::Reference,
    time::Timestamp,
};
use proptest::{prelude::*, test_runner::TestRunner};
use sqlx::types::Uuid;

use self::model::Model;
use super::{fold::Fold, keys::Keys};
use crate::read_models::claims::{ClaimRow, TicketRow, VoidRow};

const CASES: u32 = 2_000;
const EVENTS_MAX: usize = 100;

/// As many as in the projector's batches, in proportion.
const LOOKED_FOR: usize = 4;

/// What was thought to be new is there, or may be.
#[derive(Debug)]
struct WasThere;

/// The tables.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tables {
    claims: BTreeMap<(PoolId, ClaimId), ClaimRow>,
    tickets: BTreeMap<(PoolId, TicketId), TicketRow>,
    voids: BTreeMap<(PoolId, Position), VoidRow>,
}

/// An event of a pool, at its position.
type Happened = (PoolId, Position, PoolEvent);

impl Tables {
    /// As the projector does it: loads what is concerned, folds, writes what is new and what has changed.
    fn write(&mut self, batch: &[Happened]) {
        if self.write_new(batch, LOOKED_FOR.min(batch.len())).is_err() {
            let all = self.write_new(batch, batch.len());
            all.unwrap();
        }
    }

    /// As [`Self::write`], unless what is thought to be new is there.
    fn write_new(&mut self, batch: &[Happened], looked_for: usize) -> Result<(), WasThere> {
        let mut keys = Keys::default();
        for (index, (pool, _, fact)) in batch.iter().enumerate() {
            keys.add(pool, fact, index < looked_for);
        }
        let claims = keys.claims().filter_map(|key| self.claims.get(key));
        let tickets = keys.tickets().filter_map(|key| self.tickets.get(key));
        let mut fold = Fold::of(claims.cloned().collect(), tickets.cloned().collect());
        for (pool, position, fact) in batch {
            fold.apply(pool, *position, time(*position), fact);
        }
        if fold.contradicted() && looked_for < batch.len() {
            return Err(WasThere);
        }
        let ((new_claims, claims), (new_tickets, tickets)) = (fold.claims(), fold.tickets());
        let claim_key = |row: &ClaimRow| (row.pool.clone(), row.id);
        let ticket_key = |row: &TicketRow| (row.pool.clone(), row.id);
        let mut keys = new_claims.iter().map(|row| claim_key(row));
        let was_there = keys.any(|key| self.claims.contains_key(&key));
        let mut keys = new_tickets.iter().map(|row| ticket_key(row));
        if was_there || keys.any(|key| self.tickets.contains_key(&key)) {
            return Err(WasThere);
        }
        for row in claims {
            assert!(self.claims.contains_key(&claim_key(row)));
            self.claims.insert(claim_key(row), row.clone());
        }
        for row in tickets {
            assert!(self.tickets.contains_key(&ticket_key(row)));
            self.tickets.insert(ticket_key(row), row.clone());
        }
        for row in new_claims {
            self.claims.insert(claim_key(row), row.clone());
        }
        for row in new_tickets {
            self.tickets.insert(ticket_key(row), row.clone());
        }
        for row in fold.voids() {
            let key = (row.pool.clone(), row.position);
            self.voids.insert(key, row.clone());
        }
        Ok(())
    }
}

/// An event of few pools, claims, tickets and customers, so that most have something to do with each other.
#[derive(Clone, Copy, Debug)]
struct Spec {
    kind: u8,
    pool: u8,
    claim: u8,
    ticket: u8,
    other: u8,
    cause: u8,
    /// Of small numbers, something is wrong.
    odd: u8,
}

fn specs() -> impl Strategy<Value = Vec<Spec>> {
    let spec = (
        0..40_u8,
        0..4_u8,
        0..2_u8,
        0..4_u8,
        0..4_u8,
        0..5_u8,
        0..20_u8,
    );
    let spec = spec.prop_map(|(kind, pool, claim, ticket, other, cause, odd)| Spec {
        kind,
        pool,
        claim,
        // Seldom a ticket of another claim.
        ticket: if odd == 0 { 4 - claim * 4 } else { claim * 4 } + ticket,
        other: claim * 4 + other,
        cause,
        odd,
    });
    prop::collection::vec(spec, 1..EVENTS_MAX)
}

const CAUSES: [ReleaseCause; 5] = [
    ReleaseCause::Expired,
    ReleaseCause::Customer,
    ReleaseCause::Stopped,
    ReleaseCause::Expired,
    ReleaseCause::Operator,
];

fn uuid(number: u8) -> Uuid {
    Uuid::from_u128(u128::from(number))
}

fn time(position: Position) -> Timestamp {
    Timestamp::from_micros(position.get() * 1_000)
}

fn deadline(number: u8) -> Timestamp {
    Timestamp::from_micros(i64::from(number) * 1_000_000)
}

fn fact(spec: Spec) -> PoolEvent {
    let (claim, ticket) = (ClaimId(uuid(spec.claim)), TicketId(uuid(spec.ticket)));
    let other = TicketId(uuid(spec.other));
    // Seldom somebody else's, or at another price.
    let customer = Reference::parse(if spec.odd == 1 { "other" } else { "c" }).unwrap();
    let unit_price = Minor::new(if spec.odd == 2 { 2 } else { 1 }).unwrap();
    let first = deadline(10);
    match spec.kind {
        0..=13 => PoolEvent::TicketClaimed(TicketClaimed {
            claim,
            ticket,
            customer,
            unit_price: Minor::new(1).unwrap(),
            pricing_version: 1,
            expire_time: first,
            reference: None,
            labels: Labels::new(),
            replaces: (spec.kind > 6).then_some(other),
            granted: false,
        }),
        14..=21 => PoolEvent::TicketBought(TicketBought {
            claim,
            ticket,
            customer,
            unit_price,
            expire_time: first,
            payment_reference: Reference::parse("payment").ok(),
            granted: false,
            reason: None,
        }),
        22..=30 => PoolEvent::TicketReleased(TicketReleased {
            claim,
            ticket,
            customer: (spec.odd > 6).then_some(customer),
            cause: CAUSES[usize::from(spec.cause)],
            expire_time: first,
        }),
        31..=35 => PoolEvent::TicketRefunded(TicketRefunded {
            claim,
            ticket,
            customer,
            unit_price,
            granted: false,
            reason: None,
        }),
        36 | 37 => PoolEvent::ClaimExtended(ClaimExtended {
            claim,
            customer,
            old_expire_time: first,
            expire_time: deadline(9 + spec.cause),
            held: u32::from(spec.other % 4),
        }),
        38 => PoolEvent::SalesStopped(SalesStopped {
            mode: if spec.odd > 9 {
                StopMode::VoidClaims
            } else {
                StopMode::FinishClaims
            },
            reason: None,
        }),
        _ => PoolEvent::PoolCancelled(PoolCancelled { reason: None }),
    }
}

fn log(specs: &[Spec]) -> Vec<Happened> {
    let mut position = Position::START;
    let happened = specs.iter().map(|spec| {
        position = position.next();
        let pool = if spec.pool > 0 { "aaa" } else { "bbb" };
        (PoolId::parse(pool).unwrap(), position, fact(*spec))
    });
    happened.collect()
}

#[test]
fn rows_are_what_a_naive_model_says_in_batches_of_any_size_and_written_twice() {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let reached: RefCell<BTreeMap<&'static str, u32>> = RefCell::default();
    let told = runner.run(
        &(specs(), 1..30_usize, any::<bool>()),
        |(specs, size, twice)| {
            let log = log(&specs);
            let mut model = Model::default();
            for (pool, position, fact) in &log {
                let what = model.apply(pool, *position, time(*position), fact);
                *reached.borrow_mut().entry(what).or_default() += 1;
            }
            let mut tables = Tables::default();
            for batch in log.chunks(size) {
                tables.write(batch);
                if twice {
                    tables.write(batch);
                }
            }
            prop_assert_eq!(tables, model.tables());
            Ok(())
        },
    );
    told.unwrap();
    // A test of nothing but contradictions would tell nothing.
    let reached = reached.into_inner();
    for what in [
        "claimed",
        "replaced",
        "bought",
        "released",
        "refunded",
        "extended",
        "voided",
        "contradicted",
    ] {
        let times = reached.get(what).copied().unwrap_or_default();
        assert!(times > CASES / 20, "{what}: {times} of {reached:?}");
    }
}
