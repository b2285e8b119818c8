//! Loading a pool's state, and having it kept for the next time.

use onsale_shared::log::ReadError;

use super::Actor;
use crate::{pools::history, snapshots::Snapshots};

impl Actor {
    /// From its snapshot, if there is one, and later events.
    pub(super) async fn load(&mut self) -> Result<(), ReadError> {
        let (log, snapshots) = (&self.context.log, &self.context.snapshots);
        let loaded = history::load(log.as_ref(), snapshots.as_ref(), &self.id).await?;
        (self.pool, self.snapshot) = (loaded.pool, loaded.snapshot);
        Ok(())
    }

    /// Has a snapshot made, from the log, when the pool has gained as many events since the last one as make it worth
    /// its while.
    pub(super) fn ask_for_snapshot(&mut self, worth: fn(&Snapshots) -> i64) {
        let version = self.pool.version();
        if let Some(snapshots) = &self.context.snapshots
            && version.distance_from(self.snapshot) >= worth(snapshots)
            && self.pool.corrupted_at().is_none()
        {
            snapshots.ask(&self.id, version);
            self.snapshot = version;
        }
    }
}
