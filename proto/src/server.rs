//! The generated servers, and what the servers of both services share: the way of a call to its service, health,
//! reflection, errors, deadlines and shutdown.

pub mod codec;
pub mod deadline;
pub mod direct;
pub mod errors;
mod gathered;
pub mod run;

/// Generated: the server side of `CommandService` and `QueryService`.
pub mod v1 {
    #![allow(
        clippy::all,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        clippy::doc_markdown,
        unreachable_pub,
        missing_docs,
        rustdoc::all,
        reason = "generated code"
    )]
    include!(concat!(env!("OUT_DIR"), "/server/onsale.v1.rs"));
}

pub use direct::Direct;
pub use run::{ServerLimits, run};
