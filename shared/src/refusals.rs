//! The trace of refusals: how many callers were refused what in each second, with a few samples, so that an operator can
//! say what happened to "I was told sold out at 10:00:01". Written by command-service, read by query-service; all SQL on
//! its table is here.

mod list;
mod write;

pub use list::{Key, Selection, list};
pub use write::{add, forget};

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What one instance refused to callers of one pool in one second for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusals {
    /// The second, by the log's clock.
    pub second: Timestamp,
    /// The id of the pool; empty for names that no pool has, and for all pools beyond those that are told apart.
    pub pool: String,
    /// The reason of the catalogue, such as `SOLD_OUT`.
    pub reason: String,
    /// The instance of command-service.
    pub instance: String,
    /// How many.
    pub count: u64,
    /// The first of them, at most [`Self::SAMPLES_MAX`].
    pub samples: Vec<Sample>,
}

impl Refusals {
    /// How many refusals of each kind are kept with all that is known of them.
    pub const SAMPLES_MAX: usize = 3;
}

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was answered, by the log's clock.
    pub time: Timestamp,
    /// The command, as its name in the contract.
    pub command: String,
    /// The caller's id of it.
    pub request_id: String,
    /// The conversation, as the caller named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Who called.
    pub actor: String,
    /// For whom, where the command says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// What the caller was told.
    pub message: String,
}
