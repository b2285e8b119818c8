//! Harness of the tests.

pub mod database;
pub mod proxy;
pub mod wait;
