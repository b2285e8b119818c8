//! The system while things break: processes killed, answers lost, several instances on one pool.

mod deadlines;
mod memory;
mod sellout;
mod watcher;
