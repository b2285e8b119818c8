//! The system while things break: processes killed, answers lost, several instances on one pool.

#![cfg(test)]

mod abandoned;
mod clock;
mod deadlines;
mod eviction;
mod failover;
mod foreign;
mod logs;
mod measured;
mod memory;
mod overload;
mod sellout;
mod snapshots;
mod watcher;
