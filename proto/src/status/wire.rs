//! `google.rpc.Status` with its details, as bytes have it. The metadata of an error go from a list to the wire without a map
//! in between, which tonic-types would make: a map of Rust's has another order each time. In their own order equal errors are
//! equal bytes, so that HPACK sends the header with the details once over each connection and an index from then on
//! (RFC 7541, section 2.3.2). Under load most answers are the same refusal.

use prost::Message;
use prost_types::Any;
use tonic_types::{FieldViolation, pb};

use super::RichStatus;
use crate::reason::DOMAIN;

/// `google.rpc.ErrorInfo`, whose map is a list of entries on the wire
/// (<https://protobuf.dev/programming-guides/encoding/#maps>).
#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// The message, with as many details as there are.
pub(super) fn message(rich: RichStatus) -> tonic_types::Status {
    let reason = rich.reason.as_str();
    let mut details = Vec::with_capacity(3);
    if let Some(delay) = rich.retry_after {
        let retry_delay = prost_types::Duration::try_from(delay).ok();
        details.push(any(
            tonic_types::RetryInfo::TYPE_URL,
            &pb::RetryInfo { retry_delay },
        ));
    }
    let metadata = rich.metadata.into_iter().map(|(key, value)| Entry {
        key: key.into_owned(),
        value,
    });
    let info = ErrorInfo {
        reason: reason.to_owned(),
        domain: DOMAIN.to_owned(),
        metadata: metadata.collect(),
    };
    details.push(any(tonic_types::ErrorInfo::TYPE_URL, &info));
    if !rich.preconditions.is_empty() {
        let violations = rich.preconditions.into_iter();
        let violations =
            violations.map(
                |(subject, description)| pb::precondition_failure::Violation {
                    r#type: reason.to_owned(),
                    subject,
                    description,
                },
            );
        let failure = pb::PreconditionFailure {
            violations: violations.collect(),
        };
        details.push(any(tonic_types::PreconditionFailure::TYPE_URL, &failure));
    }
    if !rich.violations.is_empty() {
        let field_violations = rich.violations.into_iter().map(field).collect();
        let request = pb::BadRequest { field_violations };
        details.push(any(tonic_types::BadRequest::TYPE_URL, &request));
    }
    if let Some((kind, name)) = rich.resource {
        let resource = pb::ResourceInfo {
            resource_type: kind.to_owned(),
            resource_name: name,
            owner: String::new(),
            description: String::new(),
        };
        details.push(any(tonic_types::ResourceInfo::TYPE_URL, &resource));
    }
    tonic_types::Status {
        code: rich.reason.code().into(),
        message: rich.message,
        details,
    }
}

fn field(violation: FieldViolation) -> pb::bad_request::FieldViolation {
    pb::bad_request::FieldViolation {
        field: violation.field,
        description: violation.description,
        ..Default::default()
    }
}

fn any(type_url: &str, message: &impl Message) -> Any {
    Any {
        type_url: type_url.to_owned(),
        value: message.encode_to_vec(),
    }
}
