//! command-service: validates commands and appends events with expected-version checks.
//!
//! Read [`domain`] for the rules, [`pools`] for how a command becomes events, [`grpc`] for what callers see.

pub mod domain;
