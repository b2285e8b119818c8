//! A line to command-service: sends a command again and again, always with the same `request_id`, until it is answered.

use std::{sync::Arc, time::Duration};

use onsale_proto::{
    ACTOR_KEY, CORRELATION_KEY, PREVIOUS_ATTEMPTS_KEY,
    reason::Reason,
    status::{metadata_of, reason_of},
    v1::command_service_client::CommandServiceClient,
};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Request, Status, metadata::MetadataValue, transport::Channel};
use tonic_types::StatusExt as _;

use super::{command::Command, tally::Tally};

/// After how long a caller no longer waits for one attempt.
const ATTEMPT: Duration = Duration::from_secs(5);
/// After how long a caller no longer repeats.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait before a repeat where the server does not say.
const PAUSE: Duration = Duration::from_millis(250);

/// Why an attempt whose caller went away got no answer.
pub(super) const DROPPED: &str = "dropped by the customer";

/// What became of a command.
#[derive(Debug)]
pub(super) enum Outcome<T> {
    Done(T),
    Refused(Refusal),
    /// Nobody answered for as long as anybody waits.
    NoAnswer,
}

/// A rule said no.
#[derive(Debug)]
pub(super) struct Refusal {
    /// None: the answer is no refusal of the catalogue.
    pub(super) reason: Option<Reason>,
    /// How many tickets are available, where that is why.
    pub(super) available: Option<u32>,
    /// What it says.
    pub(super) text: String,
}

/// See the module. Cheap to clone; clones share the connection.
#[derive(Clone, Debug)]
pub(super) struct Line {
    client: CommandServiceClient<Channel>,
    tally: Arc<Tally>,
}

impl Line {
    pub(super) fn new(connection: Channel, tally: Arc<Tally>) -> Self {
        Self {
            client: CommandServiceClient::new(connection),
            tally,
        }
    }

    /// Sends a command until it is answered. With `lost_after`, the caller's connection is lost that long after the
    /// first attempt began: the call is dropped in the middle, wherever it is then.
    pub(super) async fn send<C: Command>(
        &mut self,
        command: C,
        lost_after: Option<Duration>,
    ) -> Outcome<C::Answer> {
        let patience = Instant::now() + PATIENCE;
        for attempt in 1.. {
            let began = Instant::now();
            let limit = lost_after.filter(|_| attempt == 1);
            let call = C::call(&mut self.client, request(&command, attempt));
            // The server has a deadline, and may be out of reach all the same.
            match timeout(limit.unwrap_or(ATTEMPT * 2), call).await {
                Ok(Ok(answer)) => {
                    let answer = answer.into_inner();
                    self.done(&command, &answer, attempt, began.elapsed());
                    return Outcome::Done(answer);
                }
                Ok(Err(status)) if is_worth_repeating(&status) => {
                    self.not_answered(
                        reason_of(&status).map_or("connection broken", Reason::as_str),
                    );
                    let asked = status
                        .get_error_details()
                        .retry_info()
                        .and_then(|info| info.retry_delay);
                    sleep(asked.unwrap_or(PAUSE)).await;
                }
                Ok(Err(status)) => {
                    return Outcome::Refused(self.refused(&command, &status, began.elapsed()));
                }
                Err(_) => self.not_answered(limit.map_or("no answer in time", |_| DROPPED)),
            }
            if Instant::now() >= patience {
                break;
            }
        }
        self.tally
            .note(|figures| figures.unanswered.push(command.request_id().to_owned()));
        Outcome::NoAnswer
    }

    fn not_answered(&self, cause: &str) {
        self.tally.note(|figures| {
            let attempts = figures.unanswered_attempts.entry(cause.to_owned());
            *attempts.or_default() += 1;
        });
    }

    fn done<C: Command>(&self, command: &C, answer: &C::Answer, attempt: u32, took: Duration) {
        self.tally.answered(C::NAME, took);
        let version = C::receipt(answer).map_or(0, |receipt| receipt.version);
        self.tally.note(|figures| {
            figures.version = figures.version.max(version);
            if attempt > 1 {
                figures.repeated.push(command.request_id().to_owned());
            }
        });
    }

    fn refused<C: Command>(&self, command: &C, status: &Status, took: Duration) -> Refusal {
        self.tally.answered(C::NAME, took);
        let reason = reason_of(status);
        let name = reason.map_or_else(
            || format!("{:?}", status.code()),
            |reason| reason.as_str().to_owned(),
        );
        self.tally.note(|figures| {
            *figures.refusals.entry(name.clone()).or_default() += 1;
            let id = command.request_id().to_owned();
            figures.refused.insert(id, name);
        });
        Refusal {
            reason,
            available: metadata_of(status, "available").and_then(|number| number.parse().ok()),
            text: status.message().to_owned(),
        }
    }
}

/// Each attempt has a correlation id of its own: the log then says which of them was recorded.
fn request<C: Command>(command: &C, attempt: u32) -> Request<C> {
    let mut request = Request::new(command.clone());
    request.set_timeout(ATTEMPT);
    let metadata = request.metadata_mut();
    metadata.insert(ACTOR_KEY, MetadataValue::from_static("onsale-demo"));
    metadata.insert(PREVIOUS_ATTEMPTS_KEY, (attempt - 1).into());
    if let Ok(id) = MetadataValue::try_from(format!("{}/{attempt}", command.request_id())) {
        metadata.insert(CORRELATION_KEY, id);
    }
    request
}

/// Whether the same request may yet be answered. What has one of these codes and no reason of the catalogue does not
/// come from the service: the connection broke.
fn is_worth_repeating(status: &Status) -> bool {
    let code = status.code();
    let is_passing = matches!(code, Code::Unavailable | Code::DeadlineExceeded);
    // The last one is what a GOAWAY with ENHANCE_YOUR_CALM becomes.
    let is_broken = matches!(
        code,
        Code::Unknown | Code::Cancelled | Code::Internal | Code::ResourceExhausted
    );
    is_passing || is_broken && reason_of(status).is_none()
}
