//! Was anything lost, doubled, oversold or untrue? What clients asked and were told, held against the log; pure, so that
//! the checker itself can be tested with histories that are wrong on purpose.
//!
//! - [`record`]: what clients asked and were told, and when.
//! - [`finding`]: what can be wrong.
//! - [`check()`]: one pass over the log, with everything that has to hold at each of its events.
//! - [`counts`]: what a history has hit; one that hit too little shows nothing.
//! - `replay`: the pool after each event, as the service folds it, and a naive count of its own beside it.
//! - `windows`: which versions were current between two moments.
//! - `decided`: are recorded events what the rules make of their command on the history before them?
//! - `statements`, `answers`, `refusals`: was what clients were told true at one of the versions that were current?
//! - `commands`: is each command in the log as often as its client was told?

mod answers;
mod check;
mod commands;
pub mod counts;
mod decided;
pub mod finding;
pub mod record;
mod refusals;
mod replay;
mod statements;
#[cfg(test)]
mod tests;
mod windows;

pub use check::check;
pub use counts::Counts;
pub use finding::{Finding, Kind};
pub use record::{Attempt, Command, Grant, History, Look, Refusal, Reply};

use std::time::Duration;

/// How far the clocks of clients, instances and the log may be apart, and nobody may complain.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(1);
/// How far a moment of a client's is known by the log's clock.
const MOMENT_ERROR: Duration = Duration::from_millis(20);
/// How far the time of a decision is known by the calls around it.
const DECISION_ERROR: Duration = Duration::from_millis(50);
/// `SOLD_OUT` and `SOLD_OUT_FOR_NOW` may rest on a state that was confirmed so long before the call.
const SOLD_OUT_AGE_MAX: Duration = Duration::from_millis(100);
