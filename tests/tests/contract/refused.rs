//! What a refusal must carry.

use std::{collections::BTreeMap, fmt, time::Duration};

use onsale_proto::{
    reason::{DOMAIN, Reason},
    status::reason_of,
};
use onsale_shared::time::Timestamp;
use tonic::{Code, Status};
use tonic_types::{ErrorDetail, ErrorDetails, StatusExt as _};

/// A refusal whose form is right.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) status: Status,
    details: ErrorDetails,
}

/// The answer is a refusal for `reason`, with exactly this metadata.
#[track_caller]
pub(crate) fn refused<T: fmt::Debug>(
    answer: Result<T, Status>,
    reason: Reason,
    metadata: &[(&str, &str)],
) -> Refused {
    let status = answer.expect_err("a refusal was expected");
    let refused = Refused::of(status);
    assert_eq!(refused.reason, reason, "{:?}", refused.status);
    let expected: BTreeMap<_, _> = metadata.iter().copied().collect();
    assert_eq!(refused.metadata(), expected, "{:?}", refused.status);
    refused
}

/// The answer names exactly these fields, in this order.
#[track_caller]
pub(crate) fn violates<T: fmt::Debug>(answer: Result<T, Status>, fields: &[&str]) {
    let refused = refused(answer, Reason::InvalidField, &[]);
    assert_eq!(refused.fields(), fields, "{:?}", refused.status);
}

impl Refused {
    /// Looks at everything that holds for every error: one `ErrorInfo` of our domain with a reason of the catalogue, its
    /// code, its keys, every number of the text in the metadata, and the details that belong to its code.
    #[track_caller]
    pub(crate) fn of(status: Status) -> Self {
        let reason = reason_of(&status);
        let reason =
            reason.unwrap_or_else(|| unreachable!("no reason of the catalogue: {status:?}"));
        assert_eq!(status.code(), reason.code(), "{status:?}");
        assert!(!status.message().is_empty(), "{status:?}");
        let infos = status.get_error_details_vec().into_iter().filter(
            |detail| matches!(detail, ErrorDetail::ErrorInfo(info) if info.domain == DOMAIN),
        );
        assert_eq!(infos.count(), 1, "{status:?}");
        let refused = Self {
            details: status.get_error_details(),
            reason,
            status,
        };
        let metadata = refused.metadata();
        for key in reason.metadata_keys() {
            assert!(metadata.contains_key(key), "{key}: {:?}", refused.status);
        }
        refused.check_numbers();
        refused.check_details();
        refused
    }

    fn metadata(&self) -> BTreeMap<&str, &str> {
        let info = self.details.error_info().expect("looked at");
        let pairs = info.metadata.iter();
        pairs
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    }

    /// Programs read the metadata, so no number is in the text alone.
    #[track_caller]
    fn check_numbers(&self) {
        if self.reason == Reason::InvalidField {
            return;
        }
        let metadata = self.metadata();
        let numbers = self
            .status
            .message()
            .split(|letter: char| !letter.is_ascii_digit());
        for number in numbers.filter(|number| !number.is_empty()) {
            assert!(
                metadata.values().any(|value| value.contains(number)),
                "{number} is in the text alone: {:?}",
                self.status
            );
        }
    }

    #[track_caller]
    fn check_details(&self) {
        let (code, details) = (self.reason.code(), &self.details);
        let shown = &self.status;
        assert_eq!(
            details.bad_request().is_some(),
            self.reason == Reason::InvalidField,
            "{shown:?}"
        );
        let edited =
            self.reason == Reason::VersionConflict && !self.metadata()["changed"].is_empty();
        assert_eq!(
            details.precondition_failure().is_some(),
            code == Code::FailedPrecondition || edited,
            "{shown:?}"
        );
        assert_eq!(
            details.resource_info().is_some(),
            matches!(code, Code::NotFound | Code::AlreadyExists),
            "{shown:?}"
        );
        assert_eq!(
            details.retry_info().is_some(),
            code == Code::Unavailable,
            "{shown:?}"
        );
        let Some(failure) = details.precondition_failure() else {
            return;
        };
        for violation in &failure.violations {
            assert_eq!(violation.r#type, self.reason.as_str());
            assert!(!violation.description.is_empty(), "{shown:?}");
        }
        if code == Code::FailedPrecondition {
            let [violation] = failure.violations.as_slice() else {
                unreachable!("not one precondition: {shown:?}");
            };
            assert_eq!(violation.description, shown.message());
        }
    }

    /// The resource that is missing or in the way.
    #[track_caller]
    pub(crate) fn about(self, kind: &str, name: &str) -> Self {
        let resource = self.details.resource_info().expect("ResourceInfo");
        assert_eq!(
            (
                resource.resource_type.as_str(),
                resource.resource_name.as_str()
            ),
            (kind, name)
        );
        self
    }

    /// What must change first.
    #[track_caller]
    pub(crate) fn unless(self, subject: &str) -> Self {
        assert_eq!(self.subjects(), [subject]);
        self
    }

    /// Everything that must change first.
    pub(crate) fn subjects(&self) -> Vec<&str> {
        let failure = self.details.precondition_failure();
        let violations = failure.map_or(&[][..], |failure| &failure.violations);
        violations.iter().map(|v| v.subject.as_str()).collect()
    }

    /// When to try again: soon, but not at once.
    #[track_caller]
    pub(crate) fn again_after(self, delay: Duration) -> Self {
        let retry = self.details.retry_info().expect("RetryInfo");
        assert_eq!(retry.retry_delay, Some(delay));
        self
    }

    /// The fields that are invalid.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let violations = &self
            .details
            .bad_request()
            .expect("BadRequest")
            .field_violations;
        assert!(
            violations
                .iter()
                .all(|violation| !violation.description.is_empty())
        );
        violations
            .iter()
            .map(|violation| violation.field.as_str())
            .collect()
    }
}

/// A time as metadata has it.
pub(crate) fn time_text(time: Option<prost_types::Timestamp>) -> String {
    let time = time.expect("a time");
    let time = Timestamp::from_seconds_and_nanos(time.seconds, time.nanos);
    time.expect("a time of the log").to_string()
}
