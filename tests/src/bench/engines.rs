//! What is measured against what: Onsale, and the ways of selling tickets that it has to be compared with. All speak the
//! same contract, each in a process of its own, on the same PostgreSQL.
//!
//! - [`answer`]: what an engine without rules answers.
//! - [`atomic_update`]: `UPDATE … WHERE available >= n`, a statement a request.
//! - [`for_update`]: `SELECT … FOR UPDATE`, a transaction a request.
//! - [`batched`]: `UPDATE` for all requests that came during the one before.
//! - `bare_select`: a `SELECT` a read.
//! - [`server`](mod@server): the naive engines' gRPC server, a subcommand of this program.
//! - [`running`]: an engine that runs.

pub mod answer;
pub mod atomic_update;
mod bare_select;
pub mod batched;
pub mod for_update;
pub mod running;
pub mod server;

use clap::ValueEnum;
use serde::Serialize;

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// command-service, unary calls
    Onsale,
    /// command-service, one `Execute` stream on each connection
    OnsaleStream,
    /// One conditional UPDATE a request
    NaiveAtomicUpdate,
    /// BEGIN, SELECT … FOR UPDATE, UPDATE, COMMIT a request
    NaiveForUpdate,
    /// One UPDATE for all requests that came during the one before
    BatchedSql,
    /// No database: decodes the request and answers a claim
    Echo,
    /// Reads pools alone: one SELECT by key a request
    BareSelect,
}

impl Engine {
    /// Those that keep a counter in a table.
    pub const NAIVE: [Self; 3] = [
        Self::NaiveAtomicUpdate,
        Self::NaiveForUpdate,
        Self::BatchedSql,
    ];

    /// Its name, in tables and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Onsale => "onsale",
            Self::OnsaleStream => "onsale-stream",
            Self::NaiveAtomicUpdate => "naive-atomic-update",
            Self::NaiveForUpdate => "naive-for-update",
            Self::BatchedSql => "batched-sql",
            Self::Echo => "echo",
            Self::BareSelect => "bare-select",
        }
    }

    /// With how many connections to PostgreSQL it is run: what `onsale-bench sweep` finds best, see
    /// `docs/benchmarks/sweep.json` (of the second engine 2 and 4 are within 1 %).
    #[must_use]
    pub const fn best_connections(self) -> u32 {
        match self {
            Self::NaiveAtomicUpdate => 8,
            Self::NaiveForUpdate => 4,
            Self::BatchedSql => 1,
            // Onsale has its own settings, echo has none.
            Self::Onsale | Self::OnsaleStream | Self::Echo => 0,
            Self::BareSelect => 16,
        }
    }
}
