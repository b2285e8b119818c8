//! `CommandService`: validate, send the command to its pool, wait for the truth.
//!
//! - `rpcs`: the calls.
//! - `execute`: the stream of many commands.
//! - `order`: commands of a stream for one pool in the order in which they were sent.

mod execute;
mod order;
mod rpcs;

use std::{net::IpAddr, sync::Arc, time::Instant};

use onsale_proto::{reason::Reason, status::RichStatus};
use onsale_shared::{
    event::CommandHash,
    id::{PoolId, RequestId},
    refusals::Sample,
    text::Reference,
    time::Timestamp,
};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::{
    caller::{DeadlineLimits, caller, is_repeat},
    requests::{Answered, CommandRequest},
    status,
    validate::Fields,
};
use crate::{
    domain::{self, Command, commands::Class},
    metrics::{CommandMetrics, CommandOutcome},
    pools::{Admission, Answer, Call, Caller, Failure, Place, Pools, Reply, Stage},
    refusals::{Refused, Trace},
};

/// Answers `onsale.v1.CommandService`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CommandService {
    /// Where commands go.
    pub pools: Arc<Pools>,
    /// How long calls may take.
    pub deadlines: DeadlineLimits,
    /// How many commands may wait for their answer at once.
    pub admission: Admission,
    /// How many commands of one stream may wait for their answer at once.
    pub stream_commands_max: usize,
    /// What is measured.
    pub metrics: CommandMetrics,
    /// Where refusals leave their trace.
    pub refusals: Trace,
    /// Who may speak for others.
    pub trusted_proxies: Arc<[IpAddr]>,
    /// Who acts for customers.
    pub operators: Arc<[String]>,
    /// Cancelled when the server is about to end.
    pub stop: CancellationToken,
}

/// A valid command, and who sent it.
struct Envelope {
    request_id: RequestId,
    is_repeat: bool,
    validate_only: bool,
    pool: PoolId,
    command: Command,
    caller: Caller,
    deadline: Instant,
}

/// What is said of a command that fails.
struct About {
    pool: PoolId,
    command: &'static str,
    request_id: RequestId,
    correlation_id: Option<String>,
    actor: String,
    customer: Option<Reference>,
    /// The caller says that the command was paid for.
    is_paid: bool,
}

/// A command under way, and somebody who waits for it. Dropped, by its answer or because its client or its stream has gone,
/// what is not yet on its way into the log never will be: the client may have asked again and been refused meanwhile.
struct Sent(Stage);

impl CommandService {
    /// Sends the command of a request to its pool, waits, and answers.
    async fn answer<R: Answered>(
        &self,
        request: &Request<R>,
    ) -> Result<Response<R::Response>, Status> {
        let arrived = Instant::now();
        let mut fields = Fields::default();
        let caller = caller(request, &self.trusted_proxies, &mut fields);
        let deadline = arrived + self.deadlines.of(request.metadata());
        let is_repeat = is_repeat(request.metadata());
        let read = self.read(request.get_ref(), is_repeat, caller, deadline, fields);
        let envelope = read.inspect_err(|_invalid| {
            self.metrics
                .answered(CommandOutcome::Invalid, arrived.elapsed());
        })?;
        let about = About::of(&envelope);
        let answer = self.decide(envelope).await;
        let ended = answer
            .as_ref()
            .err()
            .map_or(CommandOutcome::Accepted, outcome);
        self.metrics.answered(ended, arrived.elapsed());
        match answer {
            Ok(answer) => Ok(Response::new(R::response((&about.pool, &answer)))),
            Err(failure) => Err(about.failed(failure, &self.refusals).into()),
        }
    }

    /// The command that a request means.
    fn read(
        &self,
        message: &dyn CommandRequest,
        is_repeat: bool,
        caller: Caller,
        deadline: Instant,
        mut fields: Fields,
    ) -> Result<Envelope, Status> {
        let request_id = fields.request_id(message.request_id());
        let parts = message.command(&mut fields);
        let violations = fields.into_violations();
        let (Some((pool, mut command)), Some(request_id), true) =
            (parts, request_id, violations.is_empty())
        else {
            return Err(RichStatus::invalid(violations).into());
        };
        if let Command::ReleaseTickets(release) = &mut command {
            release.by_operator = self.operators.contains(&caller.actor);
        }
        Ok(Envelope {
            request_id,
            is_repeat,
            validate_only: message.validate_only(),
            pool,
            command,
            caller,
            deadline,
        })
    }

    /// Sends a command to its pool, in `lane`.
    fn send(&self, envelope: Envelope, lane: Class, reply: Reply) -> Result<Sent, Failure> {
        if self.stop.is_cancelled() {
            return Err(Failure::Draining);
        }
        let place = self.place(&envelope).ok_or(Failure::Overloaded)?;
        let hash = hash(&envelope.pool, &envelope.command).ok_or(Failure::Internal)?;
        let stage = Stage::default();
        let call = Call {
            request: domain::Request {
                id: envelope.request_id,
                hash,
                is_repeat: envelope.is_repeat,
                command: envelope.command,
            },
            validate_only: envelope.validate_only,
            caller: envelope.caller,
            deadline: envelope.deadline,
            lane,
            stage: stage.clone(),
            reply,
            attempts: 0,
            place,
        };
        self.pools.submit(&envelope.pool, call);
        Ok(Sent(stage))
    }

