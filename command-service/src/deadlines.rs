//! The deadlines of claims belong to the log, not to loaded actors: a small checkpointed projection knows which pools
//! hold tickets until when, and has the pools that are due look at their claims. Two sweepers are harmless.
//!
//! - [`index`]: the fold.
//! - [`store`]: its tables and its checkpoint.
//! - [`sweeper`]: follows the log and touches the pools that are due.

pub mod index;
pub mod store;
pub mod sweeper;
