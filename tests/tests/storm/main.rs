//! Everything breaks, again and again, while two instances sell one hot pool: PostgreSQL is killed, backends are
//! terminated and frozen, an instance is killed, sockets are cut, a wall clock is off by minutes and jumps. Clients record
//! every call and answer; afterwards [`onsale_tests::history`] holds them against the log.
//!
//! A program of its own, so that it has the machine to itself.

#![cfg(test)]

mod client;
mod faults;
mod instance;
mod observer;
mod promoter;
mod requests;
mod server;
mod stopwatch;
mod storm;
mod wall_clock;
mod wishes;
