//! What a projection is: a name, a version, tables, and code that writes what events mean into them.

use std::fmt;

use async_trait::async_trait;
use onsale_shared::log::Position;
use sqlx::PgConnection;

use super::Entry;

/// A projection, as it is declared: everything that one needs to be run, rebuilt, compared and read.
#[derive(Clone, Copy)]
pub(crate) struct Projection {
    /// As checkpoints, `GetProjections` and the command line name it.
    pub(crate) name: &'static str,
    /// Of its code and tables. A higher one than that of the live tables has them built anew, beside the live ones.
    pub(crate) version: i32,
    /// Its tables with their primary keys, in SQL; names are without a schema, each generation has one of its own.
    pub(crate) tables_sql: &'static str,
    /// All other indexes, in SQL; made after a rebuild has filled the tables.
    pub(crate) indexes_sql: &'static str,
    /// The tables, and by what their rows are told apart when two generations are compared.
    pub(crate) tables: &'static [Table],
    /// A projector without any memory yet.
    pub(crate) projector: fn() -> Box<dyn Projector>,
}

/// A table of a projection. Queries read it as the view `onsale_read.<name>`, which shows the live generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The columns of its primary key, separated by commas.
    pub(crate) key: &'static str,
}

/// Writes what events mean. It never rejects: a fact has happened.
#[async_trait]
pub(crate) trait Projector: Send {
    /// Writes the effect of the next entries of the log, in their order, none left out. Runs in the transaction that has
    /// moved the checkpoint past them, with the generation's schema as search path, so table names have no schema. What
    /// an event contradicts is marked, not refused.
    ///
    /// # Errors
    /// An entry cannot be read by this version, or the database failed; the transaction is rolled back, and
    /// [`Self::forget`] is called.
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError>;

    /// Forgets what is remembered of the tables: a transaction was rolled back, or somebody else has written.
    fn forget(&mut self) {}
}

/// Why entries were not applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// The projection cannot go past this event with this code.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    #[error("the tables cannot be written")]
    Database(#[from] sqlx::Error),
}

/// An event that a projection cannot go past.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event at position {position} cannot be applied: {reason}")]
pub(crate) struct Blocked {
    pub(crate) position: Position,
    /// For operators; no customer's data.
    pub(crate) reason: String,
}

impl fmt::Debug for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Projection")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
