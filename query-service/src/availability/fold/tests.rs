mod facts;
mod tickets;

use std::collections::{BTreeMap, VecDeque};

use onsale_shared::{
    event::{EventType, PoolEvent, StopMode, encode},
    id::{EventId, TicketId},
    money::{Amount, Currency, Minor},
    pricing::Pricing,
    time::Timestamp,
};
use proptest::prelude::*;

use super::*;
use crate::pool::{Sale, SaleStatus, tests::cents};
use facts::{
    bought, cancelled, capacity, claimed, created, extended, limits, limits_changed, of_bytes,
    of_ticket, priced, refunded, refused, released, rescheduled, resumed, schedule, stopped,
};

fn id(name: &str) -> PoolId {
    PoolId::parse(name).unwrap()
}

/// A log of events, in order.
#[derive(Default)]
struct Log {
    position: Position,
    versions: BTreeMap<PoolId, Version>,
    /// The tickets that are held and sold, oldest first.
    held: BTreeMap<PoolId, VecDeque<TicketId>>,
    sold: BTreeMap<PoolId, VecDeque<TicketId>>,
}

impl Log {
    /// Records a fact of the ticket that it can be about: a new one is claimed, the oldest that is held is bought or
    /// released.
    fn record(&mut self, pool: &PoolId, fact: &PoolEvent) -> RecordedEvent {
        let held = self.held.entry(pool.clone()).or_default();
        let next = ticket(self.position.get() + 1);
        let sold = self.sold.entry(pool.clone()).or_default();
        let kind = fact.kind();
        let ticket = if [EventType::TicketBought, EventType::TicketReleased].contains(&kind) {
            held.pop_front().unwrap_or(next)
        } else if kind == EventType::TicketRefunded {
            sold.pop_front().unwrap_or(next)
        } else {
            next
        };
        if kind == EventType::TicketClaimed {
            held.push_back(ticket);
        } else if kind == EventType::TicketBought {
            sold.push_back(ticket);
        }
        let fact = of_ticket(fact.clone(), ticket);
        self.record_as_it_is(pool, &fact)
    }

    fn record_as_it_is(&mut self, pool: &PoolId, fact: &PoolEvent) -> RecordedEvent {
        self.position = self.position.next();
        let version = self.versions.entry(pool.clone()).or_default();
        *version = version.next();
        let encoded = encode(fact).unwrap();
        RecordedEvent {
            position: self.position,
            stream: StreamName::of_pool(pool),
            version: *version,
            id: EventId(Default::default()),
            kind: encoded.kind.to_owned(),
            schema: encoded.schema,
            time: Timestamp::from_micros(self.position.get() * 1_000),
            data: encoded.data,
            metadata: "{}".to_owned(),
            recorded_at: Timestamp::default(),
        }
    }
}

fn ticket(number: i64) -> TicketId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    of_bytes(bytes)
}

fn empty() -> Fold {
    Fold::resume(Position::START, [])
}

fn folded(facts: &[PoolEvent]) -> Pool {
    let (mut fold, mut log, pool) = (empty(), Log::default(), id("abc"));
    for fact in facts {
        fold.apply(&log.record(&pool, fact)).unwrap();
    }
    fold.get(&pool).unwrap().as_ref().clone()
}

fn counts(pool: &Pool) -> (u32, u32, u32) {
    let counts = pool.counts;
    (counts.sold(), counts.held(), counts.available())
}

#[test]
fn tickets_move_between_available_held_and_sold() {
    let pool = folded(&[created(3), claimed(), claimed(), claimed()]);
    assert_eq!(counts(&pool), (0, 3, 0));
    let pool = folded(&[created(3), claimed(), claimed(), bought(), released()]);
    assert_eq!(counts(&pool), (1, 0, 2));
    assert_eq!(pool.version.get(), 5);
    assert_eq!(pool.position.get(), 5);
    assert_eq!(pool.create_time, Timestamp::from_micros(1_000));
    assert_eq!(pool.update_time, Timestamp::from_micros(5_000));
    assert!(!pool.corrupted);
}

#[test]
fn a_refund_gives_a_place_back() {
    let pool = folded(&[created(3), claimed(), bought(), refunded()]);
    assert_eq!(counts(&pool), (0, 0, 3));
    assert!(!pool.corrupted);
}

#[test]
fn an_extended_claim_holds_what_it_held_and_a_refused_command_changes_nothing() {
    let before = folded(&[created(3), claimed()]);
    let after = folded(&[created(3), claimed(), extended(), refused()]);
    assert_eq!(counts(&after), counts(&before));
    assert!(!after.corrupted);
}

