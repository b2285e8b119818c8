//! `Execute`: the commands of one stream, pipelined, each answered when its outcome is known.
//!
//! There is no task and no queue of its own between a stream and the pools: when the caller does not read answers, or
//! as many commands wait as may, nothing more is read of the stream, and HTTP/2 holds the caller back.

use std::{
    collections::{BTreeSet, HashMap},
    pin::Pin,
    time::{Duration, Instant},
};

use futures::{Stream, stream};
use onsale_proto::{
    frame::ExecuteFrame,
    reason::Reason,
    server::errors::with_reason,
    status::{self, RichStatus},
    v1,
};
use prost::DecodeError;
use tokio::{
    sync::mpsc,
    time::{Sleep, sleep_until},
};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Request, Status, Streaming};

use super::{About, CommandService, Sent, order::Order, outcome};
use crate::{
    domain::commands::Class,
    grpc::{
        caller::{Sender, sender},
        requests::{self, Respond},
        status::draining,
        validate::Fields,
    },
    metrics::CommandOutcome,
    pools::{Answer, Failure, Numbered, Reply},
};

/// How far away the timer is set while nothing waits.
const FAR: Duration = Duration::from_hours(24);

/// One stream of commands: which of them wait, and for what.
pub(super) struct Execution {
    service: CommandService,
    /// Who sends, as the stream's own metadata have it.
    sender: Sender,
    commands: Streaming<ExecuteFrame>,
    /// Whether there may be further commands.
    is_open: bool,
    /// The number of the next command.
    next: u64,
    waiting: HashMap<u64, Waiting>,
    order: Order,
    /// Bounded by the places that its commands hold until they are answered: those that wait, and those that were told
    /// already that they are too late. Answers are taken before a further command is read.
    answers: (
        mpsc::UnboundedSender<Numbered>,
        mpsc::UnboundedReceiver<Numbered>,
    ),
    /// When which command is too late.
    deadlines: BTreeSet<(Instant, u64)>,
    timer: Pin<Box<Sleep>>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    /// What the stream ends with, if not with success.
    end: Option<Status>,
}

/// A command that waits for its answer.
struct Waiting {
    sent: Sent,
    about: About,
    request_id: String,
    respond: Respond,
    lane: Class,
    arrived: Instant,
    deadline: Instant,
}

impl Execution {
    /// Begins to read a stream.
    pub(super) fn begin(
        service: CommandService,
        request: Request<Streaming<ExecuteFrame>>,
    ) -> Result<Self, Status> {
        let mut fields = Fields::default();
        let sender = sender(&request, &mut fields);
        let violations = fields.into_violations();
        if !violations.is_empty() {
            return Err(RichStatus::invalid(violations).into());
        }
        let stopped = Box::pin(service.stop.clone().cancelled_owned());
        Ok(Self {
            sender,
            commands: request.into_inner(),
            is_open: true,
            next: 0,
            waiting: HashMap::new(),
            order: Order::default(),
            answers: mpsc::unbounded_channel(),
            deadlines: BTreeSet::new(),
            timer: Box::pin(sleep_until((Instant::now() + FAR).into())),
            stopped,
            end: None,
            service,
        })
    }

    /// The answers, as they come.
    pub(super) fn responses(self) -> impl Stream<Item = Result<v1::ExecuteResponse, Status>> {
        stream::unfold(Some(self), async |execution| {
            let mut execution = execution?;
            match execution.next_response().await {
                Some(response) => Some((Ok(response), Some(execution))),
                None => Some((Err(execution.end.take()?), None)),
            }
        })
    }

    async fn next_response(&mut self) -> Option<v1::ExecuteResponse> {
        while self.is_open || !self.waiting.is_empty() {
            let has_room = self.waiting.len() < self.service.stream_commands_max;
            let response = tokio::select! {
                biased;
                answer = self.answers.1.recv() => {
                    answer.and_then(|(number, answer)| self.answered(number, answer))
                }
                command = self.commands.message(), if self.is_open && has_room => match command {
                    Ok(Some(frame)) => self.take(frame),
                    Ok(None) => self.close(None),
                    Err(broken) => self.close(Some(with_reason(&broken))),
                },
                () = &mut self.timer => self.too_late(),
                () = &mut self.stopped, if self.is_open => self.close(Some(draining().into())),
            };
            if response.is_some() {
                return response;
            }
        }
        None
    }

    /// Nothing more is read; what was taken is answered.
    fn close(&mut self, end: Option<Status>) -> Option<v1::ExecuteResponse> {
        (self.is_open, self.end) = (false, end);
        None
    }

