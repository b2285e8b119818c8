//! command-service: validates commands and appends events with expected-version checks.
//!
//! Read [`domain`] for the rules, [`pools`] for how a command becomes events, [`deadlines`] for how places of dead
//! claims come back though nobody asks, [`snapshots`] for how a pool of a million events is loaded, [`grpc`] for what
//! callers see, [`serve`](serve()) for how it all starts and ends, [`verify`] for the proof that all of the log can have
//! happened, [`metrics`] for what is measured, [`refusals`] for the trace of what was refused.

pub mod aside;
pub mod background;
mod config;
pub mod deadlines;
pub mod domain;
pub mod grpc;
pub mod metrics;
pub mod pools;
pub mod refusals;
mod schema;
mod serve;
pub mod snapshots;
pub mod verify;

pub use config::Config;
pub use serve::{migrate, serve};
