//! What clients asked and were told, and when.

use std::collections::BTreeMap;

use onsale_command_service::domain;
use onsale_proto::{reason::Reason, status::reason_of, v1};
use onsale_shared::{
    id::{PoolId, RequestId},
    log::Version,
    time::Timestamp,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// All that clients did to one pool. Its moments are those of one monotonic clock, set once by the log's.
#[derive(Clone, Debug)]
pub struct History {
    /// The pool.
    pub pool: PoolId,
    /// In no order.
    pub commands: Vec<Command>,
    /// One after the other.
    pub looks: Vec<Look>,
}

/// A command of a client's.
#[derive(Clone, Debug)]
pub struct Command {
    /// The same in all its attempts.
    pub id: RequestId,
    /// What was wanted.
    pub asked: domain::Command,
    /// One after the other; at least one. All but the first said that they were repeats.
    pub attempts: Vec<Attempt>,
}

/// A call and its end.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Not after it was sent.
    pub called: Timestamp,
    /// Not before its answer had arrived, or its client had given up.
    pub ended: Timestamp,
    /// What came of it.
    pub reply: Reply,
}

/// What a client was told.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It is in the log.
    Granted(Box<Grant>),
    /// A rule says no.
    Refused(Refusal),
    /// This attempt recorded nothing and never will.
    NotRecorded(Reason),
    /// Nothing definite.
    Unknown,
}

/// A success.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// As it was answered.
    pub receipt: v1::Receipt,
    /// As it was answered; none where the answer has no claim.
    pub claim: Option<v1::Claim>,
}

/// A rule's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which rule.
    pub reason: Reason,
    /// With these numbers.
    pub metadata: BTreeMap<String, String>,
}

/// Somebody looked into the log, past every fault.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Not after the question was sent.
    pub sent: Timestamp,
    /// Not before its answer had arrived.
    pub received: Timestamp,
    /// The pool's last version then.
    pub version: Version,
}

impl Reply {
    /// What a status says.
    #[must_use]
    pub fn of_status(status: &Status) -> Self {
        match (reason_of(status), status.code()) {
            (
                Some(
                    reason @ (Reason::Overloaded
                    | Reason::Contention
                    | Reason::DatabaseUnavailable
                    | Reason::Draining),
                ),
                _,
            ) => Self::NotRecorded(reason),
            (Some(Reason::OutcomeUnknown | Reason::DeadlineExceeded | Reason::Internal), _)
            | (None, _)
            | (Some(_), Code::Unavailable) => Self::Unknown,
            (Some(reason), _) => Self::Refused(Refusal::of_status(reason, status)),
        }
    }

    /// Whether its client has to ask again to learn more.
    #[must_use]
    pub const fn is_definite(&self) -> bool {
        matches!(self, Self::Granted(_) | Self::Refused(_))
    }
}

impl Refusal {
    /// What a status of this reason says.
    #[must_use]
    pub fn of_status(reason: Reason, status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        let metadata = info.map(|info| info.metadata.clone()).unwrap_or_default();
        Self {
            reason,
            metadata: metadata.into_iter().collect(),
        }
    }

    /// Why the command was refused when it was for the first time.
    #[must_use]
    pub fn first_reason(&self) -> &str {
        let first = self.metadata.get("refused_as");
        first.map_or(self.reason.as_str(), String::as_str)
    }

    /// A number of its metadata.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u32> {
        self.metadata.get(key)?.parse().ok()
    }
}

impl Command {
    /// Whether its client was told no.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let mut replies = self.attempts.iter().map(|attempt| &attempt.reply);
        replies.any(|reply| matches!(reply, Reply::Refused(_)))
    }

    /// When its first attempt was sent.
    #[must_use]
    pub fn first_called(&self) -> Timestamp {
        let first = self.attempts.first();
        first.map(|attempt| attempt.called).unwrap_or_default()
    }
}
