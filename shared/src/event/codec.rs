//! Facts ↔ what the log keeps: `(type, schema, data)`.

use super::{EventType, PoolEvent, upcast};

/// A fact as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The `type` column.
    pub kind: &'static str,
    /// The `schema` column.
    pub schema: i16,
    /// The `data` column, JSON.
    pub data: String,
}

/// Why an event of the log cannot be read. It is in the log all the same: whoever meets it stops and says so.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A newer version of the program wrote it, or somebody else did.
    #[error("event type {kind:?} is not known to this version")]
    UnknownType {
        /// The `type` column.
        kind: String,
    },
    /// A newer version of the program wrote it.
    #[error("schema {schema} of {kind} is not known to this version, which writes {newest}")]
    UnknownSchema {
        /// The kind.
        kind: &'static str,
        /// The `schema` column.
        schema: i16,
        /// What this version writes.
        newest: i16,
    },
    /// The data does not fit its schema.
    #[error("the data of {kind}, schema {schema}, does not fit")]
    Data {
        /// The kind.
        kind: &'static str,
        /// The `schema` column.
        schema: i16,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
}

/// Writes a fact in today's schema.
///
/// # Errors
/// None in practice: the facts hold nothing that JSON cannot say.
pub fn encode(event: &PoolEvent) -> Result<Encoded, serde_json::Error> {
    let kind = event.kind();
    Ok(Encoded {
        kind: kind.as_str(),
        schema: kind.schema(),
        data: event.write()?,
    })
}

/// Reads a fact of any schema version that was ever written.
///
/// # Errors
/// An unknown type or schema, or data that does not fit.
pub fn decode(kind: &str, schema: i16, data: &str) -> Result<PoolEvent, DecodeError> {
    let kind = EventType::parse(kind).ok_or_else(|| DecodeError::UnknownType {
        kind: kind.to_owned(),
    })?;
    let newest = kind.schema();
    let damaged = |source| DecodeError::Data {
        kind: kind.as_str(),
        schema,
        source,
    };
    if schema == newest {
        return kind.read(data).map_err(damaged);
    }
    let value = serde_json::from_str(data).map_err(damaged)?;
    let value = upcast::to_newest(kind, schema, value).ok_or(DecodeError::UnknownSchema {
        kind: kind.as_str(),
        schema,
        newest,
    })?;
    kind.read(&value.to_string()).map_err(damaged)
}
