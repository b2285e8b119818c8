//! What the read side promises, asked through gRPC while the log grows: pools, what commands do to them, freshness, live availability, starts
//! without a seam, replicas, corruption, outages.
//!
//! - [`shared`]: a system that tests share which only need pools of their own.
//! - [`db`]: what PostgreSQL says, the fold of the log told a second time in SQL, and what a test does to it.
//! - [`storm`], [`reader`], [`subscription`]: who buys, who hands tokens on, and who watches.
//! - [`story`]: a pool's events with times of the past.
//! - [`refused`]: what a refusal must carry.

#![cfg(test)]

mod claims;
mod corruption;
mod db;
mod effects;
mod events;
mod freshness;
mod get_pool;
mod history;
mod list_pools;
mod outages;
mod projections;
mod reader;
mod rebuild;
mod refusals;
mod refused;
mod replicas;
mod reporting;
mod sales;
mod seam;
mod shared;
mod storm;
mod story;
mod subscription;
mod tokens;
mod watch;
