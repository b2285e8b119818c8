//! One race a test, its order forced.

use std::sync::Arc;

use onsale_shared::{
    event::{PoolEvent, ReleaseCause, StopMode},
    log::{AppendError, Position, memory::MemoryLog},
};

use tokio::sync::mpsc;

use super::{
    gated_log::GatedLog,
    instance::{Instance, append_foreign, history},
};
use crate::{
    domain::{Rejection, commands::testing::*, partials::Counts},
    pools::Failure,
};

/// A log with a pool of [`CAPACITY`] tickets of which `sold` are sold, and an instance that has it loaded.
pub(super) async fn a_loaded_pool(sold_tickets: u32) -> (GatedLog, Instance, i64) {
    let log = GatedLog::new(MemoryLog::new(minute(1)));
    let events: Vec<_> = [created()].into_iter().chain(sold(sold_tickets)).collect();
    append_foreign(&log.inner, 0, &events).await;
    let instance = Instance::start("a", Arc::new(log.clone()));
    // A refusal loads the pool and changes nothing.
    let refused = instance.call(1, claim(99)).await;
    assert!(
        matches!(
            refused,
            Err(Failure::Rejected(Rejection::OrderLimitExceeded { .. }))
        ),
        "{refused:?}"
    );
    (log, instance, i64::try_from(events.len()).unwrap())
}

