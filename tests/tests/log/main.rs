//! What the event log promises: [`conformance`] holds both engines to it, [`model`] compares them on random batches,
//! and [`postgres`] tests what names PostgreSQL.

#![cfg(test)]

mod conformance;
mod given;
mod model;
mod postgres;
