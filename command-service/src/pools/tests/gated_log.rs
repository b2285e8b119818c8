//! A log whose appends wait at a gate, so that a test says who comes first.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use onsale_shared::{event::PoolEvent, id::EventId, log::*, time::Timestamp};
use tokio::sync::Semaphore;

use super::instance::{append_foreign, history};

/// A test waits no longer for an append.
const YIELDS_MAX: usize = 1_000_000;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct GatedLog {
    pub(super) inner: memory::MemoryLog,
    gate: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    passed: Arc<AtomicUsize>,
    /// What goes wrong with the next appends, in this order.
    pub(super) faults: Arc<std::sync::Mutex<VecDeque<AppendError>>>,
    /// The batches that came to the gate, by their expected versions.
    pub(super) seen: Arc<std::sync::Mutex<Vec<i64>>>,
    /// How many events were read under the lock, each time that it was held.
    pub(super) read_locked: Arc<std::sync::Mutex<Vec<usize>>>,
    /// What others append each time before the lock is got.
    pub(super) others: Arc<std::sync::Mutex<Vec<PoolEvent>>>,
    /// What goes wrong with the next locks, in this order.
    pub(super) lock_faults: Arc<std::sync::Mutex<VecDeque<LockFault>>>,
}

/// What goes wrong under the lock.
#[derive(Clone, Debug)]
pub(super) enum LockFault {
    /// The append is recorded, and its answer lost.
    Unanswered,
    /// After a page is read the lock is lost, others append this, and the page comes when the gate lets it.
    Lost(Vec<PoolEvent>),
}

impl GatedLog {
    pub(super) fn new(inner: memory::MemoryLog) -> Self {
        Self {
            inner,
            gate: Arc::new(Semaphore::new(0)),
            waiting: Arc::default(),
            passed: Arc::default(),
            faults: Arc::default(),
            seen: Arc::default(),
            read_locked: Arc::default(),
            others: Arc::default(),
            lock_faults: Arc::default(),
        }
    }

    async fn wait_at_the_gate(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.passed.fetch_add(1, Ordering::SeqCst);
    }

    /// At the end of the stream.
    async fn append_foreign(&self, events: &[PoolEvent]) {
        let version = history(&self.inner).await.len();
        append_foreign(&self.inner, i64::try_from(version).unwrap(), events).await;
    }

    /// Waits until an append stands at the gate.
    pub(super) async fn someone_waits(&self) {
        Self::until("nothing is appended", || {
            self.waiting.load(Ordering::SeqCst) > 0
        })
        .await;
    }

    async fn until(otherwise: &str, is_so: impl Fn() -> bool) {
        for _ in 0..YIELDS_MAX {
            if is_so() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{otherwise}");
    }

    /// Waits for an append at the gate, and until it has passed.
    pub(super) async fn one_passes(&self) {
        self.someone_waits().await;
        let before = self.passed.load(Ordering::SeqCst);
        self.let_one_through();
        Self::until("nothing passes the gate", || {
            self.passed.load(Ordering::SeqCst) > before
        })
        .await;
    }

    /// Lets one append through.
    pub(super) fn let_one_through(&self) {
        self.gate.add_permits(1);
    }

    /// Lets all appends through from now on.
    pub(super) fn open(&self) {
        self.gate.add_permits(1_000);
    }
}

#[async_trait]
impl EventLog for GatedLog {
    async fn append(&self, batch: &AppendBatch) -> Result<Appended, AppendError> {
        let expected = batch.groups()[0].writes[0].expected.get();
        self.seen.lock().unwrap().push(expected);
        self.wait_at_the_gate().await;
        if let Some(fault) = self.faults.lock().unwrap().pop_front() {
            return Err(fault);
        }
        self.inner.append(batch).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read_stream(stream, after, limit).await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read(after, limit).await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read_at(positions).await
    }

    async fn origins(&self, events: &[EventId]) -> Result<Vec<(EventId, Origin)>, ReadError> {
        self.inner.origins(events).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.inner.head().await
    }

    async fn lock(&self) -> Result<Box<dyn LockedLog>, ReadError> {
        let others = self.others.lock().unwrap().clone();
        for some in others.chunks(AppendBatch::GROUP_EVENTS_MAX) {
            self.append_foreign(some).await;
        }
        self.read_locked.lock().unwrap().push(0);
        let fault = self.lock_faults.lock().unwrap().pop_front();
        Ok(Box::new(Locked {
            log: self.clone(),
            inner: Some(self.inner.lock().await?),
            fault,
        }))
    }

    async fn hints(&self) -> Result<Box<dyn Hints>, ReadError> {
        self.inner.hints().await
    }

    fn clock(&self) -> &LogClock {
        self.inner.clock()
    }
}

/// The lock of the log, which counts what is read under it.
struct Locked {
    log: GatedLog,
    /// None if it was lost.
    inner: Option<Box<dyn LockedLog>>,
    fault: Option<LockFault>,
}

fn lost() -> AppendError {
    AppendError::NotAppended("the lock was lost".into())
}

#[async_trait]
impl LockedLog for Locked {
    fn asked_at(&self) -> Timestamp {
        self.inner.as_ref().unwrap().asked_at()
    }

    async fn read_stream(
        &mut self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let inner = self.inner.as_mut().unwrap();
        let page = inner.read_stream(stream, after, limit).await?;
        *self.log.read_locked.lock().unwrap().last_mut().unwrap() += page.len();
        if let Some(LockFault::Lost(others)) = &self.fault {
            self.inner = None;
            self.log.append_foreign(others).await;
            self.log.wait_at_the_gate().await;
        }
        Ok(page)
    }

    async fn append(self: Box<Self>, batch: &AppendBatch) -> Result<Appended, AppendError> {
        let appended = self.inner.ok_or_else(lost)?.append(batch).await?;
        match self.fault {
            Some(LockFault::Unanswered) => {
                Err(AppendError::OutcomeUnknown("the answer is lost".into()))
            }
            Some(LockFault::Lost(_)) | None => Ok(appended),
        }
    }

    async fn release(self: Box<Self>) -> Result<(), LockLost> {
        self.inner.ok_or(LockLost)?.release().await
    }
}
