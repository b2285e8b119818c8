//! The lock, held over several steps by whoever must not lose another race.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use onsale_shared::log::{EventLog, GroupOutcome, LockedLog, Version};
use onsale_tests::wait::{eventually, within};
use tokio_util::sync::CancellationToken;

use crate::{
    conformance::for_each_engine,
    given::{
        LIMIT, append, appended, fill, ids, ids_of, one, position, read_all, repeated, stale,
        version,
    },
};

for_each_engine! {
    under_the_lock_the_stream_stands_still,
    a_dropped_lock_appends_nothing_and_lets_others_go_on,
    readers_do_not_wait_for_the_lock,
    an_append_under_the_lock_checks_and_repeats_as_any_other,
    writers_on_one_stream_all_get_their_turn,
    the_lock_is_fair,
    a_lock_says_when_it_was_asked_for,
}

async fn lock(log: &dyn EventLog) -> Box<dyn LockedLog> {
    within(LIMIT, "the lock", log.lock()).await.unwrap()
}

async fn under_the_lock_the_stream_stands_still(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/a", 0, 2).await;
    let mut locked = lock(&*log).await;
    let other = {
        let (log, sent) = (Arc::clone(&log), one("pools/a", 2, 1));
        tokio::spawn(async move { append(&*log, &sent).await })
    };
    let stream = "pools/a".into();
    for _ in 0..20 {
        let events = locked.read_stream(&stream, Version::START, 10).await;
        assert_eq!(events.unwrap().len(), 2);
        tokio::task::yield_now().await;
    }
    assert!(!other.is_finished(), "it waits for the lock");

    let mine = one("pools/a", 2, 3);
    let answer = locked.append(&mine).await.unwrap();
    assert_eq!(answer.outcomes, [appended([3])]);
    assert_eq!(answer.head, position(5));
    assert_eq!(other.await.unwrap(), [stale([5])]);
    assert_eq!(ids_of(&read_all(&*log).await[2..]), ids(&mine));
}

async fn a_dropped_lock_appends_nothing_and_lets_others_go_on(log: Arc<dyn EventLog>) {
    let mut locked = lock(&*log).await;
    let stream = "pools/a".into();
    let page = locked.read_stream(&stream, Version::START, 1).await;
    assert_eq!(page.unwrap(), []);
    let other = {
        let log = Arc::clone(&log);
        tokio::spawn(async move { fill(&*log, "pools/a", 0, 1).await })
    };
    drop(locked);
    within(LIMIT, "the other writer", other).await.unwrap();
    assert_eq!(read_all(&*log).await.len(), 1);
    drop(lock(&*log).await);
    fill(&*log, "pools/a", 1, 1).await;
}

async fn readers_do_not_wait_for_the_lock(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/a", 0, 2).await;
    let locked = lock(&*log).await;
    assert_eq!(read_all(&*log).await.len(), 2);
    assert_eq!(log.head().await.unwrap().position, position(2));
    let page = log.read_stream(&"pools/a".into(), version(1), 5).await;
    assert_eq!(page.unwrap().len(), 1);
    drop(locked);
}

async fn an_append_under_the_lock_checks_and_repeats_as_any_other(log: Arc<dyn EventLog>) {
    let sent = one("pools/a", 0, 2);
    append(&*log, &sent).await;
    let answer = lock(&*log).await.append(&sent).await.unwrap();
    assert_eq!(answer.outcomes, [repeated([1])]);
    let late = lock(&*log).await.append(&one("pools/a", 1, 1)).await;
    assert_eq!(late.unwrap().outcomes, [stale([2])]);
    let next = lock(&*log).await.append(&one("pools/a", 2, 1)).await;
    assert_eq!(next.unwrap().outcomes, [appended([3])]);
}

/// Ten that read, decide and append on one stream, each under the lock: none is ever rejected.
async fn writers_on_one_stream_all_get_their_turn(log: Arc<dyn EventLog>) {
    let writers: Vec<_> = (0..10)
        .map(|_| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let stream = "pools/a".into();
                for _ in 0..3 {
                    let mut locked = lock(&*log).await;
                    let events = locked.read_stream(&stream, Version::START, 100).await;
                    let expected = events.unwrap().last().map_or(0, |last| last.version.get());
                    let answer = locked.append(&one("pools/a", expected, 1)).await.unwrap();
                    assert!(matches!(
                        answer.outcomes[..],
                        [GroupOutcome::Appended {
                            repeated: false,
                            ..
                        }]
                    ));
                }
            })
        })
        .collect();
    for writer in writers {
        within(LIMIT, "a writer's turns", writer).await.unwrap();
    }
    assert_eq!(read_all(&*log).await.len(), 30);
}

/// Optimistic writers that never pause cannot keep out one who wants the lock, nor he them.
async fn the_lock_is_fair(log: Arc<dyn EventLog>) {
    let appends = Arc::new(AtomicUsize::new(0));
    let stop = CancellationToken::new();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (log, appends, stop) = (Arc::clone(&log), Arc::clone(&appends), stop.clone());
            tokio::spawn(async move {
                let stream = format!("pools/{writer}");
                for round in 0.. {
                    if stop.is_cancelled() {
                        return;
                    }
                    fill(&*log, &stream, round, 1).await;
                    appends.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for _ in 0..10 {
        let before = appends.load(Ordering::SeqCst);
        // An engine that lets others overtake for ever says at some time that the lock was not to be had.
        drop(lock(&*log).await);
        eventually(LIMIT, "writers after the lock", || async {
            (appends.load(Ordering::SeqCst) > before).then_some(())
        })
        .await;
    }
    stop.cancel();
    for writer in writers {
        within(LIMIT, "a writer", writer).await.unwrap();
    }
}

async fn a_lock_says_when_it_was_asked_for(log: Arc<dyn EventLog>) {
    let before = log.head().await.unwrap().time;
    let first = lock(&*log).await;
    let second = {
        let log = Arc::clone(&log);
        tokio::spawn(async move { lock(&*log).await.asked_at() })
    };
    let between = first.asked_at();
    assert!(before <= between);
    first.release().await.expect("it was held");
    let asked_at = within(LIMIT, "the second lock", second).await.unwrap();
    assert!(between <= asked_at && asked_at <= log.head().await.unwrap().time);
}
