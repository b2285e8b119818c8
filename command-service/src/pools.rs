//! From a command to its events: one actor a pool decides, one committer an instance appends, and nothing is answered
//! on hope.
//!
//! - [`admission`]: how many commands may wait in all.
//! - [`call`]: a command on its way, and what its caller gets.
//! - [`mailbox`]: where commands wait, in lanes.
//! - [`registry`]: which pools have an actor.
//! - [`actor`]: decides, and answers when what it decided on is known to be true.
//! - [`batch`]: what was decided together.
//! - [`committer`]: merges the batches of all pools into one append.
//! - [`history`]: reading a pool's state from the log.
//! - [`pace`]: how fast that is done.

pub mod actor;
pub mod admission;
pub mod batch;
pub mod call;
pub mod committer;
pub mod history;
pub mod mailbox;
pub mod pace;
pub mod registry;

pub use admission::{Admission, Place};
pub use call::{Answer, Call, Caller, ClaimView, Failure, Numbered, Reply, Stage};
pub use committer::{Committer, Recorded};
pub use registry::Pools;

use std::{sync::Arc, time::Duration};

use onsale_shared::{event::Source, id::IdSource, log::EventLog};

use crate::{metrics::PoolMetrics, snapshots::Snapshots};

/// The limits of the pipeline.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// The most pools that have an actor at once.
    pub pools_max: usize,
    /// The most commands that wait for one pool in one lane.
    pub queue_max: usize,
    /// A batch of one pool takes no further command once it has this many events.
    pub batch_events: usize,
    /// How long a pool without commands keeps its actor.
    pub idle: Duration,
}

/// What every actor works with.
#[derive(Clone, Debug)]
pub struct Context {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// Where batches go.
    pub committer: Committer,
    /// Where ids come from.
    pub ids: IdSource,
    /// Who decides, for the metadata of events.
    pub source: Source,
    /// The limits.
    pub limits: PoolLimits,
    /// What is measured.
    pub metrics: PoolMetrics,
    /// Snapshots; without them every pool is loaded from all of its events.
    pub snapshots: Option<Snapshots>,
}

#[cfg(test)]
mod tests;
