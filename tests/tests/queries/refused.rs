//! What a refusal must carry.

use std::{fmt, time::Duration};

use onsale_proto::{
    reason::Reason,
    status::{metadata_of, reason_of},
};
use tonic::Status;
use tonic_types::StatusExt as _;

/// The answer is a refusal for `reason`, with its code, and with `RetryInfo` if it is worth trying again.
#[track_caller]
pub(crate) fn refused<T: fmt::Debug>(answer: Result<T, Status>, reason: Reason) -> Status {
    let status = answer.expect_err("a refusal was expected");
    assert_eq!(reason_of(&status), Some(reason), "{status:?}");
    assert_eq!(status.code(), reason.code(), "{status:?}");
    let retry = status.get_error_details().retry_info().cloned();
    let delay = retry.and_then(|info| info.retry_delay);
    assert_eq!(
        delay.is_some_and(|delay| delay > Duration::ZERO),
        status.code() == tonic::Code::Unavailable,
        "{status:?}"
    );
    status
}

/// The answer names exactly these fields, in this order, each with what is wrong.
#[track_caller]
pub(crate) fn violates<T: fmt::Debug>(answer: Result<T, Status>, fields: &[&str]) {
    let status = refused(answer, Reason::InvalidField);
    let details = status.get_error_details();
    let violations = &details.bad_request().expect("BadRequest").field_violations;
    let actual: Vec<_> = violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(actual, fields, "{status:?}");
    assert!(violations.iter().all(|v| !v.description.is_empty()));
}

/// A number of the metadata.
#[track_caller]
pub(crate) fn number(status: &Status, key: &str) -> i64 {
    let text = metadata_of(status, key);
    text.and_then(|text| text.parse().ok())
        .unwrap_or_else(|| unreachable!("no {key}: {status:?}"))
}
