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
    /// What goes wrong with the next appends, in this order.
    pub(super) faults: Arc<std::sync::Mutex<VecDeque<AppendError>>>,
    /// The batches that came to the gate, by their expected versions.
    pub(super) seen: Arc<std::sync::Mutex<Vec<i64>>>,
    /// How many events were read under the lock, each time that it was held.
    pub(super) read_locked: Arc<std::sync::Mutex<Vec<usize>>>,
    /// What others append each time before the lock is got.
    pub(super) others: Arc<std::sync::Mutex<Vec<PoolEvent>>>,
}

impl GatedLog {
    pub(super) fn new(inner: memory::MemoryLog) -> Self {
        Self {
            inner,
            gate: Arc::new(Semaphore::new(0)),
            waiting: Arc::default(),
            faults: Arc::default(),
            seen: Arc::default(),
            read_locked: Arc::default(),
            others: Arc::default(),
        }
    }

    /// Waits until an append stands at the gate.
    pub(super) async fn someone_waits(&self) {
        for _ in 0..YIELDS_MAX {
            if self.waiting.load(Ordering::SeqCst) > 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("nothing is appended");
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
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
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
            let version = history(&self.inner).await.len();
            append_foreign(&self.inner, i64::try_from(version).unwrap(), some).await;
        }
        self.read_locked.lock().unwrap().push(0);
        Ok(Box::new(Counted {
            inner: self.inner.lock().await?,
            read_locked: Arc::clone(&self.read_locked),
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
struct Counted {
    inner: Box<dyn LockedLog>,
    read_locked: Arc<std::sync::Mutex<Vec<usize>>>,
}

#[async_trait]
impl LockedLog for Counted {
    fn asked_at(&self) -> Timestamp {
        self.inner.asked_at()
    }

    async fn read_stream(
        &mut self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let page = self.inner.read_stream(stream, after, limit).await?;
        *self.read_locked.lock().unwrap().last_mut().unwrap() += page.len();
        Ok(page)
    }

    async fn append(self: Box<Self>, batch: &AppendBatch) -> Result<Appended, AppendError> {
        self.inner.append(batch).await
    }

    async fn release(self: Box<Self>) {
        self.inner.release().await;
    }
}
