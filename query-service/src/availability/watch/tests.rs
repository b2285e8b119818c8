mod timed;

use onsale_shared::id::PoolId;
use tokio::{sync::watch::Sender, time::timeout};

use super::*;
use crate::{
    availability::hub::tests::{at, pool},
    pool::Pool,
    readiness,
};

const INTERVAL: Duration = Duration::from_millis(100);
const HEARTBEAT: Duration = Duration::from_secs(15);

struct Scene {
    hub: Arc<Hub>,
    stop: CancellationToken,
    readiness: Sender<Readiness>,
}

impl Scene {
    /// Pools `aaa` and `bbb`, changed at positions 1 and 2; the log is at 2.
    fn new() -> Self {
        let hub = Arc::new(Hub::default());
        hub.publish([pool("aaa", 1), pool("bbb", 2)], at(2));
        Self {
            hub,
            stop: CancellationToken::new(),
            readiness: readiness::starting(),
        }
    }

    fn watch(&self, seen: Option<i64>) -> Watch {
        self.watch_since(seen.map(at))
    }

    fn watch_since(&self, seen: Option<Progress>) -> Watch {
        let receiver = |name| self.hub.subscribe(&PoolId::parse(name).unwrap()).unwrap();
        let pace = Pace {
            min_interval: INTERVAL,
            heartbeat_interval: HEARTBEAT,
        };
        let endings = Endings {
            stop: self.stop.clone(),
            readiness: self.readiness.subscribe(),
        };
        let pools = vec![receiver("aaa"), receiver("bbb")];
        Watch::new(Arc::clone(&self.hub), pools, pace, endings, seen)
    }
}

/// A delivery in short: the pool, its position, up to where all is delivered.
type Short = (String, i64, Option<i64>);

fn short(delivery: Delivery) -> Short {
    match delivery {
        Delivery::State {
            snapshot,
            delivered,
            ..
        } => {
            let pool = &snapshot.pool;
            let delivered = delivered.map(|delivered| delivered.position.get());
            (pool.id.to_string(), pool.position.get(), delivered)
        }
        Delivery::Heartbeat { delivered, .. } => (String::new(), 0, Some(delivered.position.get())),
    }
}

fn state(name: &str, position: i64, delivered: Option<i64>) -> Short {
    (name.to_owned(), position, delivered)
}

fn heartbeat(delivered: i64) -> Short {
    state("", 0, Some(delivered))
}

/// What is sent at `now`; none if the stream waits.
fn sent(watch: &mut Watch, now: Instant) -> Option<Short> {
    match watch.step(now) {
        Step::Send(delivery) => Some(short(delivery)),
        Step::Wait { .. } => None,
    }
}

fn first_round(watch: &mut Watch, now: Instant) {
    assert_eq!(sent(watch, now), Some(state("aaa", 1, None)));
    assert_eq!(sent(watch, now), Some(state("bbb", 2, Some(2))));
    assert_eq!(sent(watch, now), None);
}

#[test]
fn first_comes_the_state_of_every_pool_then_the_first_change_at_once() {
    let (scene, start) = (Scene::new(), Instant::now());
    let mut watch = scene.watch(None);
    first_round(&mut watch, start);
    scene.hub.publish([pool("bbb", 3)], at(4));
    let later = start + INTERVAL * 2;
    assert_eq!(sent(&mut watch, later), Some(state("bbb", 3, Some(4))));
    assert_eq!(sent(&mut watch, later), None);
}

#[test]
fn changes_within_the_interval_are_one_round_of_the_newest_states() {
    let (scene, start) = (Scene::new(), Instant::now());
    let mut watch = scene.watch(None);
    first_round(&mut watch, start);
    scene.hub.publish([pool("bbb", 3)], at(3));
    let began = start + INTERVAL * 2;
    assert_eq!(sent(&mut watch, began), Some(state("bbb", 3, Some(3))));
    for position in 4..9 {
        scene.hub.publish([pool("aaa", position)], at(position));
        let until = began + INTERVAL;
        match watch.step(until - Duration::from_millis(1)) {
            Step::Wait { until: actual, .. } => assert_eq!(actual, until),
            Step::Send(delivery) => panic!("too early: {delivery:?}"),
        }
    }
    scene.hub.publish([pool("bbb", 9)], at(9));
    let next = began + INTERVAL;
    assert_eq!(sent(&mut watch, next), Some(state("aaa", 8, None)));
    assert_eq!(sent(&mut watch, next), Some(state("bbb", 9, Some(9))));
}