#[test]
fn sales_stop_and_resume() {
    let finish = StopMode::FinishClaims;
    let void = StopMode::VoidClaims;
    let pool = folded(&[created(3), stopped(finish), stopped(void)]);
    assert_eq!(pool.sale, Sale::Stopped(void));
    let pool = folded(&[created(3), stopped(void), resumed()]);
    assert_eq!(pool.sale_status(pool.update_time), SaleStatus::Open);
    assert!(!pool.corrupted);
}

#[test]
fn a_cancelled_pool_still_takes_tickets_back() {
    let void = StopMode::VoidClaims;
    let sold = [created(3), claimed(), claimed(), bought(), stopped(void)];
    let cancelled = [cancelled(), released(), refunded(), refused()];
    let pool = folded(&[&sold[..], &cancelled].concat());
    assert_eq!(pool.sale, Sale::Cancelled);
    assert_eq!(counts(&pool), (0, 0, 3));
    assert!(!pool.corrupted);
}

#[test]
fn a_capacity_grows_and_shrinks_to_what_is_committed() {
    let pool = folded(&[created(3), claimed(), claimed(), bought(), capacity(2)]);
    assert_eq!(counts(&pool), (1, 1, 0));
    let pool = folded(&[created(3), claimed(), capacity(9)]);
    assert_eq!(counts(&pool), (0, 1, 8));
    assert!(!pool.corrupted);
}

#[test]
fn price_rules_are_replaced_and_numbered() {
    let pool = folded(&[created(3)]);
    assert_eq!(pool.details.unwrap().pricing_version, 1);
    let pool = folded(&[created(3), priced(cents(5_000)), priced(cents(6_000))]);
    let details = pool.details.unwrap();
    assert_eq!(details.pricing, Pricing::fixed(cents(6_000)));
    assert_eq!(details.pricing_version, 3);
}

#[test]
fn times_and_limits_are_replaced_as_a_whole() {
    let facts = [created(3), rescheduled(schedule()), limits_changed()];
    let pool = folded(&facts);
    let details = pool.details.unwrap();
    assert_eq!(details.schedule, schedule());
    assert_eq!(details.limits, limits(7));
    let pool = folded(&[&facts[..], &[rescheduled(Default::default())]].concat());
    assert_eq!(pool.details.unwrap().schedule, Default::default());
}

#[test]
fn what_contradicts_the_pool_marks_it_and_changes_no_count() {
    let void = StopMode::VoidClaims;
    let yen = Amount {
        currency: Currency::parse("JPY").unwrap(),
        minor: Minor::default(),
    };
    let cases = [
        (vec![created(1), claimed(), claimed()], (0, 1, 0)),
        (vec![created(1), bought()], (0, 0, 1)),
        (vec![created(1), released()], (0, 0, 1)),
        (vec![created(1), claimed(), refunded()], (0, 1, 0)),
        (vec![created(1), claimed(), created(9)], (0, 1, 0)),
        (vec![claimed(), created(2), claimed()], (0, 1, 1)),
        (vec![created(2), claimed(), capacity(0)], (0, 1, 1)),
        (vec![created(1), priced(yen)], (0, 0, 1)),
        (vec![created(1), resumed()], (0, 0, 1)),
        (vec![created(1), stopped(void), stopped(void)], (0, 0, 1)),
        (vec![stopped(void)], (0, 0, 0)),
        (vec![cancelled()], (0, 0, 0)),
    ];
    for (facts, expected) in cases {
        let pool = folded(&facts);
        assert!(pool.corrupted, "{facts:?}");
        assert_eq!(counts(&pool), expected, "{facts:?}");
        assert_eq!(pool.version.get(), i64::try_from(facts.len()).unwrap());
    }
}

#[test]
fn nothing_but_giving_back_follows_a_cancellation() {
    let before = [created(3), claimed(), claimed(), bought(), cancelled()];
    let known = folded(&before);
    let forbidden = [
        claimed(),
        extended(),
        bought(),
        stopped(StopMode::FinishClaims),
        resumed(),
        cancelled(),
        capacity(9),
        priced(cents(1)),
        rescheduled(schedule()),
        limits_changed(),
        created(9),
    ];
    for fact in forbidden {
        let pool = folded(&[&before[..], std::slice::from_ref(&fact)].concat());
        assert!(pool.corrupted, "{fact:?}");
        assert_eq!(pool.counts, known.counts, "{fact:?}");
        assert_eq!(pool.details, known.details, "{fact:?}");
        assert_eq!(pool.sale, Sale::Cancelled, "{fact:?}");
    }
}

