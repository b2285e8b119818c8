//! Harness of the tests: databases of their own, the real services, callers that speak gRPC, and proofs from the log.
//!
//! - [`database`]: a database for each test.
//! - [`service`]: a service as a process of its own, to be stopped, frozen or killed.
//! - [`system`]: a database and services together.
//! - [`caller`]: what a promoter and a customer do, a verb each.
//! - [`proof`]: what the log says, asked in SQL.
//! - [`proxy`]: a network that fails when it is told to.
//! - [`scrape`](mod@scrape): what a service measures of itself.
//! - [`history`]: what clients were told, held against the log.
//! - [`wait`]: waiting for a condition, within a deadline.
//! - [`demo`](mod@demo): an onsale to look at.
//! - [`bench`](mod@bench): measurements.

pub mod bench;
pub mod caller;
pub mod database;
pub mod demo;
pub mod history;
pub mod proof;
pub mod proxy;
pub mod scrape;
pub mod service;
pub mod system;
pub mod wait;
