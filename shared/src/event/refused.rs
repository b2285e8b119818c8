//! A refusal that is for good: what makes sure that no earlier attempt of the same command is recorded after it.

use serde::{Deserialize, Serialize};

use crate::text::Reference;

/// See [`PoolEvent::CommandRefused`](super::PoolEvent::CommandRefused).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRefused {
    /// The name of the command, such as `ClaimTickets`.
    pub command: String,
    /// Why, as the caller was told; a reason of the catalogue.
    pub reason: String,
    /// For whom tickets were asked, where the command says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Reference>,
}
