//! One committer an instance: it merges the batches of all pools into one append, and while that is under way the next
//! ones gather. No timer: batches grow by themselves under load.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use onsale_shared::{
    event::PoolEvent,
    id::PoolId,
    log::{AppendBatch, AppendError, EventLog, Group, GroupOutcome, Position},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};

use crate::metrics::{AppendMetrics, Found};

/// Where actors send their batches. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Committer {
    submissions: mpsc::Sender<Submission>,
}

#[derive(Debug)]
struct Submission {
    pool: PoolId,
    group: Group,
    /// What the group's events say; empty if that is not known any more.
    facts: Vec<PoolEvent>,
    /// It was sent before, and may have been recorded, or be yet.
    is_unknown: bool,
    verdict: oneshot::Sender<Verdict>,
}

/// Events that an append of this instance has just recorded, densely from a position on: who follows the log need not
/// read them.
#[derive(Debug)]
pub struct Recorded {
    /// Of the first of them.
    pub first: Position,
    /// In the order of the log.
    pub events: Vec<(PoolId, Vec<PoolEvent>)>,
}

/// What became of a batch. Definite, all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the log, densely from here.
    Appended(Position),
    /// The stream had another version; nothing was appended.
    Stale,
    /// The database refused; nothing was appended, nor ever will be.
    NotAppended,
}

/// The limits of an append.
#[derive(Clone, Copy, Debug)]
pub struct CommitLimits {
    /// An append takes no further batch once it has this many events.
    pub events: usize,
    /// Nor once its data have this many bytes.
    pub bytes: usize,
    /// How often a refused append is tried before its callers are told.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles with each further one.
    pub retry_min: Duration,
    /// The longest wait between attempts.
    pub retry_max: Duration,
}

impl Default for CommitLimits {
    fn default() -> Self {
        Self {
            events: 500,
            bytes: 256 * 1024,
            attempts: 3,
            retry_min: Duration::from_millis(20),
            retry_max: Duration::from_secs(1),
        }
    }
}

impl Committer {
    /// As many pools may have a batch waiting here; further ones wait for a place.
    const SUBMISSIONS_MAX: usize = 1_024;

    /// A committer for `log`, and its work, which ends when the last handle is dropped. What it records it tells to
    /// `recorded`, as far as there is room: whoever listens sees gaps by positions, and reads the log.
    pub fn new(
        log: Arc<dyn EventLog>,
        limits: CommitLimits,
        recorded: mpsc::Sender<Recorded>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (submissions, queue) = mpsc::channel(Self::SUBMISSIONS_MAX);
        (Self { submissions }, run(log, limits, queue, recorded))
    }

    /// Sends a group on its way. The answer comes when it is definite, however long that takes; none comes if the
    /// committer ended.
    pub fn submit(
        &self,
        pool: &PoolId,
        group: Group,
        facts: Vec<PoolEvent>,
    ) -> oneshot::Receiver<Verdict> {
        self.send(pool, group, facts, false)
    }

    /// Sends a group once more whose outcome is not known: it is said to be refused only when an append has said so.
    pub fn resubmit(&self, pool: &PoolId, group: Group) -> oneshot::Receiver<Verdict> {
        self.send(pool, group, Vec::new(), true)
    }

    fn send(
        &self,
        pool: &PoolId,
        group: Group,
        facts: Vec<PoolEvent>,
        is_unknown: bool,
    ) -> oneshot::Receiver<Verdict> {
        let (verdict, receiver) = oneshot::channel();
        let submission = Submission {
            pool: pool.clone(),
            group,
            facts,
            is_unknown,
            verdict,
        };
        if let Err(mpsc::error::TrySendError::Full(submission)) =
            self.submissions.try_send(submission)
        {
            let submissions = self.submissions.clone();
            drop(tokio::spawn(
                async move { submissions.send(submission).await },
            ));
        }
        receiver
    }
}

async fn run(
    log: Arc<dyn EventLog>,
    limits: CommitLimits,
    mut queue: mpsc::Receiver<Submission>,
    recorded: mpsc::Sender<Recorded>,
) {
    let metrics = AppendMetrics::of("batch");
    while let Some(first) = queue.recv().await {
        let mut gathered = Vec::new();
        let mut size = Size::default();
        let mut next = Some(first);
        while let Some(submission) = next {
            if let Some(submission) = well_formed(submission) {
                size.add(Size::of(&submission.group));
                gathered.push(submission);
            }
            let has_room = size.events < limits.events && size.bytes < limits.bytes;
            next = has_room.then(|| queue.try_recv().ok()).flatten();
        }
        if gathered.is_empty() {
            continue;
        }
        let told = commit(log.as_ref(), limits, &metrics, gathered).await;
        if let Some(told) = told {
            // Nobody follows, or nobody keeps up.
            drop(recorded.try_send(told));
        }
    }
}

