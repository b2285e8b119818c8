//! Measurements, through the public interface of release builds on a durable database. Run by `make bench`.
//!
//! - [`engines`]: Onsale, and what it is compared with.
//! - [`fill`]: a log with millions of events.
//! - [`growth`]: whether a large log is slower than a small one.
//! - [`load`](mod@load): the load generator.
//! - [`load_time`]: how long a pool of a million events takes to load.
//! - [`many_pools`]: how much memory an instance takes over a log of many pools.
//! - [`meter`]: what a load costs.
//! - [`scenarios`]: what is measured.
//! - [`report`]: what is said about it.
//! - [`sweep`](mod@sweep): how many connections the naive engines need to be at their best.
//! - [`wear_in`](mod@wear_in): a server as it is after some time.

pub mod engines;
pub mod fill;
mod filling;
pub mod growth;
pub mod load;
pub mod load_time;
pub mod many_pools;
pub mod meter;
pub mod report;
pub mod scenarios;
pub mod sweep;
pub mod wear_in;
