//! An event as projections take it: read once for all of them, and decoded once, when the first of them needs it.

use std::sync::OnceLock;

use onsale_shared::{
    event::{Metadata, PoolEvent},
    id::PoolId,
    log::RecordedEvent,
};

use super::Blocked;

/// An event of the log with its place, decoded at most once.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) event: RecordedEvent,
    /// None if the stream is not a pool's; such an event concerns no read model of pools.
    pub(crate) pool: Option<PoolId>,
    fact: OnceLock<Result<PoolEvent, String>>,
    metadata: OnceLock<Result<Metadata, String>>,
}

impl Entry {
    pub(crate) fn new(event: RecordedEvent) -> Self {
        Self {
            pool: event.stream.pool(),
            event,
            fact: OnceLock::new(),
            metadata: OnceLock::new(),
        }
    }

    /// The fact. Asked for only by who needs it, so that what cannot be read stops nobody else.
    ///
    /// # Errors
    /// This version cannot read it.
    pub(crate) fn fact(&self) -> Result<&PoolEvent, Blocked> {
        let decoded = self
            .fact
            .get_or_init(|| self.event.decode().map_err(|error| error.to_string()));
        decoded.as_ref().map_err(|reason| self.blocked(reason))
    }

    /// Who caused it.
    ///
    /// # Errors
    /// This version cannot read it.
    pub(crate) fn metadata(&self) -> Result<&Metadata, Blocked> {
        let decoded = self
            .metadata
            .get_or_init(|| self.event.metadata().map_err(|error| error.to_string()));
        decoded.as_ref().map_err(|reason| self.blocked(reason))
    }

    fn blocked(&self, reason: &str) -> Blocked {
        Blocked {
            position: self.event.position,
            reason: reason.to_owned(),
        }
    }
}
