//! The gRPC contract of Onsale.
//!
//! [`v1`] holds the generated messages and clients, [`server`] the generated servers and what both services' servers
//! share, [`reason`] the published catalogue of error reasons, [`status`] the rich errors, [`name`] the resource names.
//! Nothing here knows a rule of sale.

pub mod frame;
pub mod health;
pub mod name;
pub mod reason;
pub mod server;
pub mod status;

/// Generated: `google.type.Money`.
pub mod google {
    /// Generated from `google/type/money.proto`.
    pub mod r#type {
        #![allow(
            clippy::all,
            clippy::allow_attributes,
            clippy::allow_attributes_without_reason,
            unreachable_pub,
            missing_docs,
            reason = "generated code"
        )]
        tonic::include_proto!("google.r#type");
    }
}

/// Generated: the package `onsale`.
pub mod onsale {
    /// Generated from `onsale/v1/*.proto`: messages, enums and clients.
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
        tonic::include_proto!("onsale.v1");
    }
}

pub use google::r#type::Money;
pub use onsale::v1;

/// The compiled contract, imports included, as reflection serves it.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("onsale_descriptor");

/// The metadata key that names who calls, while there is no authentication (taken from loopback callers only).
pub const ACTOR_KEY: &str = "x-onsale-actor";
/// The metadata key of the conversation that a call belongs to; taken over into the log.
pub const CORRELATION_KEY: &str = "x-correlation-id";
/// The metadata key that says how many attempts of the same call were made before; gRPC's own, which its retries set
/// (<https://github.com/grpc/proposal/blob/master/A6-client-retries.md>).
pub const PREVIOUS_ATTEMPTS_KEY: &str = "grpc-previous-rpc-attempts";
/// The metadata key of the W3C trace context (<https://www.w3.org/TR/trace-context/>).
pub const TRACEPARENT_KEY: &str = "traceparent";
