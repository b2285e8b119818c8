//! A repeat that is refused, while an earlier attempt is still on its way.

use std::sync::Arc;

use onsale_shared::{
    event::{PoolEvent, ReleaseCause},
    log::memory::MemoryLog,
};

use super::{
    gated_log::GatedLog,
    instance::{Answering, Instance, append_foreign, history},
    races::{a_loaded_pool, rejected},
};
use crate::domain::{Rejection, commands::testing::*};

/// How often an event of this kind is in the log.
async fn count(log: &MemoryLog, kind: &str) -> usize {
    let events = history(log).await;
    let of_kind = events.iter().filter(|event| event.kind().as_str() == kind);
    of_kind.count()
}

/// A claim of the last place waits at the gate of the first instance; its repeat is refused by a second one, which knows
/// that another customer was faster.
async fn refused_elsewhere() -> (GatedLog, Answering, Instance, i64) {
    let (log, first, version) = a_loaded_pool(CAPACITY - 1).await;
    let attempt = first.send(10, claim(1));
    log.someone_waits().await;
    append_foreign(&log.inner, version, &[claimed(1, 1)]).await;
    let second = Instance::start("b", Arc::new(log.inner.clone()));
    let refused = rejected(second.repeat(10, claim(1)).await.unwrap());
    assert!(
        matches!(refused, Rejection::SoldOutForNow { .. }),
        "{refused:?}"
    );
    (log, attempt, second, version + 2)
}

fn already_refused(rejection: &Rejection) -> Option<(&str, i64)> {
    if let Rejection::AlreadyRefused {
        reason, version, ..
    } = rejection
    {
        return Some((reason, version.get()));
    }
    None
}

#[tokio::test]
async fn an_attempt_on_its_way_is_not_recorded_after_its_repeat_was_refused() {
    let (log, attempt, second, version) = refused_elsewhere().await;
    // There is a place again, which the rules would give to the first attempt.
    let back = released(1, 1, ReleaseCause::Customer);
    append_foreign(&log.inner, version, &[back]).await;
    log.open();
    let late = rejected(attempt.await.unwrap());
    assert_eq!(
        already_refused(&late),
        Some(("SOLD_OUT_FOR_NOW", version)),
        "{late:?}"
    );
    let again = rejected(second.repeat(10, claim(1)).await.unwrap());
    assert_eq!(again, late, "and nobody says otherwise");
    assert_eq!(count(&log.inner, "TicketClaimed").await, CAPACITY as usize);
    assert_eq!(count(&log.inner, "CommandRefused").await, 1, "once");
    second
        .call(11, claim(1))
        .await
        .expect("a new command finds the place");
}

#[tokio::test]
async fn who_does_not_say_that_it_is_a_repeat_is_refused_without_a_record() {
    let (log, first, version) = a_loaded_pool(CAPACITY).await;
    let refused = rejected(first.call(10, claim(1)).await);
    assert!(matches!(refused, Rejection::SoldOut { .. }), "{refused:?}");
    let events = history(&log.inner).await;
    assert_eq!(i64::try_from(events.len()).unwrap(), version);
}

#[tokio::test]
async fn a_refusal_that_loses_a_race_is_decided_again() {
    let (log, first, version) = a_loaded_pool(CAPACITY).await;
    let repeat = first.repeat(10, claim(1));
    log.someone_waits().await;
    append_foreign(&log.inner, version, &[capacity_changed(CAPACITY + 1)]).await;
    log.open();
    repeat
        .await
        .unwrap()
        .expect("there is a place when the no could be recorded");
    assert_eq!(count(&log.inner, "CommandRefused").await, 0);
}

#[tokio::test]
async fn a_success_that_is_on_its_way_is_the_repeats_answer() {
    let (log, first, _) = a_loaded_pool(CAPACITY - 1).await;
    let attempt = first.send(10, claim(1));
    log.someone_waits().await;
    let repeat = first.repeat(10, claim(1));
    log.open();
    let (attempt, repeat) = (attempt.await.unwrap(), repeat.await.unwrap());
    assert_eq!(attempt.expect("a place"), repeat.expect("the same place"));
}

/// The caller of one of many gives up while they wait for the batch before theirs.
#[tokio::test]
async fn the_refusal_of_who_gave_up_is_not_recorded() {
    let (log, first, _) = a_loaded_pool(CAPACITY).await;
    let stop = first.send(10, stop(onsale_shared::event::StopMode::FinishClaims));
    log.someone_waits().await;
    let (stage, given_up) = first.submit(11, true, claim(1));
    let patient = first.repeat(12, claim(2));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(stage.abandon(), "it was not sent yet");
    log.open();
    stop.await.unwrap().expect("stopped");
    rejected(patient.await.unwrap());
    assert!(given_up.await.is_err(), "nobody waits");
    let refused = history(&log.inner).await.into_iter();
    let refused = refused.filter(|event| matches!(event, PoolEvent::CommandRefused(_)));
    assert_eq!(refused.count(), 1);
}
