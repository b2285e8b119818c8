//! Where the commands of a pool wait: in three lanes, so that a stop never waits in the queue that it should stop.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::call::Call;
use crate::domain::commands::Class;

/// The commands that wait for a pool's actor.
#[derive(Debug)]
pub struct Mailbox {
    lanes: Mutex<Lanes>,
    arrived: Notify,
    queue_max: usize,
}

#[derive(Debug, Default)]
struct Lanes {
    promoter: VecDeque<Call>,
    finish: VecDeque<Call>,
    claim: VecDeque<Call>,
    touched: bool,
}

impl Mailbox {
    /// An empty mailbox that takes at most `queue_max` commands a lane.
    #[must_use]
    pub fn new(queue_max: usize) -> Self {
        Self {
            lanes: Mutex::default(),
            arrived: Notify::new(),
            queue_max,
        }
    }

    /// Adds a command to its lane; gives it back if the lane is full.
    ///
    /// # Errors
    /// The command.
    #[expect(
        clippy::result_large_err,
        reason = "the call goes back to who answers it"
    )]
    pub fn push(&self, call: Call) -> Result<(), Call> {
        let mut lanes = self.lanes();
        let queue = match call.lane {
            Class::Promoter => &mut lanes.promoter,
            Class::Finish => &mut lanes.finish,
            Class::Claim => &mut lanes.claim,
        };
        if queue.len() >= self.queue_max {
            return Err(call);
        }
        queue.push_back(call);
        drop(lanes);
        self.arrived.notify_one();
        Ok(())
    }

    /// Asks the actor to look at the log and to sweep.
    pub fn touch(&self) {
        self.lanes().touched = true;
        self.arrived.notify_one();
    }

    /// Waits until something was added since the last call.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// The next promoter's command.
    pub fn next_promoter(&self) -> Option<Call> {
        self.lanes().promoter.pop_front()
    }

    /// The next of the other commands.
    pub fn next_other(&self) -> Option<Call> {
        let mut lanes = self.lanes();
        lanes.finish.pop_front().or_else(|| lanes.claim.pop_front())
    }

    /// Whether the actor was asked to look at the log since the last call.
    pub fn take_touch(&self) -> bool {
        std::mem::take(&mut self.lanes().touched)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let lanes = self.lanes();
        !lanes.touched
            && lanes.promoter.is_empty()
            && lanes.finish.is_empty()
            && lanes.claim.is_empty()
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
