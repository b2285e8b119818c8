//! The replay of pools: each is folded twice, by the state that decides commands and by the model.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use onsale_shared::{
    event::Metadata,
    log::{StreamName, Version},
    time::Timestamp,
};
use tokio::sync::mpsc;

use super::{
    decoded::Decoded,
    model::Model,
    report::{Finding, Findings},
    snapshots::{AtMark, AtMarks, Digest, Marks},
};
use crate::{domain::Pool, pools::history};

/// So many parts of pages wait for a worker.
pub(super) const PARTS_AHEAD_MAX: usize = 2;

/// Pools that one worker replays.
#[derive(Debug, Default)]
pub(super) struct Replays {
    /// None for a pool that cannot have become what it is: its first bad event is known, and nothing after it counts.
    pools: HashMap<StreamName, Option<Box<Replay>>, RandomState>,
    findings: Findings,
    /// Where snapshots are to be compared, of all workers' pools.
    marks: Arc<Marks>,
    at_marks: AtMarks,
}

/// What one worker has replayed.
#[derive(Debug)]
pub(super) struct Replayed {
    /// How many pools.
    pub(super) pools: usize,
    /// What is wrong with them.
    pub(super) findings: Findings,
    /// What they were where snapshots are to be compared.
    pub(super) at_marks: AtMarks,
}

/// A pool at a version, folded twice.
#[derive(Debug, Default)]
struct Replay {
    pool: Pool,
    model: Model,
    version: Version,
    time: Timestamp,
    /// Where a snapshot is to be compared.
    mark: Option<Version>,
}

impl Replays {
    /// Replays what comes, until no more comes.
    pub(super) fn run(mut parts: mpsc::Receiver<Vec<Decoded>>, marks: Arc<Marks>) -> Replayed {
        let mut replays = Self {
            marks,
            ..Self::default()
        };
        while let Some(part) = parts.blocking_recv() {
            for event in part {
                replays.fold(&event);
            }
        }
        replays.end()
    }

    /// Snapshots that no pool has come to are ahead of their streams, or of a pool whose state is not known any more.
    fn end(mut self) -> Replayed {
        for stream in self.marks.keys() {
            let at_mark = match self.pools.get(stream) {
                Some(Some(replay)) => AtMark::Ended(replay.version),
                Some(None) => AtMark::Unknown,
                None => continue,
            };
            self.at_marks.entry(stream.clone()).or_insert(at_mark);
        }
        Replayed {
            pools: self.pools.len(),
            findings: self.findings,
            at_marks: self.at_marks,
        }
    }

    fn fold(&mut self, event: &Decoded) {
        let stream = &event.recorded.stream;
        let replay = match self.pools.get_mut(stream) {
            Some(known) => known,
            None => {
                let new = Replay {
                    mark: self.marks.get(stream).copied(),
                    ..Replay::default()
                };
                let known = self.pools.entry(stream.clone());
                known.or_insert(Some(Box::new(new)))
            }
        };
        let Some(pool) = replay else { return };
        if let Err(wrong) = pool.fold(event) {
            *replay = None;
            self.findings.push(Finding::new(&event.recorded, wrong));
        } else if pool.mark == Some(pool.version) {
            let at_mark = AtMark::State(event.recorded.id, Digest::of_pool(&pool.pool));
            self.at_marks.insert(stream.clone(), at_mark);
        }
    }
}

impl Replay {
    /// Folds the next event of the stream; what is wrong with it, if anything is.
    fn fold(&mut self, event: &Decoded) -> Result<(), String> {
        let Decoded { recorded, fact } = event;
        let (event, metadata) = fact.as_ref().map_err(Clone::clone)?;
        if recorded.version != self.version.next() {
            return Err(format!("the event before it has version {}", self.version));
        }
        if recorded.time < self.time {
            return Err(format!(
                "it was decided at {}, the event before it at {}",
                recorded.time, self.time
            ));
        }
        self.version = recorded.version;
        self.time = recorded.time;
        let by_model = self.model.fold(event, metadata.request_id, recorded.time);
        by_model.map_err(|wrong| wrong.to_string())?;
        if let Some(before) = self.recorded_before(metadata) {
            return Err(format!(
                "its command was recorded before, as version {before}"
            ));
        }
        self.pool.evolve(&history::entry(recorded, event, metadata));
        match self.pool.corrupted_at() {
            Some(_) => Err("it contradicts the state that decides commands".to_owned()),
            None => Ok(()),
        }
    }

    /// With the first event of a command, the version of the last event that it has already. Within a day no command is
    /// decided twice.
    fn recorded_before(&self, metadata: &Metadata) -> Option<Version> {
        metadata.command.as_ref()?.command_hash?;
        let known = self.pool.requests.known(metadata.request_id?, self.time);
        known.map(|before| before.version)
    }
}
