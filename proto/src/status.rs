//! Rich errors (<https://google.aip.dev/193>): built by the services, read by tests and clients.

mod wire;

use std::{borrow::Cow, fmt, time::Duration};

use prost::Message as _;
use tonic::Status;
use tonic_types::{FieldViolation, StatusExt as _};

use crate::reason::{DOMAIN, Reason};

/// An error travels in headers, of which gRPC's own clients read 8 KiB; what is longer breaks the connection and with it
/// every call on it. The details go as base64 and hold the text again.
const VIOLATIONS_BYTES_MAX: usize = 4 * 1_024;
/// The names of fields in the text.
const NAMES_BYTES_MAX: usize = 400;
/// Around a violation.
const FRAMING_BYTES: usize = 8;

/// How many of `items` have at most `max` bytes together; at least one.
fn fitting<T>(items: &[T], max: usize, size: impl Fn(&T) -> usize) -> usize {
    let sizes = items.iter().scan(0, |sum, item| {
        *sum += size(item);
        Some(*sum)
    });
    sizes
        .take_while(|sum| *sum <= max)
        .count()
        .max(1)
        .min(items.len())
}

/// An error in the making: exactly one reason, a text, and every number of the text as metadata.
#[derive(Clone, Debug)]
pub struct RichStatus {
    reason: Reason,
    message: String,
    metadata: Vec<(Cow<'static, str>, String)>,
    violations: Vec<FieldViolation>,
    resource: Option<(&'static str, String)>,
    /// Subjects and descriptions.
    preconditions: Vec<(String, String)>,
    retry_after: Option<Duration>,
}

impl RichStatus {
    /// An error for `reason` that says `message` to the caller: what happened, with numbers.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            metadata: Vec::new(),
            violations: Vec::new(),
            resource: None,
            preconditions: Vec::new(),
            retry_after: None,
        }
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// What it says to the caller.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// All `violations` of one request, each with its field path, in one answer; of very many, as many as an answer
    /// holds, and their number.
    #[must_use]
    pub fn invalid(mut violations: Vec<FieldViolation>) -> Self {
        let message = match violations.as_slice() {
            [one] => format!("{}: {}", one.field, one.description),
            _ => {
                let fields: Vec<_> = violations.iter().map(|v| v.field.as_str()).collect();
                let listed = fitting(&fields, NAMES_BYTES_MAX, |field| field.len() + ", ".len());
                let names = fields[..listed].join(", ");
                let more = match fields.len() - listed {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!("{} fields are invalid: {names}{more}", fields.len())
            }
        };
        let size = |v: &FieldViolation| v.field.len() + v.description.len() + FRAMING_BYTES;
        violations.truncate(fitting(&violations, VIOLATIONS_BYTES_MAX, size));
        let mut status = Self::new(Reason::InvalidField, message);
        status.violations = violations;
        status
    }

    /// Adds a variable of the text.
    #[must_use]
    pub fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl fmt::Display) -> Self {
        self.metadata.push((key.into(), value.to_string()));
        self
    }

    /// Names the resource that is missing or in the way (`ResourceInfo`).
    #[must_use]
    pub fn resource(mut self, kind: &'static str, name: impl Into<String>) -> Self {
        self.resource = Some((kind, name.into()));
        self
    }

    /// Names what must change first (`PreconditionFailure`); its type is the reason, its text the message.
    #[must_use]
    pub fn precondition(self, subject: impl Into<String>) -> Self {
        let description = self.message.clone();
        self.violated(subject, description)
    }

    /// Names one of several things that must change first, each with a description of its own.
    #[must_use]
    pub fn violated(mut self, subject: impl Into<String>, description: impl Into<String>) -> Self {
        self.preconditions
            .push((subject.into(), description.into()));
        self
    }

    /// Says when to try again (`RetryInfo`).
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }
}

impl From<RichStatus> for Status {
    fn from(rich: RichStatus) -> Self {
        let code = rich.reason.code();
        let message = wire::message(rich);
        let details = message.encode_to_vec().into();
        Self::with_details(code, message.message, details)
    }
}

