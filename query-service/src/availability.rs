//! Live availability, in memory on every replica.
//!
//! [`fold`] turns events into pools, purely; [`hub`] hands the newest states to everybody else; [`watch`] is one
//! subscriber's view of some pools. Nothing here reads the log, PostgreSQL or the network.

pub(crate) mod fold;
pub(crate) mod hub;
pub(crate) mod watch;

pub(crate) use fold::{Applied, Fold, FoldError};
pub(crate) use hub::{Cut, Hub, Progress, Snapshot, was_set_back};
