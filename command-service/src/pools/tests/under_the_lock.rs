//! What goes wrong while the log's lock is held, or is believed to be.

use onsale_shared::{
    event::ReleaseCause,
    log::{AppendError, Position},
};

use super::{
    gated_log::LockFault,
    instance::{append_foreign, history},
    races::{a_loaded_pool, rejected},
};
use crate::{
    domain::{Rejection, commands::testing::*},
    pools::committer::CommitLimits,
};

#[tokio::test]
async fn an_unknown_outcome_under_the_lock_is_known_only_by_an_answer() {
    let (log, instance, version) = a_loaded_pool(0).await;
    let order = instance.send(10, claim(1));
    log.someone_waits().await;
    // The race is lost, so the next append is under the lock, and its answer is lost. Then PostgreSQL starts anew.
    append_foreign(&log.inner, version, &[claimed(1, 1)]).await;
    let faults = &log.lock_faults;
    faults.lock().unwrap().push_back(LockFault::Unanswered);
    log.one_passes().await;
    for _ in 0..CommitLimits::default().attempts {
        let starting = AppendError::NotAppended("the database system is starting up".into());
        log.faults.lock().unwrap().push_back(starting);
        log.one_passes().await;
    }
    log.open();
    let answer = order.await.unwrap().expect("it is recorded");
    assert_eq!(answer.position, Position::new(version + 2));
    let recorded = i64::try_from(history(&log.inner).await.len()).unwrap();
    assert_eq!(recorded, version + 2);
}

#[tokio::test]
async fn who_comes_after_the_lock_was_lost_is_not_refused_by_what_was_read_under_it() {
    let (log, instance, version) = a_loaded_pool(CAPACITY - 2).await;
    let first = instance.send(10, claim(1));
    log.someone_waits().await;
    // The race is lost to somebody who takes both places, and gives them back when the lock is lost.
    let taken = [claimed(1, 1), claimed(1, 2)];
    let given_back = [1, 2].map(|n| released(1, n, ReleaseCause::Customer));
    append_foreign(&log.inner, version, &taken).await;
    let faults = &log.lock_faults;
    faults
        .lock()
        .unwrap()
        .push_back(LockFault::Lost(given_back.into()));
    log.one_passes().await;
    log.someone_waits().await;
    let second = instance.send(11, claim(1));
    log.open();
    for order in [first, second] {
        order.await.unwrap().expect("both places are free");
    }
    // With the lock in hand a refusal needs nothing else.
    let full = rejected(instance.call(12, claim(1)).await);
    assert!(matches!(full, Rejection::SoldOutForNow { .. }), "{full:?}");
}