pub(super) fn rejected(answer: Result<crate::pools::Answer, Failure>) -> Rejection {
    match answer {
        Err(Failure::Rejected(rejection)) => rejection,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn foreign_events_that_restore_the_expected_version_do_not_restore_the_history() {
    let (log, instance, version) = a_loaded_pool(CAPACITY - 4).await;
    // The first claim, of two events, is on its way; the second is decided on top of it, for the version after it.
    let first = instance.send(10, claim(2));
    log.someone_waits().await;
    let second = instance.send(11, claim(2));
    tokio::task::yield_now().await;
    // Another instance claims three tickets and gives one back... in exactly as many events as the first claim has.
    append_foreign(&log.inner, version, &[claimed(1, 1), claimed(1, 2)]).await;
    log.open();

    // The first is decided again and still fits; the second does not, although the version that it was decided for came.
    first.await.unwrap().expect("two of four are left");
    let counts = Counts {
        capacity: CAPACITY,
        sold: CAPACITY - 4,
        held: 4,
    };
    assert_eq!(
        rejected(second.await.unwrap()),
        Rejection::SoldOutForNow {
            requested: 2,
            counts
        }
    );
    let pool = fold(&history(&log.inner).await);
    assert_eq!(pool.corrupted_at(), None, "nothing was oversold");
    assert_eq!(*pool.stock.counts(), counts);
}

#[tokio::test]
async fn what_was_decided_on_a_batch_is_sent_only_after_it() {
    let (log, instance, version) = a_loaded_pool(0).await;
    let first = instance.send(10, claim(1));
    log.someone_waits().await;
    let second = instance.send(11, claim(1));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        *log.seen.lock().unwrap(),
        [version],
        "one batch of a stream is on its way"
    );
    log.let_one_through();
    assert_eq!(
        first.await.unwrap().unwrap().position,
        Position::new(version + 1)
    );
    log.open();
    assert_eq!(
        second.await.unwrap().unwrap().position,
        Position::new(version + 2)
    );
}

#[tokio::test]
async fn a_refusal_is_not_given_from_a_state_that_missed_a_release() {
    let (log, instance, version) = a_loaded_pool(CAPACITY - 1).await;
    log.open();
    let held = instance.call(10, claim(1)).await.unwrap().claim.unwrap();
    let full = rejected(instance.call(11, claim(1)).await);
    assert!(matches!(full, Rejection::SoldOutForNow { .. }), "{full:?}");
    // Another instance gives the place back; this one has not heard of it.
    let mut back = released(0, 0, ReleaseCause::Customer);
    if let onsale_shared::event::PoolEvent::TicketReleased(released) = &mut back {
        released.claim = held.id;
        released.ticket = held.claim.tickets[0].id;
        released.expire_time = held.claim.expire_time;
    }
    append_foreign(&log.inner, version + 1, &[back]).await;
    instance
        .call(12, claim(1))
        .await
        .expect("the place is free, and nobody is told otherwise");
}

#[tokio::test]
async fn a_repeat_in_flight_gets_the_answer_of_the_first() {
    let (log, instance, _) = a_loaded_pool(CAPACITY - 1).await;
    let first = instance.send(10, purchase(1));
    log.someone_waits().await;
    let repeat = instance.send(10, purchase(1));
    log.open();
    let (first, repeat) = (
        first.await.unwrap().unwrap(),
        repeat.await.unwrap().unwrap(),
    );
    assert_eq!(
        first, repeat,
        "the buyer of the last ticket is never told that it is sold out"
    );
    assert!(first.position.is_some());
}

#[tokio::test]
async fn once_an_outcome_is_unknown_no_refusal_of_the_database_settles_it() {
    let (log, instance, version) = a_loaded_pool(0).await;
    log.open();
    // The first attempt may still be under way in an abandoned backend, whatever is said to the later ones.
    let mut faults = vec![AppendError::OutcomeUnknown("the connection broke".into())];
    faults.extend((0..5).map(|_| AppendError::NotAppended("the disk is full".into())));
    log.faults.lock().unwrap().extend(faults);
    let answer = instance
        .call(10, claim(1))
        .await
        .expect("answered by the attempt that was");
    assert_eq!(answer.position, Position::new(version + 1));
}

#[tokio::test]
async fn what_the_database_refuses_is_told_after_a_few_attempts() {
    let (log, instance, _) = a_loaded_pool(0).await;
    log.open();
    let refused = (0..3).map(|_| AppendError::NotAppended("the disk is full".into()));
    log.faults.lock().unwrap().extend(refused);
    let answer = instance.call(10, claim(1)).await;
    assert_eq!(answer, Err(Failure::DatabaseUnavailable));
    instance
        .call(10, claim(1))
        .await
        .expect("nothing was recorded, so the same id is new");
}

#[tokio::test]
async fn a_stop_does_not_wait_in_the_queue_that_it_should_stop() {
    let log = GatedLog::new(MemoryLog::new(minute(1)));
    append_foreign(&log.inner, 0, &[created()]).await;
    // Batches of one command: all others wait in the mailbox.
    let instance = Instance::start_with_batches("a", Arc::new(log.clone()), 1);
    let on_its_way = instance.send(10, claim(1));
    log.someone_waits().await;
    let in_the_making = instance.send(11, claim(1));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let mut waiting = Vec::new();
    for id in 12..20 {
        waiting.push(instance.send(id, claim(1)));
    }
    let stop = instance.send(20, stop(onsale_shared::event::StopMode::FinishClaims));
    log.open();

    on_its_way
        .await
        .unwrap()
        .expect("sent before the stop came");
    in_the_making
        .await
        .unwrap()
        .expect("decided before the stop came");
    stop.await.unwrap().expect("stopped");
    for late in waiting {
        let refused = rejected(late.await.unwrap());
        assert!(
            matches!(refused, Rejection::SalesStopped { .. }),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn what_is_handed_on_is_what_the_log_has_there() {
    let log = MemoryLog::new(minute(1));
    append_foreign(&log, 0, &[created()]).await;
    let (sender, mut told) = mpsc::channel(10);
    let instance = Instance::telling("a", Arc::new(log.clone()), 500, sender);
    for (id, tickets) in [(1, 2), (2, 1)] {
        instance.call(id, claim(tickets)).await.expect("places");
    }
    // Another instance's event, and a command that is decided under the lock: both are read from the log.
    append_foreign(&log, 4, &[claimed(9, 9)]).await;
    instance.call(3, claim(1)).await.expect("a place");
    let events = history(&log).await;
    let mut handed_on = Vec::new();
    while let Ok(recorded) = told.try_recv() {
        let mut position = recorded.first;
        for event in recorded.events.into_iter().flat_map(|(_, events)| events) {
            // The log has nothing but this pool.
            let index = usize::try_from(position.get() - 1).unwrap();
            assert_eq!(events[index], event);
            handed_on.push(position.get());
            position = position.next();
        }
    }
    assert_eq!(handed_on, [2, 3, 4]);
}

#[tokio::test]
async fn who_is_far_behind_reads_aside_and_not_while_everybody_waits() {
    let (log, instance, version) = a_loaded_pool(0).await;
    let stops = [
        stopped(onsale_shared::event::StopMode::FinishClaims),
        resumed(),
    ];
    let foreign: Vec<_> = stops.into_iter().cycle().take(1_000).collect();
    for thousand in 0..7 {
        append_foreign(&log.inner, version + thousand * 1_000, &foreign).await;
    }
    log.open();
    instance
        .call(10, claim(1))
        .await
        .expect("sales have resumed");
    let read_locked = log.read_locked.lock().unwrap().clone();
    assert_eq!(read_locked, [2_000, 0], "the rest was read in between");
}

/// So many events that change nothing.
fn stops_and_resumes(count: usize) -> Vec<PoolEvent> {
    let stops = [stopped(StopMode::FinishClaims), resumed()];
    stops.into_iter().cycle().take(count).collect()
}

#[tokio::test]
async fn who_never_catches_up_is_told_of_the_contention() {
    let (log, instance, version) = a_loaded_pool(0).await;
    append_foreign(&log.inner, version, &stops_and_resumes(2)).await;
    // Each time that the lock is got, as much has come as is read under it.
    *log.others.lock().unwrap() = stops_and_resumes(2_000);
    log.open();
    let answer = instance.call(10, claim(1)).await;
    assert_eq!(answer.unwrap_err(), Failure::Contention);
    let read_locked = log.read_locked.lock().unwrap().clone();
    assert_eq!(read_locked, [2_000; 3]);
    // Nobody else any more: it is known what there is.
    log.others.lock().unwrap().clear();
    instance
        .call(11, claim(1))
        .await
        .expect("sales have resumed");
}
