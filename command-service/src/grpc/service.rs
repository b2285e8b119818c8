//! `CommandService`: validate, send the command to its pool, wait for the truth. What each RPC answers is in `rpcs`.

mod rpcs;

use std::{net::IpAddr, sync::Arc, time::Instant};

use onsale_proto::status::RichStatus;
use onsale_shared::{
    event::CommandHash,
    id::{PoolId, RequestId},
};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use super::{
    caller::{DeadlineLimits, caller},
    requests::CommandRequest,
    status,
    validate::Fields,
};
use crate::{
    domain::{self, Command},
    pools::{Answer, Call, Caller, Failure, Pools, Stage},
};

/// See the module.
#[derive(Debug)]
pub struct CommandService {
    /// Where commands go.
    pub pools: Arc<Pools>,
    /// How long calls may take.
    pub deadlines: DeadlineLimits,
    /// How many calls may be open at once.
    pub calls: Semaphore,
    /// Who may speak for others.
    pub trusted_proxies: Vec<IpAddr>,
    /// Who acts for customers.
    pub operators: Vec<String>,
    /// Cancelled when the server is about to end.
    pub stop: CancellationToken,
}

/// What every request has.
struct Envelope {
    request_id: RequestId,
    validate_only: bool,
    caller: Caller,
    deadline: Instant,
}

impl CommandService {
    /// Sends the command of a request to its pool and waits.
    async fn run<R: CommandRequest>(
        &self,
        request: &Request<R>,
    ) -> Result<(PoolId, Answer), Status> {
        let (mut fields, message) = (Fields::default(), request.get_ref());
        let request_id = fields.request_id(message.request_id());
        let caller = caller(request, &self.trusted_proxies, &mut fields);
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
        let envelope = Envelope {
            request_id,
            validate_only: message.validate_only(),
            caller,
            deadline: Instant::now() + self.deadlines.of(request.metadata()),
        };
        let correlation_id = envelope
            .caller
            .correlation_id
            .clone()
            .unwrap_or_else(|| request_id.to_string());
        let (name, is_paid) = (command.name(), status::is_paid(&command));
        let result = self.decide(&pool, command, envelope).await;
        result.map(|answer| (pool.clone(), answer)).map_err(|failure| {
            match &failure {
                Failure::Rejected(rejection) => {
                    tracing::debug!(%pool, command = name, reason = rejection.reason(), "refused");
                }
                Failure::Internal => tracing::error!(%pool, command = name, %correlation_id, "a command was lost by a defect"),
                Failure::Overloaded
                | Failure::Contention
                | Failure::DatabaseUnavailable
                | Failure::Draining
                | Failure::OutcomeUnknown => tracing::debug!(%pool, command = name, ?failure, "not answered"),
            }
            status::of_failure(failure, &pool, &correlation_id, is_paid).into()
        })
    }

    async fn decide(
        &self,
        pool: &PoolId,
        command: Command,
        envelope: Envelope,
    ) -> Result<Answer, Failure> {
        if self.stop.is_cancelled() {
            return Err(Failure::Draining);
        }
        let _place = self
            .calls
            .try_acquire()
            .map_err(|_full| Failure::Overloaded)?;
        let hash = hash(pool, &command).ok_or(Failure::Internal)?;
        let (reply, answer) = oneshot::channel();
        let stage = Stage::default();
        let call = Call {
            request: domain::Request {
                id: envelope.request_id,
                hash,
                command,
            },
            validate_only: envelope.validate_only,
            caller: envelope.caller,
            deadline: envelope.deadline,
            stage: stage.clone(),
            reply,
            attempts: 0,
        };
        let _waiting = Waiting(stage.clone());
        self.pools.submit(pool, call);
        match tokio::time::timeout_at(envelope.deadline.into(), answer).await {
            Ok(Ok(answer)) => answer,
            // Nobody decides any more, or nobody waits any more: what matters is whether anything was sent.
            Ok(Err(_gone)) if stage.abandon() => Err(Failure::Internal),
            Err(_elapsed) if stage.abandon() => Err(Failure::Overloaded),
            Ok(Err(_)) | Err(_) => Err(Failure::OutcomeUnknown),
        }
    }
}

/// A caller who waits. Dropped with a call that its client cancelled: what is not yet on its way into the log never
/// will be, since the client may have asked again and been refused meanwhile.
struct Waiting(Stage);

impl Drop for Waiting {
    fn drop(&mut self) {
        // After an answer there is nothing left to abandon.
        if self.0.abandon() {
            tracing::trace!("a call ended without an event of its own");
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
