//! The load generator: closed and open loops of gRPC calls, on one thread, since it shares the machine with what it
//! measures.
//!
//! - [`connection`]: calls over HTTP/2, with nothing between.
//! - [`template`]: requests that are encoded once.
//! - [`calls`]: what is called, and which answers are expected.
//! - [`closed`](mod@closed): so many calls in flight, always.
//! - [`open`](mod@open): so many calls a second, whatever becomes of them.
//! - [`stream`]: so many commands in flight, through `Execute`.
//! - [`tally`]: what is counted.
//! - [`zipf`]: which pool.

pub mod calls;
pub mod closed;
pub mod connection;
pub mod open;
pub mod stream;
pub mod tally;
pub mod template;
pub mod zipf;

use std::time::Duration;

/// How long a load runs.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Before anything is counted.
    pub warm_up: Duration,
    /// What is counted.
    pub span: Duration,
}
