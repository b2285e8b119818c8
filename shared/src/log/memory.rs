//! A log in memory, for tests and embedding. It keeps every promise of the trait but durability.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, watch};

use super::{
    AppendBatch, AppendError, Appended, EventLog, Group, GroupOutcome, Head, Hints, HintsLost,
    LockLost, LockedLog, LogClock, Origin, Position, ReadError, RecordedEvent, StreamName, Version,
};
use crate::{id::EventId, time::Timestamp};

/// A log in memory, for tests and embedding. Clones share one log.
#[derive(Clone, Debug)]
pub struct MemoryLog {
    events: Arc<Mutex<Events>>,
    /// Held while a guard of [`EventLog::lock`] lives; an append takes it for a moment.
    writers: Arc<RwLock<()>>,
    head: watch::Sender<Position>,
    clock: LogClock,
}

impl MemoryLog {
    /// An empty log whose clock shows `time` now.
    #[must_use]
    pub fn new(time: Timestamp) -> Self {
        let now = Instant::now();
        Self {
            events: Arc::default(),
            writers: Arc::default(),
            head: watch::Sender::new(Position::START),
            clock: LogClock::new(now, time, now),
        }
    }

    fn events(&self) -> std::sync::MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, batch: &AppendBatch) -> Appended {
        let mut events = self.events();
        let now = self.clock.now();
        let outcomes = batch
            .groups()
            .iter()
            .map(|group| events.append(group, now))
            .collect();
        let head = events.head();
        self.head.send_replace(head);
        Appended { outcomes, head }
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn append(&self, batch: &AppendBatch) -> Result<Appended, AppendError> {
        let _turn = self.writers.write().await;
        Ok(self.append_now(batch))
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        Ok(self.events().read_stream(stream, after, limit))
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        Ok(self.events().read(after, limit))
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        let events = self.events();
        let found = positions
            .iter()
            .filter_map(|&position| events.get(position));
        Ok(found.cloned().collect())
    }

    async fn origins(&self, events: &[EventId]) -> Result<Vec<(EventId, Origin)>, ReadError> {
        let all = self.events();
        let asked: HashSet<_> = events.iter().collect();
        let found = asked
            .into_iter()
            .filter_map(|id| all.origins.get_key_value(id));
        Ok(found.map(|(&id, origin)| (id, origin.clone())).collect())
    }

    async fn head(&self) -> Result<Head, ReadError> {
        Ok(Head {
            position: self.events().head(),
            time: self.clock.now(),
        })
    }

    async fn lock(&self) -> Result<Box<dyn LockedLog>, ReadError> {
        let asked_at = self.clock.now();
        let turn = Arc::clone(&self.writers).write_owned().await;
        Ok(Box::new(Locked {
            log: self.clone(),
            asked_at,
            _turn: turn,
        }))
    }

    async fn hints(&self) -> Result<Box<dyn Hints>, ReadError> {
        Ok(Box::new(MemoryHints(self.head.subscribe())))
    }

    fn clock(&self) -> &LogClock {
        &self.clock
    }
}

struct Locked {
    log: MemoryLog,
    asked_at: Timestamp,
    _turn: OwnedRwLockWriteGuard<()>,
}

#[async_trait]
impl LockedLog for Locked {
    fn asked_at(&self) -> Timestamp {
        self.asked_at
    }

    async fn read_stream(
        &mut self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.log.read_stream(stream, after, limit).await
    }

    async fn append(self: Box<Self>, batch: &AppendBatch) -> Result<Appended, AppendError> {
        Ok(self.log.append_now(batch))
    }

    async fn release(self: Box<Self>) -> Result<(), LockLost> {
        drop(self);
        Ok(())
    }
}

struct MemoryHints(watch::Receiver<Position>);

#[async_trait]
impl Hints for MemoryHints {
    async fn next(&mut self) -> Result<Position, HintsLost> {
        self.0.changed().await.map_err(|_closed| HintsLost)?;
        Ok(*self.0.borrow_and_update())
    }
}

#[derive(Debug, Default)]
struct Events {
    log: Vec<RecordedEvent>,
    /// The indexes in `log` of each stream's events.
    streams: HashMap<StreamName, Vec<usize>>,
    /// Of the first events of commands.
    origins: HashMap<EventId, Origin>,
}

impl Events {
    fn head(&self) -> Position {
        self.log
            .last()
            .map_or(Position::START, |event| event.position)
    }

    fn get(&self, position: Position) -> Option<&RecordedEvent> {
        self.log
            .get(usize::try_from(position.get()).ok()?.checked_sub(1)?)
    }

    fn version(&self, stream: &StreamName) -> Version {
        let last = self.streams.get(stream).and_then(|indexes| indexes.last());
        last.map_or(Version::START, |&index| self.log[index].version)
    }

    fn at(&self, stream: &StreamName, version: Version) -> Option<&RecordedEvent> {
        let index = usize::try_from(version.get()).ok()?.checked_sub(1)?;
        self.streams
            .get(stream)?
            .get(index)
            .map(|&index| &self.log[index])
    }

    fn append(&mut self, group: &Group, now: Timestamp) -> GroupOutcome {
        let repeated: Option<Vec<Position>> = group
            .writes
            .iter()
            .map(|write| {
                let there = self.at(&write.stream, write.expected.next())?;
                (there.id == write.events.first()?.id).then_some(there.position)
            })
            .collect();
        if let Some(first_positions) = repeated {
            return GroupOutcome::Appended {
                first_positions,
                repeated: true,
            };
        }
        let actual: Vec<_> = group
            .writes
            .iter()
            .map(|write| self.version(&write.stream))
            .collect();
        if group
            .writes
            .iter()
            .zip(&actual)
            .any(|(write, actual)| write.expected != *actual)
        {
            return GroupOutcome::Stale { actual };
        }
        let mut first_positions = Vec::new();
        for write in &group.writes {
            first_positions.push(self.head().next());
            let mut version = write.expected;
            for event in &write.events {
                version = version.next();
                let recorded = RecordedEvent {
                    position: self.head().next(),
                    stream: write.stream.clone(),
                    version,
                    id: event.id,
                    kind: event.kind.to_owned(),
                    schema: event.schema,
                    time: event.time,
                    data: event.data.clone(),
                    metadata: event.metadata.clone(),
                    recorded_at: now,
                };
                self.streams
                    .entry(write.stream.clone())
                    .or_default()
                    .push(self.log.len());
                self.log.push(recorded);
                if let Some(origin) = &event.origin {
                    self.origins.insert(event.id, origin.clone());
                }
            }
        }
        GroupOutcome::Appended {
            first_positions,
            repeated: false,
        }
    }

    fn read(&self, after: Position, limit: usize) -> Vec<RecordedEvent> {
        let skip = usize::try_from(after.get()).unwrap_or(usize::MAX);
        self.log.iter().skip(skip).take(limit).cloned().collect()
    }

    fn read_stream(&self, stream: &StreamName, after: Version, limit: usize) -> Vec<RecordedEvent> {
        let skip = usize::try_from(after.get()).unwrap_or(usize::MAX);
        let indexes = self
            .streams
            .get(stream)
            .map(Vec::as_slice)
            .unwrap_or_default();
        indexes
            .iter()
            .skip(skip)
            .take(limit)
            .map(|&index| self.log[index].clone())
            .collect()
    }
}