#[test]
fn a_slow_reader_gets_what_is_newest_when_it_reads() {
    let (scene, start) = (Scene::new(), Instant::now());
    let mut watch = scene.watch(None);
    assert_eq!(sent(&mut watch, start), Some(state("aaa", 1, None)));
    scene.hub.publish([pool("bbb", 3)], at(3));
    let later = start + INTERVAL * 9;
    // The round began at 2: aaa might have changed since, so no more is promised.
    assert_eq!(sent(&mut watch, later), Some(state("bbb", 3, Some(2))));
    // What was sent is not sent again.
    assert_eq!(sent(&mut watch, later), None);
    scene.hub.publish([pool("aaa", 4)], at(4));
    assert_eq!(sent(&mut watch, later), Some(state("aaa", 4, Some(4))));
}

#[test]
fn an_idle_stream_shows_signs_of_life_that_move_on() {
    let (scene, start) = (Scene::new(), Instant::now());
    let mut watch = scene.watch(None);
    first_round(&mut watch, start);
    scene.hub.publish([], at(7));
    assert_eq!(sent(&mut watch, start + HEARTBEAT / 2), None);
    let beat = start + HEARTBEAT;
    assert_eq!(sent(&mut watch, beat), Some(heartbeat(7)));
    assert_eq!(sent(&mut watch, beat), None);
    assert_eq!(sent(&mut watch, beat + HEARTBEAT), Some(heartbeat(7)));
    // The first change after it goes at once.
    scene.hub.publish([pool("aaa", 8)], at(8));
    let next = sent(&mut watch, beat + HEARTBEAT);
    assert_eq!(next, Some(state("aaa", 8, Some(8))));
}

#[test]
fn a_sign_of_life_promises_nothing_that_is_still_to_be_sent() {
    let (scene, start) = (Scene::new(), Instant::now());
    let mut watch = scene.watch(None);
    watch.pace.min_interval = HEARTBEAT * 3;
    watch.next_round = start + HEARTBEAT * 3;
    first_round(&mut watch, start);
    scene.hub.publish([pool("aaa", 5)], at(5));
    assert_eq!(sent(&mut watch, start + HEARTBEAT), Some(heartbeat(2)));
}

#[test]
fn who_goes_on_gets_only_what_changed_since() {
    let (scene, start) = (Scene::new(), Instant::now());
    scene.hub.publish([pool("aaa", 5)], at(6));
    let mut behind = scene.watch(Some(2));
    assert_eq!(sent(&mut behind, start), Some(state("aaa", 5, Some(6))));
    let mut level = scene.watch(Some(6));
    let now = Instant::now();
    assert_eq!(sent(&mut level, now), Some(heartbeat(6)), "at once");
    assert_eq!(sent(&mut level, now), None);
    scene.hub.publish([pool("bbb", 7)], at(7));
    let next = sent(&mut level, now + INTERVAL);
    assert_eq!(next, Some(state("bbb", 7, Some(7))));
}

#[test]
fn what_a_stream_includes_never_goes_back() {
    let (scene, mut now) = (Scene::new(), Instant::now());
    let mut watch = scene.watch(None);
    let mut last = Position::START;
    for position in 3..40 {
        now += INTERVAL / 3;
        let name = if position % 3 == 0 { "aaa" } else { "bbb" };
        scene.hub.publish([pool(name, position)], at(position));
        if let Step::Send(Delivery::State { included, .. } | Delivery::Heartbeat { included, .. }) =
            watch.step(now)
        {
            assert!(included >= last, "{included} after {last}");
            last = included;
        }
    }
    assert!(last.get() > 30);
}

#[tokio::test]
async fn a_waiting_stream_wakes_for_a_change_and_for_its_end() {
    let scene = Scene::new();
    let mut watch = scene.watch(None);
    for _ in 0..2 {
        watch.next().await.unwrap();
    }
    let woken = while_waiting(&mut watch, || scene.hub.publish([pool("bbb", 3)], at(3))).await;
    assert_eq!(short(woken.unwrap()), state("bbb", 3, Some(3)));
    let ended = while_waiting(&mut watch, || {
        scene.readiness.send_replace(Readiness::Stopped);
    })
    .await;
    assert_eq!(ended.unwrap_err(), Ending::Stopped);
    let scene = Scene::new();
    let mut watch = scene.watch(Some(2));
    watch.next().await.unwrap();
    let ended = while_waiting(&mut watch, || scene.stop.cancel()).await;
    assert_eq!(ended.unwrap_err(), Ending::Draining);
}

/// Does something once the stream has begun to wait; without an answer, the test hangs no longer than 5 s.
async fn while_waiting(watch: &mut Watch, act: impl FnOnce()) -> Result<Delivery, Ending> {
    let act = async {
        tokio::task::yield_now().await;
        act();
    };
    let next = timeout(Duration::from_secs(5), watch.next());
    // Polled in this order: the stream waits before anything is done.
    let (next, ()) = tokio::join!(biased; next, act);
    next.expect("the stream was not woken")
}
