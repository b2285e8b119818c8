//! What keeps the read models in step with the log.
//!
//! # How to add a projection
//! Declare it as a [`Projection`]: a name, a version, tables, and a [`Projector`] that writes what [`Entry`]s mean into them.
//! Name it in [`all`]. That is all: it gets its tables when the service starts, is filled from the beginning of the log, and
//! follows it from there on. Queries read its tables as views, `onsale_read.<table>`, by
//! [`Queries::read`](crate::queries::Queries::read), which waits for the freshness that was asked for and reads rows and
//! checkpoint in one snapshot. A change of its tables or of what it writes is a higher version: the tables are built anew
//! beside the live ones.
//!
//! # How it works
//! - [`runner`] runs a projection on each replica. One leads, by an advisory lock of its session, so that replicas do not get
//!   in each other's way; what makes it safe is the checkpoint, which moves only from where the writer believes it to be.
//! - [`writer`] writes a batch, checkpoint first, in one transaction. It tells what an event makes impossible from an outage.
//! - [`pages`] reads the log once for all projections that are at the same place.
//! - [`first`] makes the first tables of a projection.
//! - [`rebuild`] fills another generation of the tables beside the live one, compares the two, and switches; [`renew`] does
//!   so by itself when the program is newer than the tables.
//! - [`board`] is what this process knows of each projection.
//! - [`pools`] alone is fed by memory: it takes from the hub what changed since its checkpoint, as one cut, whenever it is
//!   ready for more.
//!
//! Nothing here is ever in the way of memory, and no projection is in the way of another: one that cannot go past an event
//! stops there, visibly, and tries again from time to time.

pub(crate) mod all;
pub(crate) mod audit;
pub(crate) mod board;
pub(crate) mod claims;
pub(crate) mod customers;
mod entry;
pub(crate) mod first;
pub(crate) mod history;
pub(crate) mod pages;
pub(crate) mod pools;
mod projection;
pub(crate) mod rebuild;
pub(crate) mod renew;
pub(crate) mod runner;
pub(crate) mod sales;
mod session;
pub(crate) mod writer;

#[cfg(test)]
mod tests;

pub(crate) use entry::Entry;
pub(crate) use projection::{ApplyError, Blocked, Projection, Projector, Table};