/// A defect in one pool's batch must not be paid for by those that are sent with it.
fn well_formed(submission: Submission) -> Option<Submission> {
    let Err(defect) = submission.group.check() else {
        return Some(submission);
    };
    tracing::error!(
        pool = %submission.pool,
        error = &defect as &dyn std::error::Error,
        "a batch could not be appended"
    );
    if submission.verdict.send(Verdict::NotAppended).is_err() {
        tracing::debug!("an actor went before its batch was settled");
    }
    None
}

#[derive(Clone, Copy, Default)]
struct Size {
    events: usize,
    bytes: usize,
}

impl Size {
    fn of(group: &Group) -> Self {
        let events = group.writes.iter().flat_map(|write| &write.events);
        Self {
            events: group.event_count(),
            bytes: events
                .map(|event| event.data.len() + event.metadata.len())
                .sum(),
        }
    }

    const fn add(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
    }
}

async fn commit(
    log: &dyn EventLog,
    limits: CommitLimits,
    metrics: &AppendMetrics,
    gathered: Vec<Submission>,
) -> Option<Recorded> {
    let is_unknown = gathered.iter().any(|submission| submission.is_unknown);
    let (groups, waiting): (Vec<_>, Vec<_>) = gathered
        .into_iter()
        .map(|s| (s.group, (s.pool, s.facts, s.verdict)))
        .unzip();
    let outcomes = match AppendBatch::new(groups) {
        Ok(batch) => {
            let sent = Instant::now();
            let outcomes = append_until_definite(log, limits, metrics, &batch, is_unknown).await;
            metrics.settled(
                u32::try_from(batch.event_count()).unwrap_or(u32::MAX),
                sent.elapsed(),
            );
            outcomes
        }
        Err(defect) => {
            tracing::error!(
                error = &defect as &dyn std::error::Error,
                "actors sent batches that cannot be one append"
            );
            None
        }
    };
    let outcomes = outcomes
        .into_iter()
        .flatten()
        .map(Some)
        .chain(std::iter::repeat(None));
    let mut recorded: Option<Recorded> = None;
    let mut next = Position::START;
    for ((pool, facts, verdict), outcome) in waiting.into_iter().zip(outcomes) {
        let told = Verdict::of(outcome);
        // An actor that is gone needs no verdict.
        if verdict.send(told).is_err() {
            tracing::debug!("an actor went before its batch was settled");
        }
        let (Verdict::Appended(first), Ok(count @ 1..)) = (told, u32::try_from(facts.len())) else {
            continue;
        };
        let recorded = recorded.get_or_insert_with(|| {
            next = first;
            Recorded {
                first,
                events: Vec::new(),
            }
        });
        // A repeat may lie anywhere.
        if first == next {
            recorded.events.push((pool, facts));
            next = next.plus(count);
        }
    }
    recorded
}

impl Verdict {
    fn of(outcome: Option<GroupOutcome>) -> Self {
        match outcome {
            Some(GroupOutcome::Appended {
                first_positions, ..
            }) => Self::Appended(first_positions.first().copied().unwrap_or_default()),
            Some(GroupOutcome::Stale { .. }) => Self::Stale,
            None => Self::NotAppended,
        }
    }
}

/// What an append without an answer had done to a group, as the answer to its repeat tells.
const fn found(outcome: &GroupOutcome) -> Found {
    match outcome {
        GroupOutcome::Appended { repeated: true, .. } => Found::Recorded,
        GroupOutcome::Appended {
            repeated: false, ..
        } => Found::NotRecorded,
        GroupOutcome::Stale { .. } => Found::Refused,
    }
}

/// Sends the same batch until its outcome is definite. Once an attempt's outcome is unknown (before this, if it is so from
/// the start) only an answer counts: a later refusal says nothing of the attempt that may still be under way in an abandoned
/// backend.
async fn append_until_definite(
    log: &dyn EventLog,
    limits: CommitLimits,
    metrics: &AppendMetrics,
    batch: &AppendBatch,
    mut unknown: bool,
) -> Option<Vec<GroupOutcome>> {
    let mut pause = limits.retry_min;
    for attempt in 1_u32.. {
        let error = match log.append(batch).await {
            Ok(appended) => {
                if unknown {
                    let found = appended.outcomes.iter().map(found);
                    let found: Vec<_> = found.inspect(|found| metrics.resolved(*found)).collect();
                    let were_recorded = found.iter().filter(|found| **found == Found::Recorded);
                    tracing::info!(
                        attempt,
                        groups = found.len(),
                        were_recorded = were_recorded.count(),
                        "an unknown outcome was resolved"
                    );
                }
                return Some(appended.outcomes);
            }
            Err(error) => error,
        };
        unknown |= matches!(error, AppendError::OutcomeUnknown(_));
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            attempt,
            events = batch.event_count(),
            unknown,
            "an append failed"
        );
        if !unknown && attempt >= limits.attempts {
            return None;
        }
        sleep(pause).await;
        pause = (pause * 2).min(limits.retry_max);
    }
    None
}
