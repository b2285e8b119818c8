//! What time alone changes. The log's time moves when memory looks at the log, whether or not it finds an event.

use onsale_shared::{
    event::Schedule,
    pricing::{Pricing, TimeStep},
};

use super::*;
use crate::pool::{
    Details, SaleStatus,
    tests::{cents, details, pool_of},
};

fn second(number: i64) -> Timestamp {
    Timestamp::from_micros(number * 1_000_000)
}

/// Pool `aaa` sells from second 10 to second 20; the price of `bbb` falls at second 40.
struct Timed {
    scene: Scene,
    position: Position,
}

impl Timed {
    /// The log is at second 0.
    fn new() -> Self {
        let window = Schedule {
            sales_start_time: Some(second(10)),
            sales_end_time: Some(second(20)),
            ..Schedule::default()
        };
        let pricing = Pricing {
            time_steps: vec![TimeStep {
                before_show: Duration::from_secs(60),
                change_basis_points: -1_000,
            }],
            ..Pricing::fixed(cents(5_000))
        };
        let show = Schedule {
            show_time: Some(second(100)),
            ..Schedule::default()
        };
        let windowed = Details {
            schedule: window,
            ..details()
        };
        let stepped = Details {
            schedule: show,
            pricing,
            ..details()
        };
        let timed = Self {
            scene: Scene {
                hub: Arc::new(Hub::default()),
                stop: CancellationToken::new(),
                readiness: readiness::starting(),
            },
            position: at(2).position,
        };
        timed.publish("aaa", 1, windowed, 0);
        timed.publish("bbb", 2, stepped, 0);
        timed
    }

    /// An event at `position`, found at a second of the log.
    fn publish(&self, name: &str, position: i64, details: Details, seconds: i64) {
        let pool = Pool {
            position: at(position).position,
            ..pool_of(name, 3, details)
        };
        let progress = Progress {
            position: at(position).position,
            time: second(seconds),
        };
        self.scene.hub.publish([Arc::new(pool)], progress);
    }

    /// The log is looked at, and nothing is found.
    fn look(&self, time: Timestamp) {
        let progress = Progress {
            position: self.position,
            time,
        };
        self.scene.hub.publish([], progress);
    }

    /// A stream that has had its first round at `now`.
    fn watch(&self, now: Instant) -> Watch {
        let mut watch = self.scene.watch(None);
        first_round(&mut watch, now);
        watch
    }

    /// A stream of who has seen everything up to a second.
    fn resume(&self, seconds: i64) -> Watch {
        let seen = Progress {
            position: self.position,
            time: second(seconds),
        };
        self.scene.watch_since(Some(seen))
    }
}

/// What a frame says: the pool, its status, its price in cents.
type Said = (String, SaleStatus, i64);

fn said(delivery: &Delivery) -> Said {
    let Delivery::State { snapshot, .. } = delivery else {
        panic!("a sign of life: {delivery:?}");
    };
    let pool = &snapshot.pool;
    let moment = pool.moment(snapshot.progress.time);
    let price = pool.unit_price(moment).unwrap().minor.get();
    (pool.id.to_string(), pool.sale_status(moment), price)
}

/// What is sent at `now`; none if the stream waits.
fn frame(watch: &mut Watch, now: Instant) -> Option<Said> {
    match watch.step(now) {
        Step::Send(delivery) => Some(said(&delivery)),
        Step::Wait { .. } => None,
    }
}

fn of(name: &str, status: SaleStatus, price: i64) -> Option<Said> {
    Some((name.to_owned(), status, price))
}

#[test]
fn a_sale_opens_and_ends_and_a_price_falls_at_their_moments() {
    let (timed, start) = (Timed::new(), Instant::now());
    let mut watch = timed.watch(start);
    let mut now = start;
    let mut sent_at = |micros| {
        now += INTERVAL;
        timed.look(Timestamp::from_micros(micros));
        let sent = frame(&mut watch, now);
        assert_eq!(frame(&mut watch, now), None, "one frame");
        sent
    };
    assert_eq!(sent_at(5_000_000), None);
    assert_eq!(sent_at(9_999_999), None);
    assert_eq!(sent_at(10_000_000), of("aaa", SaleStatus::Open, 4_900));
    assert_eq!(sent_at(19_000_000), None);
    assert_eq!(sent_at(20_070_000), of("aaa", SaleStatus::Ended, 4_900));
    assert_eq!(sent_at(39_999_999), None);
    assert_eq!(sent_at(40_000_000), of("bbb", SaleStatus::Open, 4_500));
    assert_eq!(sent_at(99_000_000), None);
}

#[test]
fn all_streams_get_the_same_state_of_a_moment() {
    let (timed, start) = (Timed::new(), Instant::now());
    let mut watches = [timed.watch(start), timed.watch(start)];
    timed.look(second(10));
    let states = watches.each_mut().map(|watch| {
        let step = watch.step(start + INTERVAL * 2);
        let Step::Send(Delivery::State {
            snapshot, as_of, ..
        }) = step
        else {
            panic!("{step:?}");
        };
        assert_eq!(as_of, None, "shared");
        snapshot
    });
    assert!(Arc::ptr_eq(&states[0], &states[1]));
}

#[test]
fn moments_within_the_interval_are_one_frame() {
    let (timed, start) = (Timed::new(), Instant::now());
    let mut watch = timed.watch(start);
    timed.look(second(10));
    timed.look(second(20));
    let sent = frame(&mut watch, start + INTERVAL * 2);
    assert_eq!(sent, of("aaa", SaleStatus::Ended, 4_900));
    assert_eq!(frame(&mut watch, start + INTERVAL * 4), None);
}

#[test]
fn a_moment_that_was_moved_is_none() {
    let (mut timed, start) = (Timed::new(), Instant::now());
    let mut watch = timed.watch(start);
    timed.position = at(3).position;
    timed.publish("aaa", 3, details(), 5);
    let moved = frame(&mut watch, start + INTERVAL * 2);
    assert_eq!(moved, of("aaa", SaleStatus::Open, 4_900));
    timed.look(second(20));
    assert_eq!(frame(&mut watch, start + INTERVAL * 4), None);
}

#[test]
fn who_goes_on_after_a_moment_is_told_what_it_changed() {
    let (timed, now) = (Timed::new(), Instant::now());
    timed.look(second(12));
    let mut missed = timed.resume(9);
    assert_eq!(sent(&mut missed, now), Some(state("aaa", 1, Some(2))));
    assert_eq!(sent(&mut missed, now), None);
    let mut level = timed.resume(10);
    let now = Instant::now();
    assert_eq!(sent(&mut level, now), Some(heartbeat(2)));
    timed.look(second(20));
    let sent = frame(&mut level, now + INTERVAL);
    assert_eq!(sent, of("aaa", SaleStatus::Ended, 4_900));
}

#[tokio::test]
async fn a_waiting_stream_wakes_for_a_moment() {
    let timed = Timed::new();
    let mut watch = timed.scene.watch(None);
    for _ in 0..2 {
        watch.next().await.unwrap();
    }
    let woken = while_waiting(&mut watch, || timed.look(second(10))).await;
    let expected = of("aaa", SaleStatus::Open, 4_900);
    assert_eq!(Some(said(&woken.unwrap())), expected);
}
