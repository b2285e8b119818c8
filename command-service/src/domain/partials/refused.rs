//! Which commands were refused for good, so that no other attempt of them is ever recorded.

use std::sync::Arc;

use onsale_shared::{
    event::{CommandHash, PoolEvent},
    id::RequestId,
    log::Version,
    time::Timestamp,
};

use super::{
    journaled_by,
    requests::{clear_forgotten, is_forgotten},
};
use crate::domain::{
    fact::Entry,
    journal::{Map, Queue},
    snapshot::{Damaged, Reader, Writer},
};

/// The commands that were refused for good. They are remembered as long as those that were [recorded](super::Requests).
#[derive(Clone, Debug, Default)]
pub struct Refused {
    by_id: Map<RequestId, RefusedCommand>,
    /// The keys of `by_id`, in the order in which they were refused. One that was forgotten and refused again has a later place, too.
    oldest_first: Queue<(Timestamp, RequestId)>,
}

/// What is remembered of a command that was refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCommand {
    /// Of the validated command.
    pub hash: CommandHash,
    /// Why; a reason of the catalogue.
    pub reason: Arc<str>,
    /// The version that says so.
    pub version: Version,
    /// When it was decided.
    pub time: Timestamp,
}

journaled_by!(Refused, by_id, oldest_first);

impl Refused {
    /// What is remembered of a command at `at`; what is older is forgotten, whether it has been cleared away or not.
    #[must_use]
    pub fn known(&self, id: RequestId, at: Timestamp) -> Option<&RefusedCommand> {
        self.by_id
            .get(&id)
            .filter(|refused| !is_forgotten(refused.time, at))
    }

    pub(crate) fn evolve(&mut self, entry: &Entry<'_>) {
        let (by_id, oldest_first) = (&mut self.by_id, &mut self.oldest_first);
        clear_forgotten(by_id, oldest_first, |known| known.time, entry.time);
        if let (PoolEvent::CommandRefused(refused), Some(id)) = (entry.event, entry.request) {
            let refused = RefusedCommand {
                hash: entry.command_hash.unwrap_or(CommandHash(0)),
                reason: refused.reason.as_str().into(),
                version: entry.version,
                time: entry.time,
            };
            self.by_id.set(id, refused);
            self.oldest_first.push((entry.time, id));
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer, at: Timestamp) {
        // In the order in which they were refused, each once: at the place that is its own.
        let in_order = self.oldest_first.iter().filter_map(|(time, id)| {
            let refused = self.known(*id, at)?;
            let said = (refused.hash.0, &*refused.reason, refused.version);
            (refused.time == *time).then_some((id, time.as_micros(), said))
        });
        let rows: Vec<_> = in_order.collect();
        writer.put_rows(rows.into_iter());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut refused = Self::default();
        for _ in 0..reader.rows()? {
            let (id, time, (hash, reason, version)): (RequestId, i64, (u128, &str, Version)) =
                reader.take()?;
            let command = RefusedCommand {
                hash: CommandHash(hash),
                reason: reason.into(),
                version,
                time: Timestamp::from_micros(time),
            };
            refused.oldest_first.push((command.time, id));
            refused.by_id.set(id, command);
        }
        Ok(refused)
    }
}

#[cfg(test)]
mod tests;
