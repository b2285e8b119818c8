//! Where the commands of a pool wait: in three lanes, so that a stop never waits in the queue that it should stop.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;

use super::call::{Call, Failure};
use crate::domain::commands::Class;

/// The commands that wait for a pool's actor, at most `queue_max` in each lane; in that of what finishes claims at most twice
/// as many, in the place of claims, so that no buy is refused while a claim still waits.
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
    /// Takes commands that nobody waits for from the front of a lane: callers give up in about the order in which they
    /// came. Looking at each would cost as much as is in the lane, for every command that finds it full.
    fn drop_dead(&mut self, lane: Class) {
        let (queue, now) = (self.of(lane), Instant::now());
        while let Some(dead) = queue.pop_front_if(|call| call.is_dead(now)) {
            dead.answer(Err(Failure::TooLate));
        }
    }

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
        if lanes.of(lane).len() >= self.queue_max {
            lanes.drop_dead(lane);
        }
        if lanes.of(lane).len() < self.queue_max {
            lanes.of(lane).push_back(call);
            drop(lanes);
            self.arrived.notify_one();
            return None;
        }
        let shed = match lane {
            Class::Finish if lanes.finish.len() < 2 * self.queue_max => lanes.claim.pop_back(),
            Class::Promoter | Class::Finish | Class::Claim => None,
        };
        if shed.is_none() {
            return Some(call);
        }
        lanes.finish.push_back(call);
        shed
    }

    /// Lets go of commands that nobody waits for any more.
    pub fn drop_dead(&self) {
        let mut lanes = self.lanes();
        for lane in Class::ALL {
            lanes.drop_dead(lane);
        }
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
    use std::time::{Duration, Instant};

    use onsale_shared::{event::CommandHash, id::RequestId};
    use tokio::sync::oneshot;
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{Request, commands::testing},
        pools::{Caller, Place, Reply, Stage},
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
            deadline: Instant::now() + Duration::from_secs(60),
            lane,
            stage: Stage::default(),
            reply: Reply::Call(oneshot::channel().0),
            attempts: 0,
            place: Place::free(),
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

    #[test]
    fn what_finishes_claims_has_twice_the_room_at_most() {
        let mailbox = Mailbox::new(2);
        let push = |n, lane| mailbox.push(call(n, lane)).as_ref().map(id);
        let mut taken = 0;
        // Each buy that takes the place of a claim lets another claim in.
        for n in 0..100 {
            push(n, Class::Claim);
            taken += usize::from(push(1_000 + n, Class::Finish) != Some(1_000 + n));
        }
        assert_eq!(taken, 4);
    }

    #[test]
    fn a_full_lane_lets_go_of_those_whom_nobody_waits_for() {
        let mailbox = Mailbox::new(3);
        let (gone, late) = (call(1, Class::Claim), call(2, Class::Claim));
        let late = Call {
            deadline: Instant::now(),
            ..late
        };
        let stage = gone.stage.clone();
        for waiting in [gone, late, call(3, Class::Claim)] {
            assert!(mailbox.push(waiting).is_none());
        }
        assert!(stage.abandon());
        assert!(mailbox.push(call(4, Class::Claim)).is_none());
        let left: Vec<_> = std::iter::from_fn(|| mailbox.next_other()).collect();
        assert_eq!(left.iter().map(id).collect::<Vec<_>>(), [3, 4]);
    }
}
