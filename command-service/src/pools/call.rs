//! A command on its way through its pool.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Instant,
};

use onsale_shared::{
    id::ClaimId,
    log::{Origin, Position, Version},
    money::Currency,
    pricing::PricePoint,
    time::Timestamp,
};
use tokio::sync::{mpsc, oneshot};

use super::admission::Place;
use crate::domain::{
    Rejection, Request,
    commands::Class,
    partials::{Claim, Death},
};

/// A command, who sent it, and who waits for the answer.
#[derive(Debug)]
pub struct Call {
    /// What is wanted.
    pub request: Request,
    /// Decide and answer, record nothing.
    pub validate_only: bool,
    /// Who sent it.
    pub caller: Caller,
    /// From when on nobody waits any more.
    pub deadline: Instant,
    /// Where it waits: in the lane of its class, or behind others of its stream.
    pub lane: Class,
    /// Whether it is still sure that nothing of it is recorded.
    pub stage: Stage,
    /// Where the answer goes.
    pub reply: Reply,
    /// How often it was decided.
    pub attempts: u32,
    /// Among all commands that wait.
    pub place: Place,
}

/// Where the answer to a command goes.
#[derive(Debug)]
pub enum Reply {
    /// To a call of its own.
    Call(oneshot::Sender<Result<Answer, Failure>>),
    /// To a stream of many.
    Stream {
        /// The command's number in its stream.
        number: u64,
        /// To all answers of the stream. Never full: an answer that found no room would be lost, and its caller left to wait.
        answers: mpsc::UnboundedSender<Numbered>,
    },
}

/// The answer to a command of a stream, with its number.
pub type Numbered = (u64, Result<Answer, Failure>);

/// Who sent a command, for the log.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The authenticated principal, or what stands in for it.
    pub actor: String,
    /// The conversation.
    pub correlation_id: Option<String>,
    /// The trace.
    pub traceparent: Option<String>,
    /// Where it came from; kept beside the log.
    pub origin: Option<Origin>,
}

/// What a caller gets when the command is in the log, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The version after the command.
    pub version: Version,
    /// The position of its last event; none with `validate_only`.
    pub position: Option<Position>,
    /// When it was decided.
    pub time: Timestamp,
    /// The claim that it was about, as it is now.
    pub claim: Option<ClaimView>,
    /// What tickets would cost, where a promoter tries a price rule.
    pub price_preview: Vec<PricePoint>,
}

/// A claim as its caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimView {
    /// Which.
    pub id: ClaimId,
    /// The claim.
    pub claim: Claim,
    /// Whether it is dead, swept or not.
    pub death: Option<Death>,
    /// Of its price.
    pub currency: Currency,
}

/// What a caller gets otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A rule says no, and did so at a version between the call and the answer.
    Rejected(Rejection),
    /// Too many wait already; nothing was recorded.
    Overloaded,
    /// It waited until its deadline; nothing was recorded.
    TooLate,
    /// Others changed the pool faster; nothing was recorded.
    Contention,
    /// The log cannot be reached; nothing was recorded.
    DatabaseUnavailable,
    /// The server is about to end; nothing was recorded.
    Draining,
    /// Sent to the log, without an answer in time.
    OutcomeUnknown,
    /// A defect.
    Internal,
}

/// Shared between who waits and who decides, so that a caller who gives up knows whether anything was sent.
#[derive(Clone, Debug, Default)]
pub struct Stage(Arc<AtomicU8>);

/// Nothing of it is recorded.
const WAITING: u8 = 0;
/// It may be recorded.
const TAKEN: u8 = 1;
/// It may be recorded this once; if it is not, it never will be.
const TAKEN_AND_LEFT: u8 = 2;
/// It never will be recorded.
const ABANDONED: u8 = 3;

impl Stage {
    /// The command is about to be sent to the log; `false` if its caller gave up before.
    #[must_use]
    pub fn take(&self) -> bool {
        self.step(|stage| if stage == WAITING { TAKEN } else { stage }) != ABANDONED
    }

    /// It was not recorded after all. A caller who gave up meanwhile stays given up: he may have been told that nothing
    /// of it will ever be recorded, and he may have asked another instance and been refused.
    pub fn put_back(&self) {
        let before = self.step(|stage| match stage {
            TAKEN => WAITING,
            TAKEN_AND_LEFT => ABANDONED,
            other => other,
        });
        if before == TAKEN_AND_LEFT {
            tracing::debug!("a caller gave up on a command that was to be decided again");
        }
    }

    /// The caller gives up; `true` if it is sure that nothing was and will be recorded.
    #[must_use]
    pub fn abandon(&self) -> bool {
        let before = self.step(|stage| match stage {
            TAKEN => TAKEN_AND_LEFT,
            WAITING => ABANDONED,
            other => other,
        });
        matches!(before, WAITING | ABANDONED)
    }

    /// Whether the caller gave up before it was sent: it never will be recorded.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.0.load(Ordering::Acquire) == ABANDONED
    }

    /// Goes from one stage to the next, and returns the one before.
    fn step(&self, next: impl Fn(u8) -> u8) -> u8 {
        let stepped = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |stage| {
                Some(next(stage))
            });
        stepped.unwrap_or_else(|stage| stage)
    }
}

impl Call {
    /// Whether nobody waits any more, so that it will not be decided.
    #[must_use]
    pub fn is_dead(&self, now: Instant) -> bool {
        self.stage.is_abandoned() || now >= self.deadline
    }

    /// Answers; a caller that is gone does not matter.
    pub fn answer(self, answer: Result<Answer, Failure>) {
        match self.reply {
            Reply::Call(reply) => drop(reply.send(answer)),
            Reply::Stream { number, answers } => drop(answers.send((number, answer))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_up_knows_whether_anything_was_sent() {
        let stage = Stage::default();
        assert!(stage.clone().abandon());
        assert!(stage.is_abandoned());
        assert!(!stage.take(), "dropped before it is sent");

        let stage = Stage::default();
        assert!(stage.take());
        stage.put_back();
        assert!(stage.abandon(), "was not recorded");
        stage.put_back();
        assert!(
            !stage.take(),
            "who was told that nothing is recorded stays right"
        );

        let stage = Stage::default();
        assert!(stage.take());
        assert!(!stage.abandon(), "may be recorded");
        stage.put_back();
        assert!(
            !stage.take(),
            "who gave up while it could be recorded does not get it by a later decision"
        );
        assert!(stage.abandon(), "was not recorded, and will not be");
    }
}
