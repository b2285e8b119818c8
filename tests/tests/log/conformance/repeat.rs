//! The same batch again is answered as the first time, and nothing is doubled.

use std::sync::Arc;

use onsale_shared::log::{EventLog, Group};

use crate::{
    conformance::for_each_engine,
    given::{
        append, appended, batch, fill, group, ids, ids_of, one, read_all, repeated, stale, write,
    },
};

for_each_engine! {
    the_same_batch_again_is_a_repeat,
    a_repeat_is_known_after_further_events,
    a_repeat_of_a_mixed_batch_appends_nothing,
    another_batch_for_the_same_version_is_stale,
    a_repeat_is_known_by_its_event_and_not_by_its_version,
    a_rejected_group_stays_rejected,
    many_that_send_the_same_batch_append_it_once,
}

async fn the_same_batch_again_is_a_repeat(log: Arc<dyn EventLog>) {
    let across = Group {
        writes: vec![write("pools/b", 0, 2), write("pools/c", 0, 3)],
    };
    let sent = batch([group("pools/a", 0, 2), across]);
    assert_eq!(
        append(&*log, &sent).await,
        [appended([1]), appended([3, 5])]
    );
    for _ in 0..2 {
        let answer = log.append(&sent).await.unwrap();
        assert_eq!(answer.outcomes, [repeated([1]), repeated([3, 5])]);
        assert_eq!(answer.head.get(), 7);
    }
    assert_eq!(ids_of(&read_all(&*log).await), ids(&sent));
}

async fn a_repeat_is_known_after_further_events(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/a", 0, 1).await;
    let sent = one("pools/a", 1, 2);
    assert_eq!(append(&*log, &sent).await, [appended([2])]);
    fill(&*log, "pools/a", 3, 4).await;
    assert_eq!(append(&*log, &sent).await, [repeated([2])]);
    assert_eq!(read_all(&*log).await.len(), 7);
}

async fn a_repeat_of_a_mixed_batch_appends_nothing(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/moved", 0, 1).await;
    let sent = batch([
        group("pools/moved", 0, 1),
        group("pools/a", 0, 1),
        group("pools/b", 0, 1),
    ]);
    assert_eq!(
        append(&*log, &sent).await,
        [stale([1]), appended([2]), appended([3])]
    );
    fill(&*log, "pools/b", 1, 1).await;
    assert_eq!(
        append(&*log, &sent).await,
        [stale([1]), repeated([2]), repeated([3])]
    );

    // Repeats, stale groups and new ones in one batch.
    let mut groups = sent.groups().to_vec();
    groups.insert(1, group("pools/new", 0, 2));
    assert_eq!(
        append(&*log, &batch(groups)).await,
        [stale([1]), appended([5]), repeated([2]), repeated([3])]
    );
    assert_eq!(read_all(&*log).await.len(), 6);
}

async fn another_batch_for_the_same_version_is_stale(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/a", 0, 2).await;
    assert_eq!(append(&*log, &one("pools/a", 0, 2)).await, [stale([2])]);
    assert_eq!(append(&*log, &one("pools/a", 1, 1)).await, [stale([2])]);
}

/// Foreign events may bring a stream to any version that somebody expects.
async fn a_repeat_is_known_by_its_event_and_not_by_its_version(log: Arc<dyn EventLog>) {
    let sent = one("pools/a", 2, 2);
    fill(&*log, "pools/a", 0, 4).await;
    assert_eq!(
        append(&*log, &sent).await,
        [stale([4])],
        "as many events, but not its own"
    );

    // Its own event, but somewhere else than where it was to stand.
    let mut moved = sent.groups()[0].clone();
    moved.writes[0].expected = crate::given::version(4);
    assert_eq!(
        append(&*log, &batch([moved.clone()])).await,
        [appended([5])]
    );
    assert_eq!(append(&*log, &sent).await, [stale([6])]);
    assert_eq!(append(&*log, &batch([moved])).await, [repeated([5])]);

    // In another stream it is another event.
    let elsewhere = Group::of_stream(
        "pools/b".into(),
        crate::given::version(0),
        sent.groups()[0].writes[0].events.clone(),
    );
    assert_eq!(append(&*log, &batch([elsewhere])).await, [appended([7])]);
}

/// A version alone says nothing of what it was decided on: a group whose base was rejected is *accepted* once foreign
/// events make up the number. So whoever decides on top of a group in flight must not send that before the group
/// succeeded (the actors of command-service hold to it); the log cannot know.
async fn a_rejected_group_stays_rejected(log: Arc<dyn EventLog>) {
    let base = one("pools/a", 0, 2);
    let on_top = one("pools/a", 2, 1);
    fill(&*log, "pools/a", 0, 1).await;
    assert_eq!(append(&*log, &base).await, [stale([1])]);
    fill(&*log, "pools/a", 1, 1).await;
    assert_eq!(
        append(&*log, &base).await,
        [stale([2])],
        "although the stream is where it would have left it"
    );
    assert_eq!(
        append(&*log, &on_top).await,
        [appended([3])],
        "the log cannot know that its base is missing"
    );
}

async fn many_that_send_the_same_batch_append_it_once(log: Arc<dyn EventLog>) {
    let sent = Arc::new(batch([group("pools/a", 0, 3), group("pools/b", 0, 1)]));
    let senders = (0..8).map(|_| {
        let (log, sent) = (Arc::clone(&log), Arc::clone(&sent));
        tokio::spawn(async move { append(&*log, &sent).await })
    });
    let mut first = 0;
    for sender in senders.collect::<Vec<_>>() {
        let outcomes = sender.await.unwrap();
        if outcomes == [appended([1]), appended([4])] {
            first += 1;
        } else {
            assert_eq!(outcomes, [repeated([1]), repeated([4])]);
        }
    }
    assert_eq!(first, 1, "exactly one of them appended it");
    assert_eq!(ids_of(&read_all(&*log).await), ids(&sent));
}
