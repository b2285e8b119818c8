//! A log that fails in every way that a database over a network can, by a seed.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use onsale_shared::{id::EventId, log::*, time::Timestamp};
use tokio::time::sleep;

/// Counts what was hit; a run that hit too little shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hits {
    pub(super) appended_without_answer: u32,
    pub(super) appended_later: u32,
    pub(super) lost: u32,
    pub(super) refused: u32,
    pub(super) stale: u32,
    pub(super) repeated: u32,
    pub(super) locks: u32,
    pub(super) unreadable: u32,
}

/// A generator of random numbers (`SplitMix64`, Steele et al. 2014), so that a seed says everything.
#[derive(Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// See the module. Clones share the log and the dice.
#[derive(Clone, Debug)]
pub(super) struct FaultyLog {
    pub(super) inner: memory::MemoryLog,
    random: Arc<Mutex<Random>>,
    hits: Arc<Mutex<Hits>>,
}

impl FaultyLog {
    pub(super) fn new(inner: memory::MemoryLog, seed: u64) -> Self {
        Self {
            inner,
            random: Arc::new(Mutex::new(Random(seed))),
            hits: Arc::default(),
        }
    }

    pub(super) fn hits(&self) -> Hits {
        *self.hits.lock().unwrap()
    }

    fn dice(&self, sides: u64) -> u64 {
        self.random.lock().unwrap().below(sides)
    }

    fn hit(&self, count: impl FnOnce(&mut Hits)) {
        count(&mut self.hits.lock().unwrap());
    }

    async fn network(&self) {
        sleep(Duration::from_micros(self.dice(2_000))).await;
    }

    fn note(&self, appended: &Appended) {
        for outcome in &appended.outcomes {
            match outcome {
                GroupOutcome::Stale { .. } => self.hit(|hits| hits.stale += 1),
                GroupOutcome::Appended { repeated: true, .. } => {
                    self.hit(|hits| hits.repeated += 1);
                }
                GroupOutcome::Appended { .. } => {}
            }
        }
    }

    async fn unreadable(&self) -> Result<(), ReadError> {
        self.network().await;
        if self.dice(40) == 0 {
            self.hit(|hits| hits.unreadable += 1);
            return Err(ReadError::Unavailable {
                during: "a test",
                source: "the network".into(),
            });
        }
        Ok(())
    }
}

fn unknown() -> AppendError {
    AppendError::OutcomeUnknown("the connection broke".into())
}

#[async_trait]
impl EventLog for FaultyLog {
    async fn append(&self, batch: &AppendBatch) -> Result<Appended, AppendError> {
        self.network().await;
        match self.dice(24) {
            0 => {
                self.hit(|hits| hits.appended_without_answer += 1);
                self.note(&self.inner.append(batch).await?);
                Err(unknown())
            }
            1 => {
                // The abandoned backend, which still appends when everybody has forgotten it.
                self.hit(|hits| hits.appended_later += 1);
                let (log, batch) = (self.clone(), batch.clone());
                let delay = Duration::from_millis(self.dice(60));
                drop(tokio::spawn(async move {
                    sleep(delay).await;
                    log.inner.append(&batch).await
                }));
                Err(unknown())
            }
            2 => {
                self.hit(|hits| hits.lost += 1);
                Err(unknown())
            }
            3 | 4 => {
                self.hit(|hits| hits.refused += 1);
                Err(AppendError::NotAppended("the disk is full".into()))
            }
            _ => {
                let appended = self.inner.append(batch).await?;
                self.network().await;
                self.note(&appended);
                Ok(appended)
            }
        }
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.unreadable().await?;
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
        self.unreadable().await?;
        self.hit(|hits| hits.locks += 1);
        let locked = self.inner.lock().await?;
        Ok(Box::new(FaultyLock {
            log: self.clone(),
            locked,
        }))
    }

    async fn hints(&self) -> Result<Box<dyn Hints>, ReadError> {
        self.inner.hints().await
    }

    fn clock(&self) -> &LogClock {
        self.inner.clock()
    }
}

struct FaultyLock {
    log: FaultyLog,
    locked: Box<dyn LockedLog>,
}

#[async_trait]
impl LockedLog for FaultyLock {
    fn asked_at(&self) -> Timestamp {
        self.locked.asked_at()
    }

    async fn read_stream(
        &mut self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.log.unreadable().await?;
        self.locked.read_stream(stream, after, limit).await
    }

    async fn append(self: Box<Self>, batch: &AppendBatch) -> Result<Appended, AppendError> {
        let Self { log, locked } = *self;
        log.network().await;
        match log.dice(12) {
            0 => {
                log.hit(|hits| hits.appended_without_answer += 1);
                locked.append(batch).await?;
                Err(unknown())
            }
            1 => {
                log.hit(|hits| hits.lost += 1);
                Err(unknown())
            }
            2 => {
                log.hit(|hits| hits.refused += 1);
                Err(AppendError::NotAppended("the lock was lost".into()))
            }
            _ => locked.append(batch).await,
        }
    }

    async fn release(self: Box<Self>) -> Result<(), LockLost> {
        self.locked.release().await
    }
}
