use onsale_shared::event::Schedule;

use super::*;
use crate::pool::{
    Details,
    tests::{details, pool_of},
};

pub(crate) fn at(position: i64) -> Progress {
    Progress {
        position: Position::new(position).unwrap(),
        time: Timestamp::from_micros(position),
    }
}

pub(crate) fn pool(name: &str, position: i64) -> Arc<Pool> {
    let id = PoolId::parse(name).unwrap();
    Arc::new(Pool {
        position: Position::new(position).unwrap(),
        ..Pool::unknown(id, Timestamp::default())
    })
}

fn names(cut: &Cut) -> Vec<&str> {
    cut.pools.iter().map(|pool| pool.id.as_str()).collect()
}

#[test]
fn what_changed_since_a_position_is_one_cut() {
    let hub = Hub::default();
    hub.publish([pool("aaa", 1), pool("bbb", 2), pool("ccc", 3)], at(3));
    hub.publish([pool("aaa", 5)], at(5));
    hub.publish([], at(6));
    let since = |position| hub.changed_since(Position::new(position).unwrap());
    assert_eq!(names(&since(0)), ["bbb", "ccc", "aaa"]);
    assert_eq!(names(&since(2)), ["ccc", "aaa"]);
    assert_eq!(names(&since(5)), [""; 0]);
    assert_eq!(since(0).progress, at(6));
}

#[test]
fn time_goes_back_by_no_page() {
    let hub = Hub::default();
    hub.publish([], at(5));
    let earlier = Progress {
        time: Timestamp::from_micros(1),
        ..at(6)
    };
    hub.publish([], earlier);
    assert_eq!(hub.progress().position.get(), 6);
    assert_eq!(hub.progress().time, Timestamp::from_micros(5));
}

#[test]
fn a_frame_is_encoded_once() {
    let hub = Hub::default();
    hub.publish([pool("aaa", 1)], at(1));
    let subscriber = hub.subscribe(&PoolId::parse("aaa").unwrap()).unwrap();
    let snapshot = subscriber.borrow().clone();
    let first = snapshot.frame(|_| Bytes::from_static(b"first"));
    let second = snapshot.frame(|_| Bytes::from_static(b"second"));
    assert_eq!(
        (first.as_ref(), second.as_ref()),
        (&b"first"[..], &b"first"[..])
    );
}

/// A pool of fixed price that sells from a time on.
fn opening(name: &str, position: i64, micros: i64) -> Arc<Pool> {
    let schedule = Schedule {
        sales_start_time: Some(Timestamp::from_micros(micros)),
        ..Schedule::default()
    };
    let details = Details {
        schedule,
        ..details()
    };
    Arc::new(Pool {
        position: Position::new(position).unwrap(),
        ..pool_of(name, 1, details)
    })
}

fn subscribe(hub: &Hub, name: &str) -> watch::Receiver<Arc<Snapshot>> {
    hub.subscribe(&PoolId::parse(name).unwrap()).unwrap()
}

#[test]
fn a_moment_publishes_a_pool_anew_with_its_own_frame() {
    let hub = Hub::default();
    hub.publish([opening("aaa", 1, 50)], at(1));
    let mut subscriber = subscribe(&hub, "aaa");
    let before = subscriber.borrow_and_update().clone();
    assert_eq!(before.frame(|_| Bytes::from_static(b"closed")), "closed");
    hub.publish([], at(49));
    assert!(!subscriber.has_changed().unwrap());
    hub.publish([], at(50));
    assert!(subscriber.has_changed().unwrap());
    let after = subscriber.borrow_and_update().clone();
    assert_eq!((after.pool.position.get(), after.progress), (1, at(50)));
    assert_eq!(after.frame(|_| Bytes::from_static(b"open")), "open");
    hub.publish([], at(99));
    assert!(!subscriber.has_changed().unwrap());
    // For projections nothing has changed.
    assert_eq!(names(&hub.changed_since(at(1).position)), [""; 0]);
}

#[test]
fn a_pool_whose_moments_are_past_is_left_alone() {
    let hub = Hub::default();
    hub.publish([opening("aaa", 1, 50)], at(60));
    let subscriber = subscribe(&hub, "aaa");
    hub.publish([], at(99));
    assert!(!subscriber.has_changed().unwrap());
}

#[test]
fn only_pools_that_somebody_watches_are_published_anew() {
    let hub = Hub::default();
    hub.publish([opening("aaa", 1, 50), opening("bbb", 2, 50)], at(2));
    drop(subscribe(&hub, "aaa"));
    let snapshot = |name| Arc::clone(&subscribe(&hub, name).borrow());
    let before = [snapshot("aaa"), snapshot("bbb")];
    hub.publish([], at(60));
    let after = [snapshot("aaa"), snapshot("bbb")];
    for (before, after) in before.iter().zip(&after) {
        assert!(Arc::ptr_eq(before, after));
    }
    // Who comes later has missed no moment that is still to come.
    hub.publish([opening("aaa", 61, 70)], at(61));
    let subscriber = subscribe(&hub, "aaa");
    hub.publish([], at(70));
    assert!(subscriber.has_changed().unwrap());
}

