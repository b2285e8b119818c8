//! Who caused an event, in which conversation, by which instance. No personal data: ip and user agent stand beside the
//! log, in `event_origins`, where they can be erased.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use uuid::{Uuid, fmt::Simple};

use crate::id::{EventId, RequestId};

/// The `metadata` column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Read")]
pub struct Metadata {
    /// The command that the event belongs to; none for what the server does by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// The event that led to this one: a claim to its release at the deadline, a stop to a voided claim, a claim to
    /// a bought ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<EventId>,
    /// On the first event of a command only.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandMetadata>,
}

/// [`Metadata`] as it is read: all in one struct. A flattened one would be kept in pieces first, and every reader of the
/// log reads this with every event.
#[derive(Deserialize)]
struct Read {
    request_id: Option<RequestId>,
    causation_id: Option<EventId>,
    command_hash: Option<CommandHash>,
    correlation_id: Option<String>,
    traceparent: Option<String>,
    actor: Option<String>,
    source: Option<Source>,
}

impl From<Read> for Metadata {
    fn from(read: Read) -> Self {
        let of_command = read.actor.zip(read.source);
        Self {
            request_id: read.request_id,
            causation_id: read.causation_id,
            command: of_command.map(|(actor, source)| CommandMetadata {
                command_hash: read.command_hash,
                correlation_id: read.correlation_id,
                traceparent: read.traceparent,
                actor,
                source,
            }),
        }
    }
}

/// What the first event of a command says of the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandMetadata {
    /// Of the validated command, so that a repeat with other content is recognised; none for what the server does by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_hash: Option<CommandHash>,
    /// The conversation, as the caller named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The W3C trace that the call belonged to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Who called.
    pub actor: String,
    /// Which program decided.
    pub source: Source,
}

/// Which program decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `command-service`.
    pub service: String,
    /// Its version.
    pub version: String,
    /// Which of its instances.
    pub instance: String,
}

/// 128 bits that tell one validated command from another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandHash(pub u128);

impl fmt::Debug for CommandHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for CommandHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The fastest 32 digits at hand.
        let mut digits = [0; Simple::LENGTH];
        let hex = Uuid::from_u128(self.0).simple().encode_lower(&mut digits);
        serializer.serialize_str(hex)
    }
}

impl<'de> Deserialize<'de> for CommandHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        u128::from_str_radix(&hex, 16)
            .map(Self)
            .map_err(de::Error::custom)
    }
}

impl Metadata {
    /// Reads the `metadata` column.
    ///
    /// # Errors
    /// Not what [`Self::to_json`] writes.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Writes the `metadata` column.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_first_event() -> Metadata {
        Metadata {
            request_id: Some(RequestId(uuid::Uuid::from_u128(1))),
            causation_id: None,
            command: Some(CommandMetadata {
                command_hash: Some(CommandHash(7)),
                correlation_id: None,
                traceparent: None,
                actor: "anonymous".into(),
                source: Source {
                    service: "command-service".into(),
                    version: "0.1.0".into(),
                    instance: "a".into(),
                },
            }),
        }
    }

    #[test]
    fn metadata_is_read_back() {
        let later = Metadata {
            command: None,
            ..of_first_event()
        };
        for metadata in [of_first_event(), later, Metadata::default()] {
            assert_eq!(
                Metadata::from_json(&metadata.to_json().unwrap()).unwrap(),
                metadata
            );
        }
    }
}
