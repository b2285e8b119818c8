use std::collections::BTreeMap;

use onsale_shared::{
    event::{
        Pricing, ReleaseCause, SalesResumed, SalesStopped, StopMode, TicketBought, TicketClaimed,
        TicketReleased, encode,
    },
    id::{ClaimId, EventId, TicketId},
    money::{Currency, Minor},
    text::Reference,
    time::Timestamp,
};
use proptest::prelude::*;

use super::*;
use crate::pool::SaleStatus;

fn claim() -> ClaimId {
    ClaimId(EventId(Default::default()).0)
}

fn ticket() -> TicketId {
    TicketId(claim().0)
}

fn created(capacity: u32) -> PoolEvent {
    PoolEvent::PoolCreated(PoolCreated {
        display_name: None,
        promoter: None,
        show: None,
        labels: BTreeMap::new(),
        show_time: None,
        capacity,
        pricing: Pricing {
            currency: Currency::parse("EUR").unwrap(),
            base_price: Minor::new(4_900).unwrap(),
        },
        max_tickets_per_order: 4,
        claim_duration: std::time::Duration::from_secs(600),
    })
}

fn claimed() -> PoolEvent {
    PoolEvent::TicketClaimed(TicketClaimed {
        claim: claim(),
        ticket: ticket(),
        customer: Reference::parse("c").unwrap(),
        unit_price: Minor::default(),
        expire_time: Timestamp::MAX,
        reference: None,
        labels: BTreeMap::new(),
    })
}

fn bought() -> PoolEvent {
    PoolEvent::TicketBought(TicketBought {
        claim: claim(),
        ticket: ticket(),
        customer: Reference::parse("c").unwrap(),
        unit_price: Minor::default(),
        expire_time: Timestamp::MAX,
        payment_reference: None,
    })
}

fn released() -> PoolEvent {
    PoolEvent::TicketReleased(TicketReleased {
        claim: claim(),
        ticket: ticket(),
        cause: ReleaseCause::Customer,
        expire_time: Timestamp::MAX,
    })
}

fn stopped(mode: StopMode) -> PoolEvent {
    PoolEvent::SalesStopped(SalesStopped { mode, reason: None })
}

fn resumed() -> PoolEvent {
    PoolEvent::SalesResumed(SalesResumed { reason: None })
}

fn id(name: &str) -> PoolId {
    PoolId::parse(name).unwrap()
}

/// A log of events, in order.
#[derive(Default)]
struct Log {
    position: Position,
    versions: BTreeMap<PoolId, Version>,
}

impl Log {
    fn record(&mut self, pool: &PoolId, fact: &PoolEvent) -> RecordedEvent {
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
fn sales_stop_and_resume() {
    let mode = StopMode::VoidClaims;
    let pool = folded(&[created(3), stopped(StopMode::FinishClaims), stopped(mode)]);
    assert_eq!(pool.stop, Some(mode));
    let pool = folded(&[created(3), stopped(mode), resumed()]);
    assert_eq!(pool.sale_status(), SaleStatus::Open);
}

#[test]
fn what_contradicts_the_pool_marks_it_and_changes_no_count() {
    let cases = [
        (vec![created(1), claimed(), claimed()], (0, 1, 0)),
        (vec![created(1), bought()], (0, 0, 1)),
        (vec![created(1), released()], (0, 0, 1)),
        (vec![created(1), claimed(), created(9)], (0, 1, 0)),
        (vec![claimed(), created(2), claimed()], (0, 1, 1)),
        (vec![stopped(StopMode::VoidClaims)], (0, 0, 0)),
    ];
    for (facts, expected) in cases {
        let pool = folded(&facts);
        assert!(pool.corrupted, "{facts:?}");
        assert_eq!(counts(&pool), expected, "{facts:?}");
        assert_eq!(pool.version.get(), i64::try_from(facts.len()).unwrap());
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
