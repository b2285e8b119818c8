//! What is sent together does not fail together.

use std::sync::Arc;

use onsale_shared::{
    id::{EventId, PoolId},
    log::{AppendBatch, Group, NewEvent, Position, StreamName, Version, memory::MemoryLog},
};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    domain::commands::testing::minute,
    pools::{
        Committer,
        committer::{CommitLimits, Verdict},
    },
};

fn group(pool: &PoolId, events: usize) -> Group {
    let event = NewEvent {
        id: EventId(Uuid::nil()),
        kind: "SalesResumed",
        schema: 1,
        time: minute(0),
        data: "{}".into(),
        metadata: "{}".into(),
        origin: None,
    };
    Group::of_stream(
        StreamName::of_pool(pool),
        Version::START,
        vec![event; events],
    )
}

#[tokio::test]
async fn a_batch_that_cannot_be_appended_does_not_sink_those_of_other_pools() {
    let log = Arc::new(MemoryLog::new(minute(0)));
    let (committer, committing) = Committer::new(log, CommitLimits::default(), mpsc::channel(1).0);
    drop(tokio::spawn(committing));
    let pools = ["pool-a", "pool-b", "pool-c"].map(|name| PoolId::parse(name).unwrap());
    // All three wait before the committer, on this thread, looks for the first of them.
    let verdicts = [1, AppendBatch::GROUP_EVENTS_MAX + 1, 1]
        .into_iter()
        .zip(&pools)
        .map(|(events, pool)| committer.submit(pool, group(pool, events), Vec::new()));
    let verdicts = futures::future::join_all(verdicts).await;
    let appended = |position| Ok(Verdict::Appended(Position::new(position).unwrap()));
    assert_eq!(
        verdicts,
        [appended(1), Ok(Verdict::NotAppended), appended(2)]
    );
}
