//! Where a runner has from what it writes.

use sqlx::PgConnection;

use super::Engine;
use crate::{
    projections::{
        pools,
        writer::{Interrupted, Step, Writer},
    },
    read_models::generations::Generation,
    readiness::Readiness,
};

/// Where what is written comes from.
pub(super) enum Feed {
    /// The log.
    Log(Writer),
    /// Memory: what changed since the generation's position.
    Memory,
}

/// Whether there is more to write at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum More {
    Yes,
    No,
}

impl Feed {
    /// Whether nothing more can come: memory follows the log no longer.
    pub(super) fn has_ended(&self, engine: &Engine) -> bool {
        matches!(self, Self::Memory) && *engine.readiness.borrow() == Readiness::Stopped
    }

    pub(super) fn forget(&mut self) {
        match self {
            Self::Log(writer) => writer.forget(),
            Self::Memory => {}
        }
    }

    /// Writes what comes next; none if nothing does yet.
    pub(super) async fn write(
        &mut self,
        engine: &Engine,
        session: &mut PgConnection,
        live: &Generation,
    ) -> Result<Option<(Step, More)>, Interrupted> {
        let position = live.progress.position;
        let writer = match self {
            // What memory has of other tables would undo what these were built anew for; it is being loaded again.
            Self::Memory if engine.hub.generation() != live.number => return Ok(None),
            Self::Memory => {
                let cut = engine.hub.changed_since(position);
                if cut.progress.position <= position {
                    // Whoever is fed by memory stops where it does, as visibly as the others.
                    let blocked = engine.memory_blocked.borrow().clone();
                    let blocked = blocked.filter(|at| at.position == position.next());
                    return Ok(blocked.map(|blocked| (Step::Blocked(blocked), More::No)));
                }
                return Ok(Some((pools::write(session, live, &cut).await?, More::No)));
            }
            Self::Log(writer) => writer,
        };
        let observed = engine.hub.progress();
        let batch = engine.pages.after(position, writer.events_max()).await?;
        let entries = batch.entries();
        let Some(last) = entries.last() else {
            return Ok(None);
        };
        let step = writer.write(session, live, &entries, observed).await?;
        let more = match &step {
            Step::Moved(to) if to.position < last.event.position => More::Yes,
            _ if entries.len() == writer.events_max() => More::Yes,
            Step::Moved(_) | Step::Replaced | Step::Blocked(_) => More::No,
        };
        Ok(Some((step, more)))
    }
}