#[test]
fn a_corruption_is_told_once_and_the_other_pools_go_on() {
    let (mut fold, mut log) = (empty(), Log::default());
    let (bad, good) = (id("bad"), id("good"));
    let mut told = Vec::new();
    for (pool, fact) in [
        (&bad, created(1)),
        (&good, created(1)),
        (&bad, bought()),
        (&bad, bought()),
        (&good, claimed()),
    ] {
        told.extend(
            fold.apply(&log.record(pool, &fact))
                .unwrap()
                .unwrap()
                .corrupted_by,
        );
    }
    assert_eq!(told, [Contradiction::NoneHeld]);
    assert!(!fold.get(&good).unwrap().corrupted);
    assert_eq!(fold.get(&good).unwrap().counts.held(), 1);
}

#[test]
fn a_gap_and_a_repeat_stop_the_fold() {
    let (mut fold, mut log, pool) = (empty(), Log::default(), id("abc"));
    let first = log.record(&pool, &created(3));
    let second = log.record(&pool, &claimed());
    assert!(matches!(fold.apply(&second), Err(FoldError::Gap { .. })));
    fold.apply(&first).unwrap();
    assert!(matches!(fold.apply(&first), Err(FoldError::Gap { .. })));
    assert_eq!(fold.position(), first.position);
    fold.apply(&second).unwrap();
}

#[test]
fn what_cannot_be_read_stops_the_fold_before_it() {
    let (mut fold, mut log, pool) = (empty(), Log::default(), id("abc"));
    fold.apply(&log.record(&pool, &created(3))).unwrap();
    let known = log.record(&pool, &claimed());
    let unknown = RecordedEvent {
        kind: "PoolPaintedGreen".to_owned(),
        ..known.clone()
    };
    let damaged = RecordedEvent {
        data: "[]".to_owned(),
        ..known
    };
    for bad in [unknown, damaged] {
        let stopped = fold.apply(&bad);
        assert!(matches!(stopped, Err(FoldError::Undecodable { .. })));
        assert_eq!(fold.position().get(), 1);
        assert_eq!(fold.get(&pool).unwrap().version.get(), 1);
    }
}

#[test]
fn streams_of_another_kind_are_passed_over() {
    let (mut fold, mut log) = (empty(), Log::default());
    let event = RecordedEvent {
        stream: "shows/x".into(),
        ..log.record(&id("abc"), &created(3))
    };
    assert_eq!(fold.apply(&event).unwrap(), None);
    assert_eq!(fold.position().get(), 1);
}

fn any_fact() -> impl Strategy<Value = PoolEvent> {
    prop_oneof![
        1 => (0_u32..6).prop_map(created),
        6 => Just(claimed()),
        4 => Just(bought()),
        4 => Just(released()),
        1 => Just(stopped(StopMode::FinishClaims)),
        1 => Just(stopped(StopMode::VoidClaims)),
        1 => Just(resumed()),
        2 => Just(refunded()),
        1 => Just(extended()),
        1 => Just(refused()),
        1 => (0_u32..6).prop_map(capacity),
        1 => Just(priced(cents(1))),
        1 => Just(cancelled()),
    ]
}

proptest! {
    /// Whatever the log says, counts sum to the capacity, each pool is where its stream is, and a fold that is taken up
    /// again in the middle ends where one that ran through ends.
    #[test]
    fn counts_always_sum(
        facts in prop::collection::vec((0_usize..3, any_fact()), 1..60),
        cut in 0_usize..60,
    ) {
        let ids = [id("aaa"), id("bbb"), id("ccc")];
        let (mut fold, mut log) = (empty(), Log::default());
        for (at, (pool, fact)) in facts.iter().enumerate() {
            if at == cut {
                let pools: Vec<_> = ids.iter().filter_map(|id| fold.get(id).cloned()).collect();
                fold = Fold::resume(fold.position(), pools);
            }
            let event = log.record(&ids[*pool], fact);
            let before = fold.get(&ids[*pool]).map(|pool| pool.as_ref().clone());
            let applied = fold.apply(&event).unwrap().unwrap();
            let after = fold.get(&ids[*pool]).unwrap();
            let counts = after.counts;
            prop_assert_eq!(counts.sold() + counts.held() + counts.available(), counts.capacity());
            prop_assert_eq!(after.version, event.version);
            prop_assert!(after.corrupted || before.is_none_or(|before| !before.corrupted));
            prop_assert!(applied.corrupted_by.is_none() || after.corrupted);
        }
        prop_assert_eq!(fold.position(), log.position);
    }
}
