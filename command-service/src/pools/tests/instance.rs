//! One instance of the pipeline, and what its callers do.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use onsale_shared::{
    event::{CommandHash, PoolEvent, Source},
    id::{EventId, IdSource, PoolId, RequestId},
    log::{AppendBatch, EventLog, Group, NewEvent, StreamName, Version},
};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::{
    domain::{Command, Request},
    metrics::PoolMetrics,
    pools::{
        Answer, Call, Caller, Committer, Context, Failure, Place, PoolLimits, Pools, Recorded,
        Reply, Stage, committer::CommitLimits,
    },
};

pub(super) fn pool_id() -> PoolId {
    PoolId::parse("a-pool").unwrap()
}

pub(super) fn stream() -> StreamName {
    StreamName::of_pool(&pool_id())
}

/// Where the answer to a command comes from.
pub(super) type Answering = oneshot::Receiver<Result<Answer, Failure>>;

/// An instance of command-service without its edge.
#[derive(Clone)]
pub(super) struct Instance {
    pools: Arc<Pools>,
}

impl Instance {
    pub(super) fn start(name: &str, log: Arc<dyn EventLog>) -> Self {
        Self::start_with_batches(name, log, 500)
    }

    /// An instance whose batches take no further command once they have `batch_events`.
    pub(super) fn start_with_batches(
        name: &str,
        log: Arc<dyn EventLog>,
        batch_events: usize,
    ) -> Self {
        Self::telling(name, log, batch_events, mpsc::channel(1).0)
    }

    /// An instance that loads so many pools at most.
    pub(super) fn start_with_pools(name: &str, log: Arc<dyn EventLog>, pools_max: usize) -> Self {
        Self::limited(name, log, (500, pools_max), mpsc::channel(1).0)
    }

    /// An instance that tells what it records.
    pub(super) fn telling(
        name: &str,
        log: Arc<dyn EventLog>,
        batch_events: usize,
        recorded: mpsc::Sender<Recorded>,
    ) -> Self {
        Self::limited(name, log, (batch_events, 10), recorded)
    }

    fn limited(
        name: &str,
        log: Arc<dyn EventLog>,
        (batch_events, pools_max): (usize, usize),
        recorded: mpsc::Sender<Recorded>,
    ) -> Self {
        let (committer, committing) =
            Committer::new(Arc::clone(&log), CommitLimits::default(), recorded);
        drop(tokio::spawn(committing));
        let context = Context {
            committer,
            log,
            ids: IdSource,
            source: Source {
                service: "command-service".into(),
                version: "0".into(),
                instance: name.into(),
            },
            limits: PoolLimits {
                pools_max,
                queue_max: 1_000,
                batch_events,
                idle: Duration::from_secs(60),
            },
            metrics: PoolMetrics::default(),
            snapshots: None,
        };
        Self {
            pools: Pools::new(context),
        }
    }

    /// Sends a command; the answer comes through the receiver.
    pub(super) fn send(&self, id: u128, command: Command) -> Answering {
        self.submit(id, false, command).1
    }

    /// Sends a command whose caller says that it was sent before.
    pub(super) fn repeat(&self, id: u128, command: Command) -> Answering {
        self.submit(id, true, command).1
    }

    /// Has a pool swept.
    pub(super) fn touch(&self, pool: &PoolId) {
        self.pools.touch(pool);
    }

    /// Sends a command to any pool.
    pub(super) fn send_to(&self, pool: &PoolId, id: u128, command: Command) -> Answering {
        self.submit_to(pool, (id, false), command, Place::free()).1
    }

    /// Sends a command; its caller may give up.
    pub(super) fn submit(&self, id: u128, is_repeat: bool, command: Command) -> (Stage, Answering) {
        self.submit_to(&pool_id(), (id, is_repeat), command, Place::free())
    }

    /// Sends a command that has a place; its caller may give up.
    pub(super) fn submit_in(&self, place: Place, id: u128, command: Command) -> (Stage, Answering) {
        self.submit_to(&pool_id(), (id, false), command, place)
    }

    /// Lets go of commands that nobody waits for.
    pub(super) fn drop_dead(&self) {
        self.pools.drop_dead(&pool_id());
    }

    fn submit_to(
        &self,
        pool: &PoolId,
        (id, is_repeat): (u128, bool),
        command: Command,
        place: Place,
    ) -> (Stage, Answering) {
        let (reply, answer) = oneshot::channel();
        let (lane, stage) = (command.class(), Stage::default());
        let call = Call {
            request: Request {
                id: RequestId(Uuid::from_u128(id)),
                hash: CommandHash(id),
                is_repeat,
                command,
            },
            validate_only: false,
            caller: Caller::default(),
            deadline: Instant::now() + Duration::from_secs(600),
            stage: stage.clone(),
            lane,
            reply: Reply::Call(reply),
            attempts: 0,
            place,
        };
        self.pools.submit(pool, call);
        (stage, answer)
    }

    /// Sends a command and waits for its answer.
    pub(super) async fn call(&self, id: u128, command: Command) -> Result<Answer, Failure> {
        self.send(id, command)
            .await
            .expect("every call is answered")
    }
}

/// Another instance's events, straight into the log.
pub(super) async fn append_foreign(log: &dyn EventLog, expected: i64, events: &[PoolEvent]) {
    let events = events
        .iter()
        .zip(expected..)
        .map(|(event, n)| {
            let encoded = onsale_shared::event::encode(event).unwrap();
            NewEvent {
                id: EventId(Uuid::from_u128(0xf000_0000 + u128::try_from(n).unwrap())),
                kind: encoded.kind,
                schema: encoded.schema,
                time: crate::domain::commands::testing::minute(0),
                data: encoded.data,
                metadata: "{}".into(),
                origin: None,
            }
        })
        .collect();
    let group = Group::of_stream(stream(), Version::new(expected).unwrap(), events);
    let appended = log
        .append(&AppendBatch::new(vec![group]).unwrap())
        .await
        .unwrap();
    assert!(
        matches!(
            appended.outcomes[0],
            onsale_shared::log::GroupOutcome::Appended { .. }
        ),
        "{appended:?}"
    );
}

/// Every event of the pool.
pub(super) async fn history(log: &dyn EventLog) -> Vec<PoolEvent> {
    let events = log
        .read_stream(&stream(), Version::START, usize::MAX)
        .await
        .unwrap();
    events
        .iter()
        .map(|recorded| recorded.decode().unwrap())
        .collect()
}
