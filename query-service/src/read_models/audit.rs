//! The tables `audit` and `audit_times`: what is written into them, and how events are found by them.

mod causes;
mod copy;
mod owners;
mod seek;
mod times;
mod write;

pub(crate) use causes::{EFFECTS_MAX, causes, effects};
pub(crate) use owners::owners;
pub(crate) use seek::{Direction, Filter, Found, look};
#[cfg(test)]
pub(crate) use seek::{LOOKS_MAX, explained::explained};
pub(crate) use write::{Row, before, insert};
