//! Where the commands of a pool wait: in three lanes, so that a stop never waits in the queue that it should stop.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::call::Call;
use crate::domain::commands::Class;

/// The commands that wait for a pool's actor, at most `queue_max` in each lane; in that of what finishes claims twice as
/// many, in the place of claims, so that no buy is refused while a claim still waits.
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

impl Lanes {
    const fn of(&mut self, lane: Class) -> &mut VecDeque<Call> {
        match lane {
            Class::Promoter => &mut self.promoter,
            Class::Finish => &mut self.finish,
            Class::Claim => &mut self.claim,
        }
    }
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

    /// Adds a command to its lane. Returns the command that finds no place, if one does not: itself, or the newest claim
    /// where what finishes a claim needs its place.
    pub fn push(&self, call: Call) -> Option<Call> {
        let mut lanes = self.lanes();
        let lane = call.lane;
        let queue = lanes.of(lane);
        if queue.len() < self.queue_max {
            queue.push_back(call);
            drop(lanes);
            self.arrived.notify_one();
            return None;
        }
        let shed = match lane {
            Class::Finish => lanes.claim.pop_back(),
            Class::Promoter | Class::Claim => None,
        };
        if shed.is_none() {
            return Some(call);
        }
        lanes.finish.push_back(call);
        shed
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use onsale_shared::{event::CommandHash, id::RequestId};
    use tokio::sync::oneshot;
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{Request, commands::testing},
        pools::{Caller, Reply, Stage},
    };

    fn call(id: u128, lane: Class) -> Call {
        Call {
            request: Request {
                id: RequestId(Uuid::from_u128(id)),
                hash: CommandHash(id),
                is_repeat: false,
                command: testing::claim(1),
            },
            validate_only: false,
            caller: Caller::default(),
            deadline: Instant::now(),
            lane,
            stage: Stage::default(),
            reply: Reply::Call(oneshot::channel().0),
            attempts: 0,
        }
    }

    fn id(call: &Call) -> u128 {
        call.request.id.0.as_u128()
    }

    #[test]
    fn claims_are_shed_before_what_finishes_claims() {
        let mailbox = Mailbox::new(2);
        let push = |n, lane| mailbox.push(call(n, lane)).as_ref().map(id);
        assert_eq!(push(1, Class::Claim), None);
        assert_eq!(push(2, Class::Claim), None);
        assert_eq!(push(3, Class::Claim), Some(3), "its lane is full");
        assert_eq!(push(4, Class::Finish), None);
        assert_eq!(push(5, Class::Finish), None);
        assert_eq!(push(6, Class::Finish), Some(2), "in the place of a claim");
        assert_eq!(push(7, Class::Finish), Some(1));
        assert_eq!(push(8, Class::Finish), Some(8), "no claim waits any more");
        assert_eq!(push(9, Class::Promoter), None);
        assert_eq!(push(10, Class::Promoter), None);
        assert_eq!(push(11, Class::Promoter), Some(11));
        let order: Vec<_> = std::iter::from_fn(|| mailbox.next_promoter())
            .chain(std::iter::from_fn(|| mailbox.next_other()))
            .map(|call| id(&call))
            .collect();
        assert_eq!(order, [9, 10, 4, 5, 6, 7]);
    }
}
