use std::time::Duration;

use onsale_shared::{
    event::PoolEvent,
    event::{
        CapacityChanged, PoolCreated, PoolRescheduled, PricingChanged, Schedule, TicketBought,
        TicketClaimed, encode,
    },
    id::{ClaimId, EventId, TicketId},
    log::{Position, RecordedEvent, StreamName},
    money::Minor,
    pricing::{DemandStep, Interpolation, Pricing, TimeStep},
    text::Reference,
    time::Timestamp,
};

use super::*;
use crate::pool::tests::{cents, details};

const SHOW: i64 = 100_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// A pool's events, one after another.
#[derive(Debug, Default)]
struct Told {
    entries: Vec<Entry>,
    tickets: u128,
}

impl Told {
    fn of(pricing: Pricing, capacity: u32) -> Self {
        let details = details();
        let mut told = Self::default();
        told.event(
            0,
            &PoolEvent::PoolCreated(PoolCreated {
                display_name: None,
                promoter: None,
                show: None,
                labels: details.labels,
                schedule: schedule(SHOW),
                capacity,
                pricing,
                limits: details.limits,
            }),
        );
        told
    }

    fn event(&mut self, seconds: i64, fact: &PoolEvent) -> &mut Self {
        let encoded = encode(fact).unwrap();
        let version = i64::try_from(self.entries.len()).unwrap() + 1;
        self.entries.push(Entry::new(RecordedEvent {
            // Other pools have the positions between.
            position: Position::new(version * 10).unwrap(),
            stream: StreamName::from("pools/abc"),
            version: Version::new(version).unwrap(),
            id: id(version),
            kind: encoded.kind.to_owned(),
            schema: encoded.schema,
            time: at(seconds),
            data: encoded.data,
            metadata: "{}".to_owned(),
            recorded_at: at(seconds),
        }));
        self
    }

    /// Claims and buys a ticket.
    fn sale(&mut self, seconds: i64) -> &mut Self {
        self.tickets += 1;
        let (claim, ticket) = (ClaimId(uuid(1)), TicketId(uuid(self.tickets)));
        let customer: Reference = serde_json::from_str("\"c\"").unwrap();
        let unit_price = Minor::default();
        let expire_time = at(seconds);
        let claimed = TicketClaimed {
            claim,
            ticket,
            customer: customer.clone(),
            unit_price,
            pricing_version: 1,
            expire_time,
            reference: None,
            labels: std::collections::BTreeMap::new(),
            replaces: None,
            granted: false,
        };
        let bought = TicketBought {
            claim,
            ticket,
            customer,
            unit_price,
            expire_time,
            payment_reference: None,
            granted: false,
            reason: None,
        };
        self.event(seconds, &PoolEvent::TicketClaimed(claimed));
        self.event(seconds, &PoolEvent::TicketBought(bought))
    }

    /// What a projector without memory writes of these in one batch.
    fn written(&self) -> Written {
        let mut projector = HistoryProjector::default();
        let entries: Vec<_> = self.entries.iter().collect();
        projector.fold(&entries).unwrap()
    }

    /// Moment, cause, old and new price of each change.
    fn prices(&self) -> Vec<(i64, Cause, i64, i64)> {
        self.written().prices.iter().map(short).collect()
    }
}

fn short(change: &PriceChange) -> (i64, Cause, i64, i64) {
    (
        change.time.as_micros() / 1_000_000,
        change.cause,
        change.old.map_or(-1, Minor::get),
        change.new.get(),
    )
}

fn uuid(number: u128) -> sqlx::types::Uuid {
    sqlx::types::Uuid::from_u128(number)
}

fn id(version: i64) -> EventId {
    EventId(uuid(version.unsigned_abs().into()))
}

fn schedule(show: i64) -> Schedule {
    Schedule {
        show_time: Some(at(show)),
        ..Schedule::default()
    }
}

/// 100.00, half as much more from half on; a tenth less from 1,000 s before the show, a fifth less from 100 s.
fn steps() -> Pricing {
    let time = |before, change_basis_points| TimeStep {
        before_show: Duration::from_secs(before),
        change_basis_points,
    };
    Pricing {
        demand_steps: vec![DemandStep {
            sold_percent: 50,
            change_basis_points: 5_000,
        }],
        time_steps: vec![time(1_000, -1_000), time(100, -2_000)],
        ..Pricing::fixed(cents(10_000))
    }
}

#[test]
fn each_change_has_its_cause_and_its_event() {
    let mut told = Told::of(Pricing::fixed(cents(10_000)), 4);
    told.sale(1)
        .event(
            2,
            &PoolEvent::PricingChanged(PricingChanged { pricing: steps() }),
        )
        .sale(3)
        .event(
            4,
            &PoolEvent::CapacityChanged(CapacityChanged { capacity: 8 }),
        )
        .event(
            5,
            &PoolEvent::PoolRescheduled(PoolRescheduled {
                schedule: schedule(500),
            }),
        );
    let written = told.written();
    let changes: Vec<_> = written.prices.iter().map(short).collect();
    assert_eq!(
        changes,
        [
            (0, Cause::Created, -1, 10_000),
            // The new rule costs the same, until half is sold.
            (3, Cause::Demand, 10_000, 15_000),
            (4, Cause::CapacityChanged, 15_000, 10_000),
            (5, Cause::Rescheduled, 10_000, 9_000),
        ]
    );
    let versions: Vec<_> = written.prices.iter().map(|c| c.version.get()).collect();
    assert_eq!(versions, [1, 6, 7, 8]);
    for change in &written.prices {
        assert_eq!(change.event, Some(id(change.version.get())));
        assert_eq!(change.position.get(), change.version.get() * 10);
    }
    assert_eq!((written.prices[1].sold, written.prices[1].held), (2, 0));
}

