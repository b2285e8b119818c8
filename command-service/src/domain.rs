//! The rules of sale: pure, synchronous, total. Time and ids arrive with the command; nothing here waits, logs, or
//! asks a clock, and nothing knows tokio, sqlx, tonic or prost.
//!
//! - [`commands`]: one command, one file: its context, what it checks, what it records, its tests.
//! - [`partials`]: the state of a pool in parts, each with its own `evolve`.
//! - [`pool`]: the parts together; [`decide()`]: what holds for every command.
//! - [`snapshot`]: a pool's state in bytes.
//! - [`journal`]: undoing what was decided on hope, in proportion to what was decided.

pub mod commands;
pub mod conflicts;
pub mod decide;
pub mod fact;
pub mod journal;
pub mod partials;
pub mod pool;
#[cfg(test)]
pub(crate) mod properties;
pub mod rejection;
pub mod slice;
pub mod snapshot;

pub use commands::Command;
pub use decide::{Decision, Request, decide};
pub use fact::{Entry, Fact, Facts};
pub use pool::Pool;
pub use rejection::Rejection;