    /// A place for a command, if need be that of a command of the same pool that nobody waits for any more.
    fn place(&self, envelope: &Envelope) -> Option<Place> {
        let class = envelope.command.class();
        self.admission.enter(class).or_else(|| {
            self.pools.drop_dead(&envelope.pool);
            self.admission.enter(class)
        })
    }

    async fn decide(&self, envelope: Envelope) -> Result<Answer, Failure> {
        let (deadline, lane) = (envelope.deadline, envelope.command.class());
        let (reply, answer) = oneshot::channel();
        let sent = self.send(envelope, lane, Reply::Call(reply))?;
        match tokio::time::timeout_at(deadline.into(), answer).await {
            Ok(Ok(answer)) => answer,
            // Nobody decides any more: what matters is whether anything was sent.
            Ok(Err(_gone)) if sent.0.abandon() => Err(Failure::Internal),
            Ok(Err(_gone)) => Err(Failure::OutcomeUnknown),
            Err(_elapsed) => Err(sent.too_late()),
        }
    }
}

/// How a command ended, for what is measured.
const fn outcome(failure: &Failure) -> CommandOutcome {
    match failure {
        Failure::Rejected(_) => CommandOutcome::Refused,
        Failure::Overloaded => CommandOutcome::Shed,
        Failure::TooLate => CommandOutcome::Late,
        Failure::Contention => CommandOutcome::Contention,
        Failure::DatabaseUnavailable => CommandOutcome::DatabaseUnavailable,
        Failure::Draining => CommandOutcome::Draining,
        Failure::OutcomeUnknown => CommandOutcome::OutcomeUnknown,
        Failure::Internal => CommandOutcome::Internal,
    }
}

impl Sent {
    /// Nobody waits any more.
    fn too_late(&self) -> Failure {
        if self.0.abandon() {
            Failure::TooLate
        } else {
            Failure::OutcomeUnknown
        }
    }
}

impl About {
    fn of(envelope: &Envelope) -> Self {
        Self {
            pool: envelope.pool.clone(),
            command: envelope.command.name(),
            request_id: envelope.request_id,
            correlation_id: envelope.caller.correlation_id.clone(),
            actor: envelope.caller.actor.clone(),
            customer: envelope.command.customer().cloned(),
            is_paid: status::is_paid(&envelope.command),
        }
    }

    /// Says in the log what the caller must not see, to the caller what he can do, and to operators that he was told.
    fn failed(&self, failure: Failure, refusals: &Trace) -> RichStatus {
        let (pool, command) = (&self.pool, self.command);
        let correlation_id = self.correlation_id.as_deref();
        let request_id = correlation_id
            .is_none()
            .then(|| self.request_id.to_string());
        let correlation_id = correlation_id.or(request_id.as_deref()).unwrap_or_default();
        match &failure {
            Failure::Rejected(rejection) => {
                tracing::debug!(%pool, command, reason = rejection.reason(), "refused");
            }
            Failure::Internal => {
                tracing::error!(%pool, command, correlation_id, "a command was lost by a defect");
            }
            Failure::Overloaded
            | Failure::TooLate
            | Failure::Contention
            | Failure::DatabaseUnavailable
            | Failure::Draining
            | Failure::OutcomeUnknown => {
                tracing::debug!(%pool, command, ?failure, "not answered");
            }
        }
        let status = status::of_failure(failure, pool, correlation_id, self.is_paid);
        let reason = status.reason();
        let pool = Some(pool).filter(|_| reason != Reason::PoolNotFound);
        let reason = reason.as_str();
        refusals.count(Refused { pool, reason }, |time| self.sample(time, &status));
        status
    }

    /// All that is known of a refusal.
    fn sample(&self, time: Timestamp, status: &RichStatus) -> Sample {
        Sample {
            time,
            command: self.command.to_owned(),
            request_id: self.request_id.to_string(),
            correlation_id: self.correlation_id.clone(),
            actor: self.actor.clone(),
            customer: self.customer.as_ref().map(ToString::to_string),
            message: status.message().to_owned(),
        }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        // After an answer there is nothing left to abandon.
        if self.0.abandon() {
            tracing::trace!("a command ended without an event of its own");
        }
    }
}

/// 128 bits of the validated command, so that a repeat is told from another command of the same id.
fn hash(pool: &PoolId, command: &Command) -> Option<CommandHash> {
    let content = serde_json::to_vec(&(pool, command)).ok()?;
    let digest = Sha256::digest(content);
    let (first, _) = digest.split_first_chunk::<16>()?;
    Some(CommandHash(u128::from_be_bytes(*first)))
}
