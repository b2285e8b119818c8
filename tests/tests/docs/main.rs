//! What keeps the documents and the shape of the project true. Nothing here needs a database or a network.
//!
//! - [`architecture`]: who may know whom, and what the sources never hold.
//! - [`slices`]: what each command's file says of itself is what it can do.
//! - [`catalogues`]: the parts of documents that are made of code (`ONSALE_BLESS=1` writes them anew).
//! - [`configuration`]: every option and variable that a document names exists, and none is left out.
//! - [`compose`]: the containers, without an engine to run them.
//! - [`links`]: what documents point to is there.
//! - [`requirements`]: every test that a requirement names exists.
//! - [`rules`]: every price in `docs/rules.md` is what a ticket costs.

#![expect(
    clippy::panic,
    reason = "what cannot be read fails the test, and says what it was"
)]

mod architecture;
mod catalogues;
mod compose;
mod compose_schema;
mod configuration;
mod dockerfile;
mod links;
mod manifest;
mod markdown;
mod metrics;
mod repository;
mod requirements;
mod rules;
mod rust_code;
mod slices;
