//! The replay of pools: each is folded twice, by the state that decides commands and by the model.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use onsale_shared::{
    log::{StreamName, Version},
    time::Timestamp,
};
use tokio::sync::mpsc;

use super::{
    decoded::Decoded,
    model::Model,
    report::{Finding, Findings},
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
}

/// A pool at a version, folded twice.
#[derive(Debug, Default)]
struct Replay {
    pool: Pool,
    model: Model,
    version: Version,
    time: Timestamp,
}

impl Replays {
    /// Replays what comes, until no more comes.
    pub(super) fn run(mut parts: mpsc::Receiver<Vec<Decoded>>) -> Self {
        let mut replays = Self::default();
        while let Some(part) = parts.blocking_recv() {
            for event in part {
                replays.fold(&event);
            }
        }
        replays
    }

    /// How many pools there are, and what is wrong with them.
    pub(super) fn into_findings(self) -> (usize, Findings) {
        (self.pools.len(), self.findings)
    }

    fn fold(&mut self, event: &Decoded) {
        let stream = &event.recorded.stream;
        let replay = match self.pools.get_mut(stream) {
            Some(known) => known,
            None => self
                .pools
                .entry(stream.clone())
                .or_insert(Some(Box::default())),
        };
        let Some(Err(wrong)) = replay.as_mut().map(|replay| replay.fold(event)) else {
            return;
        };
        *replay = None;
        self.findings.push(Finding::new(&event.recorded, wrong));
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
        let by_model = self.model.fold(event, recorded.time);
        by_model.map_err(|wrong| wrong.to_string())?;
        self.pool.evolve(&history::entry(recorded, event, metadata));
        match self.pool.corrupted_at() {
            Some(_) => Err("it contradicts the state that decides commands".to_owned()),
            None => Ok(()),
        }
    }
}