impl From<RichStatus> for tonic_types::Status {
    /// The error as a message inside of an answer, for streams of which one error is not the end.
    fn from(rich: RichStatus) -> Self {
        wire::message(rich)
    }
}

/// As the message that it came from, or became.
#[must_use]
pub fn as_message(status: &Status) -> tonic_types::Status {
    tonic_types::Status::decode(status.details()).unwrap_or_else(|_| tonic_types::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    })
}

/// The error in an answer of a stream, as a call of its own would have ended with it.
#[must_use]
pub fn of_message(error: &tonic_types::Status) -> Status {
    let details = error.encode_to_vec().into();
    Status::with_details(error.code.into(), error.message.clone(), details)
}

/// The reason of a status that this project made; `None` for any other.
#[must_use]
pub fn reason_of(status: &Status) -> Option<Reason> {
    let details = status.get_error_details();
    let info = details.error_info()?;
    if info.domain != DOMAIN {
        return None;
    }
    Reason::ALL
        .iter()
        .copied()
        .find(|reason| reason.as_str() == info.reason)
}

/// The value of `key` in the metadata of a status that this project made.
#[must_use]
pub fn metadata_of(status: &Status, key: &str) -> Option<String> {
    let details = status.get_error_details();
    details.error_info()?.metadata.get(key).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rich_status_is_read_back() {
        let status: Status = RichStatus::new(Reason::SoldOut, "all 10 tickets are sold")
            .with("capacity", 10)
            .precondition("pools/a")
            .retry_after(Duration::from_secs(1))
            .into();
        assert_eq!(status.code(), tonic::Code::FailedPrecondition);
        assert_eq!(reason_of(&status), Some(Reason::SoldOut));
        assert_eq!(metadata_of(&status, "capacity").as_deref(), Some("10"));
        let details = status.get_error_details();
        assert_eq!(
            details.precondition_failure().unwrap().violations[0].subject,
            "pools/a"
        );
        assert_eq!(
            details.retry_info().unwrap().retry_delay,
            Some(Duration::from_secs(1))
        );
    }

    #[test]
    fn equal_errors_are_equal_bytes() {
        let error = || {
            let keys = ["requested", "available", "held", "sold", "capacity", "pool"];
            let sold_out = RichStatus::new(Reason::SoldOut, "all 10 tickets are sold");
            let sold_out = keys
                .into_iter()
                .fold(sold_out, |error, key| error.with(key, 10));
            Status::from(sold_out.precondition("pools/a"))
        };
        let first = error();
        for _ in 0..10 {
            assert_eq!(error().details(), first.details());
        }
    }

    #[test]
    fn every_violation_is_in_one_answer() {
        let status: Status = RichStatus::invalid(vec![
            FieldViolation::new("quantity", "must be at least 1"),
            FieldViolation::new("customer", "is required"),
        ])
        .into();
        let fields: Vec<_> = status
            .get_error_details()
            .bad_request()
            .unwrap()
            .field_violations
            .iter()
            .map(|v| v.field.clone())
            .collect();
        assert_eq!(fields, ["quantity", "customer"]);
        assert_eq!(status.message(), "2 fields are invalid: quantity, customer");
    }

    #[test]
    fn very_many_violations_fit_into_the_headers_of_an_answer() {
        let violation =
            |i| FieldViolation::new(format!("tickets[{i}]"), "is named twice".repeat(5));
        let status: Status = RichStatus::invalid((0..9_999).map(violation).collect()).into();
        let details = status.get_error_details();
        let listed = details.bad_request().unwrap().field_violations.len();
        assert!((40..100).contains(&listed), "{listed}");
        assert!(
            status
                .message()
                .starts_with("9999 fields are invalid: tickets[0], ")
        );
        assert!(status.message().ends_with(" more"), "{}", status.message());
        let bytes = status.details().len() * 4 / 3 + status.message().len();
        assert!(bytes < 7 * 1_024, "{bytes}");
    }
}
