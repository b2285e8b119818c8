//! Errors that tonic itself gives (undecodable bytes, a message too large, an unknown method) leave with a reason of the
//! catalogue like every other: a layer looks at each answer that is an error without details. It also keeps the caller's
//! deadline, which tonic would answer outside of this layer, as CANCELLED and without details.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status, body::Body, server::NamedService};
use tower::{Layer, Service};

use super::deadline;
use crate::{reason::Reason, status::RichStatus};

/// So that our answer comes before tonic's own, whose timer begins a moment later.
const AHEAD_OF_TONIC: Duration = Duration::from_millis(2);

/// Gives every error without details a reason of the catalogue.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReasonLayer;

impl<S> Layer<S> for ReasonLayer {
    type Service = ReasonService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ReasonService { inner }
    }
}

/// See [`ReasonLayer`].
#[derive(Clone, Debug)]
pub struct ReasonService<S> {
    inner: S,
}

impl<S: NamedService> NamedService for ReasonService<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for ReasonService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let deadline = deadline::asked(request.headers())
            .and_then(|asked| Instant::now().checked_add(asked.saturating_sub(AHEAD_OF_TONIC)));
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = match deadline {
                Some(deadline) => timeout_at(deadline, answer).await,
                None => Ok(answer.await),
            };
            let Ok(answer) = answer else {
                return Ok(with_reason(&Status::deadline_exceeded("")).into_http());
            };
            let answer = answer?;
            // An error before the first message is sent as headers only, so this sees every unary error.
            match Status::from_header_map(answer.headers()) {
                Some(status) if status.code() != Code::Ok && status.details().is_empty() => {
                    Ok(with_reason(&status).into_http())
                }
                _ => Ok(answer),
            }
        })
    }
}

/// What tonic said, with a reason of the catalogue and without its inner text.
#[must_use]
pub fn with_reason(status: &Status) -> Status {
    let rich = match status.code() {
        // tonic-prost answers undecodable bytes with INTERNAL; no code of ours gives INTERNAL without details.
        Code::Internal | Code::InvalidArgument => RichStatus::new(
            Reason::MalformedMessage,
            "the bytes received are not a message of this method",
        ),
        Code::OutOfRange | Code::ResourceExhausted => RichStatus::new(
            Reason::MessageTooLarge,
            "the message is larger than the server accepts",
        ),
        Code::Unimplemented => RichStatus::new(
            Reason::UnknownMethod,
            "the server has no such service, method or encoding",
        ),
        Code::Cancelled | Code::DeadlineExceeded => RichStatus::new(
            Reason::DeadlineExceeded,
            "the deadline of the call passed before it was answered",
        ),
        Code::Ok
        | Code::Unknown
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => return status.clone(),
    };
    rich.into()
}