#[test]
fn a_new_rule_is_the_cause_of_its_price() {
    let mut told = Told::of(Pricing::fixed(cents(10_000)), 4);
    let pricing = Pricing::fixed(cents(9_999));
    told.event(1, &PoolEvent::PricingChanged(PricingChanged { pricing }));
    assert_eq!(
        told.prices()[1..],
        [(1, Cause::PricingChanged, 10_000, 9_999)]
    );
}

#[test]
fn what_time_changes_between_two_events_is_told_at_its_moment_and_in_front_of_the_second() {
    let mut told = Told::of(steps(), 2);
    told.sale(SHOW - 2_000).sale(SHOW - 50);
    let written = told.written();
    let changes: Vec<_> = written.prices.iter().map(short).collect();
    assert_eq!(
        changes,
        [
            (0, Cause::Created, -1, 10_000),
            (SHOW - 2_000, Cause::Demand, 10_000, 15_000),
            (SHOW - 1_000, Cause::Time, 15_000, 14_000),
            (SHOW - 100, Cause::Time, 14_000, 13_000),
        ]
    );
    // Both follow the last event before them.
    let places: Vec<_> = written.prices[1..]
        .iter()
        .map(|change| (change.position.get(), change.ordinal, change.event))
        .collect();
    assert_eq!(places, [(30, 0, Some(id(3))), (30, 1, None), (30, 2, None)]);
}

#[test]
fn the_moment_of_a_step_belongs_to_the_new_price() {
    for (seconds, changes) in [(SHOW - 1_001, 0), (SHOW - 1_000, 1), (SHOW - 100, 2)] {
        let mut told = Told::of(steps(), 100);
        told.sale(seconds);
        assert_eq!(told.prices().len(), 1 + changes, "{seconds}");
    }
}

#[test]
fn a_reader_is_told_before_the_next_event_what_will_be_written_with_it() {
    let mut told = Told::of(steps(), 100);
    told.sale(SHOW - 5_000);
    let mut projector = HistoryProjector::default();
    projector
        .fold(&told.entries.iter().collect::<Vec<_>>())
        .unwrap();
    let pool = projector.pools.values().next().unwrap().pool.clone();
    let read = changes_by_time(&pool, at(SHOW - 100));
    assert_eq!(read.len(), 2);
    assert_eq!(changes_by_time(&pool, at(SHOW - 101)), read[..1]);
    assert_eq!(changes_by_time(&pool, at(SHOW * 2)), read);
    told.sale(SHOW);
    let written = told.written().prices;
    assert_eq!(written[written.len() - 2..], read);
}

#[test]
fn a_linear_price_is_looked_at_when_something_happens() {
    let pricing = Pricing {
        interpolation: Interpolation::Linear,
        demand_steps: Vec::new(),
        ..steps()
    };
    let mut told = Told::of(pricing, 100);
    told.sale(SHOW - 1_000).sale(SHOW - 550).sale(SHOW - 550);
    assert_eq!(
        told.prices(),
        [
            (0, Cause::Created, -1, 10_000),
            (SHOW - 1_000, Cause::Time, 10_000, 9_000),
            (SHOW - 550, Cause::Time, 9_000, 8_500),
        ]
    );
    let mut projector = HistoryProjector::default();
    projector
        .fold(&told.entries.iter().collect::<Vec<_>>())
        .unwrap();
    let pool = &projector.pools.values().next().unwrap().pool;
    assert_eq!(changes_by_time(pool, at(SHOW)), []);
}

#[test]
fn a_price_that_nothing_moves_is_logged_once() {
    let mut told = Told::of(Pricing::fixed(cents(10_000)), 100);
    for seconds in 1..50 {
        told.sale(seconds);
    }
    assert_eq!(told.prices(), [(0, Cause::Created, -1, 10_000)]);
}

#[test]
fn a_pool_is_kept_at_its_first_version_and_at_every_thousandth() {
    let mut told = Told::of(Pricing::fixed(cents(1)), 2_000);
    for seconds in 1..=1_250 {
        told.sale(seconds);
    }
    let kept: Vec<_> = told
        .written()
        .kept
        .iter()
        .map(|pool| pool.version.get())
        .collect();
    assert_eq!(kept, [1, 1_000, 2_000]);
}

#[test]
fn how_entries_are_batched_changes_nothing() {
    let mut told = Told::of(steps(), 20);
    for seconds in 0..20 {
        told.sale(SHOW - 1_200 + seconds * 60);
    }
    let whole = told.written();
    for size in [1, 2, 7] {
        let (mut kept, mut prices) = (Vec::new(), Vec::new());
        let mut newest = None;
        for entries in told.entries.chunks(size) {
            // Nobody remembers more than the table says.
            let mut projector = HistoryProjector::default();
            if let Some(pool) = newest.take() {
                projector.remember(pool);
            }
            let written = projector.fold(&entries.iter().collect::<Vec<_>>()).unwrap();
            newest = projector.pools.into_values().next().map(|known| known.pool);
            assert_eq!(written.changed.len(), 1);
            kept.extend(written.kept);
            prices.extend(written.prices);
        }
        assert_eq!((&kept, &prices), (&whole.kept, &whole.prices), "{size}");
    }
}

#[test]
fn an_event_that_is_not_the_next_one_of_its_pool_blocks() {
    let mut told = Told::of(steps(), 20);
    told.sale(1);
    let blocked = HistoryProjector::default()
        .fold(&[&told.entries[1]])
        .unwrap_err();
    assert_eq!(blocked.position, told.entries[1].event.position);
}
