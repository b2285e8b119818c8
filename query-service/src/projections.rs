//! What keeps the read models in step with the log.
//!
//! A projection is declared as a [`Projection`]: tables and a [`Projector`] that writes what [`Entry`]s mean into them.
//! [`pools`] alone is fed by memory: it takes from the hub what changed since its checkpoint, as one cut, whenever it is
//! ready for more. Nothing here is ever in the way of memory.

mod entry;
pub(crate) mod history;
pub(crate) mod pools;
mod projection;
pub(crate) mod sales;

pub(crate) use entry::Entry;
pub(crate) use projection::{ApplyError, Blocked, Projection, Projector, Table};