    /// Sends a command to its pool; an answer comes at once if that is refused.
    fn take(&mut self, frame: ExecuteFrame) -> Option<v1::ExecuteResponse> {
        let request = match frame.0 {
            Ok(request) => request,
            Err(unreadable) => return Some(failed(String::new(), malformed(&unreadable))),
        };
        let Some(command) = &request.command else {
            let mut fields = Fields::default();
            fields.violate("command", "is required");
            let invalid = RichStatus::invalid(fields.into_violations());
            return Some(failed(String::new(), invalid));
        };
        let (message, respond) = requests::of_stream(command);
        let request_id = message.request_id().to_owned();
        let (mut fields, arrived) = (Fields::default(), Instant::now());
        let limits = self.service.deadlines;
        let timeout = fields.timeout("timeout", request.timeout.as_ref());
        let deadline = arrived + timeout.unwrap_or(limits.default).min(limits.max);
        let caller = self
            .sender
            .caller(&request, &self.service.trusted_proxies, &mut fields);
        let is_repeat = request.previous_attempts > 0;
        let read = self
            .service
            .read(message, is_repeat, caller, deadline, fields);
        let envelope = match read {
            Ok(envelope) => envelope,
            Err(invalid) => {
                let metrics = &self.service.metrics;
                metrics.answered(CommandOutcome::Invalid, arrived.elapsed());
                return Some(failed(request_id, status::as_message(&invalid)));
            }
        };
        let about = About::of(&envelope);
        let lane = self.order.enter(&envelope.pool, envelope.command.class());
        let number = self.next;
        self.next += 1;
        let answers = self.answers.0.clone();
        match self
            .service
            .send(envelope, lane, Reply::Stream { number, answers })
        {
            Ok(sent) => {
                let waiting = Waiting {
                    sent,
                    about,
                    request_id,
                    respond,
                    lane,
                    arrived,
                    deadline,
                };
                self.waiting.insert(number, waiting);
                self.deadlines.insert((deadline, number));
                self.set_timer();
                None
            }
            Err(failure) => {
                self.order.leave(&about.pool, lane);
                let metrics = &self.service.metrics;
                metrics.answered(outcome(&failure), arrived.elapsed());
                Some(failed(
                    request_id,
                    about.failed(failure, &self.service.refusals),
                ))
            }
        }
    }

    /// None if the command was answered before, by its deadline.
    fn answered(
        &mut self,
        number: u64,
        answer: Result<Answer, Failure>,
    ) -> Option<v1::ExecuteResponse> {
        let waiting = self.waiting.remove(&number)?;
        self.deadlines.remove(&(waiting.deadline, number));
        self.order.leave(&waiting.about.pool, waiting.lane);
        let ended = answer
            .as_ref()
            .err()
            .map_or(CommandOutcome::Accepted, outcome);
        let metrics = &self.service.metrics;
        metrics.answered(ended, waiting.arrived.elapsed());
        let request_id = waiting.request_id;
        Some(match answer {
            Ok(answer) => v1::ExecuteResponse {
                request_id,
                outcome: Some((waiting.respond)((&waiting.about.pool, &answer))),
            },
            Err(failure) => failed(
                request_id,
                waiting.about.failed(failure, &self.service.refusals),
            ),
        })
    }

    /// The timer has come: the first command whose deadline has passed is answered.
    fn too_late(&mut self) -> Option<v1::ExecuteResponse> {
        let first = self.deadlines.first().copied();
        let due = first.filter(|(deadline, _)| *deadline <= Instant::now());
        let response = due.and_then(|(_, number)| {
            let failure = self.waiting.get(&number)?.sent.too_late();
            self.answered(number, Err(failure))
        });
        let next = self.deadlines.first().map(|(deadline, _)| *deadline);
        let next = next.unwrap_or_else(|| Instant::now() + FAR);
        self.timer.as_mut().reset(next.into());
        response
    }

    /// Sooner, if the first deadline is. A timer that is too soon is set anew when it comes.
    fn set_timer(&mut self) {
        let first = self
            .deadlines
            .first()
            .map(|(deadline, _)| (*deadline).into());
        if let Some(first) = first.filter(|first| *first < self.timer.deadline()) {
            self.timer.as_mut().reset(first);
        }
    }
}

fn failed(request_id: String, error: impl Into<tonic_types::Status>) -> v1::ExecuteResponse {
    v1::ExecuteResponse {
        request_id,
        outcome: Some(v1::execute_response::Outcome::Error(error.into())),
    }
}

fn malformed(error: &DecodeError) -> RichStatus {
    tracing::debug!(error = error as &dyn std::error::Error, "not a command");
    RichStatus::new(
        Reason::MalformedMessage,
        "the bytes received are not a message of this method",
    )
}
