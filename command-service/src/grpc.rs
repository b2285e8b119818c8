//! What callers see: requests become commands, answers become responses, refusals become rich errors. The only place of
//! this service that names a gRPC code or reads metadata of a call.
//!
//! - [`service`]: the RPCs.
//! - `requests`: requests as commands.
//! - [`validate`]: all violations of a request in one answer.
//! - [`caller`]: who calls, from where, until when.
//! - [`convert`]: answers to messages.
//! - [`status`]: failures to statuses.
//! - [`refusals`]: what was refused.

pub mod caller;
pub mod convert;
pub mod refusals;
mod requests;
pub mod service;
pub mod status;
pub mod validate;
