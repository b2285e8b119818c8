//! The read side of Onsale: follows the event log into live availability and read models, and answers queries.
//!
//! ```text
//! tail ─▶ availability (fold ▶ hub) ─▶ GetAvailability, WatchAvailability, QuotePrice
//!   └─ pages ─▶ projections ◀─┘ ─▶ read_models (PostgreSQL) ─▶ GetPool, ListClaims, ReadEvents, GetSalesReport, …
//! ```
//!
//! - `tail` starts from the read model without a seam and follows the log; it is the only writer of memory.
//! - `availability` folds events into pools and hands them to readers and subscribers, from memory.
//! - `projections` writes what events mean into PostgreSQL, one leader at a time; `read_models` is the SQL of it.
//! - `reporting` makes the documented views for people with SQL.
//! - `maintain` is what an operator runs beside the service: tables built anew, or compared with the log.
//! - `queries` answers: it waits for the freshness that was asked for and reads.
//! - `grpc` is the edge: validation, conversion, deadlines, status codes, health.
//!
//! Nothing here decides on a sale, and nothing here writes to the log.

mod availability;
mod config;
mod database;
mod grpc;
mod lag;
mod maintain;
mod metrics;
mod migrate;
mod pool;
mod projections;
mod queries;
mod read_models;
mod readiness;
mod reporting;
mod serve;
mod tail;

pub use config::Config;
pub use maintain::{rebuild, verify};
pub use migrate::migrate;
pub use projections::rebuild::{Comparison, RebuildOptions};
pub use serve::serve;
