//! What both services share. Read [`log`] first, then [`event`].
//!
//! - [`log`]: the event log behind one trait, in memory and in PostgreSQL; the only SQL on the events table.
//! - [`event`]: the facts of a pool, how they are written down, and how old ones stay readable.
//! - [`id`], [`money`], [`time`]: the words of the domain as types.
//! - [`pricing`]: what a ticket costs, and why.
//! - [`token`]: consistency tokens.
//! - [`refusals`]: the trace of what was refused.
//! - [`gradual_map`]: a hash map that never stops a sale in order to grow.
//! - [`telemetry`], [`shutdown`]: what every process needs.
//!
//! Nothing here knows gRPC or a rule of sale.

pub mod event;
pub mod gradual_map;
pub mod id;
pub mod log;
pub mod money;
pub mod pricing;
pub mod refusals;
pub mod shutdown;
pub mod telemetry;
pub mod text;
pub mod time;
pub mod token;