#[test]
fn more_pools_than_a_batch_are_all_published_at_one_moment() {
    let hub = Hub::default();
    let names: Vec<_> = (0..=2 * BATCH_POOLS).map(|i| format!("pool-{i}")).collect();
    let pools = (1..)
        .zip(&names)
        .map(|(position, name)| opening(name, position, 9_000));
    hub.publish(pools, at(8_000));
    let subscribers: Vec<_> = names.iter().map(|name| subscribe(&hub, name)).collect();
    assert_eq!(hub.published(), at(8_000));
    hub.publish([], at(9_000));
    let told = subscribers
        .iter()
        .filter(|pool| pool.has_changed().unwrap());
    assert_eq!(told.count(), names.len());
    assert_eq!(hub.published(), at(9_000));
}

/// Time has come to 60, but what opened at 50 is not published yet.
#[test]
fn what_is_still_to_be_published_is_not_promised_and_not_forgotten() {
    let hub = Hub::default();
    hub.publish([opening("aaa", 1, 50)], at(1));
    let first = subscribe(&hub, "aaa");
    hub.write(|memory| memory.take_over([], at(60)));
    assert_eq!(hub.progress().time.as_micros(), 60);
    assert_eq!(hub.published().time.as_micros(), 49);
    let _second = subscribe(&hub, "aaa");
    assert!(!hub.write(Memory::pass_time), "that was all");
    assert!(first.has_changed().unwrap());
    assert_eq!(hub.published().time.as_micros(), 60);
}

/// A table that has the first page, while memory has the third one.
#[test]
fn a_table_that_is_behind_is_complete_until_the_next_page_came() {
    let stood = |position, micros| Progress {
        position: Position::new(position).unwrap(),
        time: Timestamp::from_micros(micros),
    };
    let hub = Hub::default();
    for (position, micros) in [(7, 10), (7, 90), (8, 100), (9, 110)] {
        hub.publish([], stood(position, micros));
    }
    assert_eq!(hub.as_fresh_as(stood(6, 5)), stood(6, 5));
    assert_eq!(hub.as_fresh_as(stood(7, 10)), stood(7, 90));
    assert_eq!(hub.as_fresh_as(stood(8, 100)), stood(8, 100));
    // On an idle log time goes on.
    hub.publish([], stood(9, 500));
    assert_eq!(hub.as_fresh_as(stood(9, 110)), stood(9, 500));
    // A table that has more than memory has all that memory has, and its own time.
    assert_eq!(hub.as_fresh_as(stood(10, 490)), stood(10, 500));
    assert_eq!(hub.as_fresh_as(stood(10, 510)), stood(10, 510));
    for position in 0..1_000 {
        hub.publish([], stood(10 + position, 1_000));
    }
    hub.read(|memory| assert_eq!(memory.course.len(), COURSE_PAGES));
}

/// The log's clock shows 5 s after it had shown 11 s; a pool opens at 10 s.
#[test]
fn time_follows_a_clock_that_was_set_back() {
    const SECOND: i64 = 1_000_000;
    let seconds = |seconds| Timestamp::from_micros(seconds * SECOND);
    let stood = |position, time| Progress {
        position: Position::new(position).unwrap(),
        time: seconds(time),
    };
    let hub = Hub::default();
    hub.publish([opening("aaa", 1, 10 * SECOND)], stood(1, 1));
    let mut subscriber = subscribe(&hub, "aaa");
    hub.publish([opening("bbb", 2, 10 * SECOND)], stood(2, 11));
    subscriber.borrow_and_update();
    assert!(!hub.is_undone(seconds(12)), "another replica may be ahead");
    assert_eq!(hub.as_fresh_as(stood(2, 14)), stood(2, 14));
    // Two looks that met are nothing.
    hub.follow_clock(seconds(10));
    assert_eq!(hub.progress(), stood(2, 11));
    assert!(!subscriber.has_changed().unwrap());

    hub.follow_clock(seconds(5));
    assert_eq!(hub.progress(), stood(2, 5));
    assert_eq!(hub.published(), stood(2, 5));
    let shown = subscriber.borrow_and_update().clone();
    assert_eq!(shown.progress, stood(2, 5), "not yet open");
    let later = subscribe(&hub, "bbb").borrow().progress;
    assert_eq!(later, stood(2, 5), "nor for who comes later");
    assert!(hub.is_undone(seconds(11)) && !hub.is_undone(seconds(5)));
    // Tables know the time of before.
    assert_eq!(hub.as_fresh_as(stood(2, 11)), stood(2, 5));
    assert_eq!(hub.as_fresh_as(stood(1, 11)), stood(1, 5));
    // And again, before it has come to where it was: what it had shown first is still to come.
    hub.follow_clock(seconds(3));
    hub.follow_clock(seconds(6));
    hub.publish([], stood(2, 6));
    assert!(hub.is_undone(seconds(11)) && !hub.is_undone(seconds(6)));
    subscriber.borrow_and_update();
    // And it opens once more.
    hub.publish([], stood(2, 9));
    assert!(!subscriber.has_changed().unwrap());
    hub.publish([], stood(2, 10));
    assert!(subscriber.has_changed().unwrap());
    // Past what it showed before, nothing is undone any more.
    hub.follow_clock(seconds(12));
    hub.publish([], stood(2, 12));
    assert!(!hub.is_undone(seconds(14)));
    assert_eq!(hub.as_fresh_as(stood(2, 14)), stood(2, 14));
}
