//! The RPCs of `CommandService`: validate, send the command to its pool, wait for the truth.

use std::{net::IpAddr, sync::Arc, time::Instant};

use onsale_proto::{name, server::v1::command_service_server, status::RichStatus, v1};
use onsale_shared::{
    event::CommandHash,
    id::{PoolId, RequestId},
    log::LogClock,
};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::{
    caller::{DeadlineLimits, caller},
    convert, status,
    validate::{Fields, REASON_CHARACTERS_MAX},
};
use crate::{
    domain::{
        self, Command,
        commands::{
            BuyTickets, ClaimTickets, PurchaseTickets, ReleaseTickets, ResumeSales, StopSales,
        },
    },
    pools::{Answer, Call, Caller, Failure, Pools, Stage},
};

/// See the module.
#[derive(Debug)]
pub struct CommandService {
    /// Where commands go.
    pub pools: Arc<Pools>,
    /// The log's clock.
    pub clock: LogClock,
    /// How long calls may take.
    pub deadlines: DeadlineLimits,
    /// How many calls may be open at once.
    pub calls: Semaphore,
    /// Who may speak for others.
    pub trusted_proxies: Vec<IpAddr>,
    /// Cancelled when the server is about to end.
    pub stop: CancellationToken,
}

/// What every request has.
struct Envelope {
    request_id: Option<RequestId>,
    validate_only: bool,
    caller: Caller,
    deadline: Instant,
}

impl CommandService {
    fn envelope<T>(
        &self,
        request: &Request<T>,
        fields: &mut Fields,
        id: &str,
        validate_only: bool,
    ) -> Envelope {
        Envelope {
            request_id: fields.request_id(id),
            validate_only,
            caller: caller(request, &self.trusted_proxies, fields),
            deadline: Instant::now() + self.deadlines.of(request.metadata()),
        }
    }

    /// Sends a command to its pool and waits. `parts` is missing exactly when `fields` has a violation.
    async fn run(
        &self,
        envelope: Envelope,
        fields: Fields,
        parts: Option<(PoolId, Command)>,
    ) -> Result<(PoolId, Answer), Status> {
        let violations = fields.into_violations();
        let (Some((pool, command)), Some(request_id), true) =
            (parts, envelope.request_id, violations.is_empty())
        else {
            return Err(RichStatus::invalid(violations).into());
        };
        let correlation_id = envelope
            .caller
            .correlation_id
            .clone()
            .unwrap_or_else(|| request_id.to_string());
        let name = command.name();
        let result = self.decide(&pool, request_id, command, envelope).await;
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
            status::of_failure(failure, &pool, &correlation_id).into()
        })
    }

    async fn decide(
        &self,
        pool: &PoolId,
        id: RequestId,
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
            request: domain::Request { id, hash, command },
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

#[tonic::async_trait]
impl command_service_server::CommandService for CommandService {
    async fn create_pool(
        &self,
        request: Request<v1::CreatePoolRequest>,
    ) -> Result<Response<v1::CreatePoolResponse>, Status> {
        let (mut fields, message) = (Fields::default(), request.get_ref());
        let envelope = self.envelope(
            &request,
            &mut fields,
            &message.request_id,
            message.validate_only,
        );
        let pool = fields.pool_id("pool_id", &message.pool_id);
        let new_pool = fields.new_pool(message.pool.as_ref(), self.clock.now());
        let parts = pool.zip(new_pool.map(Command::CreatePool));
        let (pool, answer) = self.run(envelope, fields, parts).await?;
        Ok(Response::new(v1::CreatePoolResponse {
            receipt: Some(convert::receipt(&answer)),
            name: name::pool(pool.as_str()),
        }))
    }

    async fn claim_tickets(
        &self,
        request: Request<v1::ClaimTicketsRequest>,
    ) -> Result<Response<v1::ClaimTicketsResponse>, Status> {
        let (mut fields, message) = (Fields::default(), request.get_ref());
        let envelope = self.envelope(
            &request,
            &mut fields,
            &message.request_id,
            message.validate_only,
        );
        let pool = fields.pool("pool", &message.pool);
        let order = order(&mut fields, message);
        let parts = pool.zip(order.map(Command::ClaimTickets));
        let (pool, answer) = self.run(envelope, fields, parts).await?;
        Ok(Response::new(v1::ClaimTicketsResponse {
            receipt: Some(convert::receipt(&answer)),
            claim: answer
                .claim
                .as_ref()
                .map(|view| convert::claim(&pool, view)),
        }))
    }

    async fn purchase_tickets(
        &self,
        request: Request<v1::PurchaseTicketsRequest>,
    ) -> Result<Response<v1::PurchaseTicketsResponse>, Status> {
        let (mut fields, message) = (Fields::default(), request.get_ref());
        let envelope = self.envelope(
            &request,
            &mut fields,
            &message.request_id,
            message.validate_only,
        );
        let pool = fields.pool("pool", &message.pool);
        let payment_reference =
            fields.optional_reference("payment_reference", &message.payment_reference);
        let order = order(&mut fields, &claim_part(message.clone()));
        let purchase = order.map(|order| {
            Command::PurchaseTickets(PurchaseTickets {
                order,
                payment_reference,
            })
        });
        let (pool, answer) = self.run(envelope, fields, pool.zip(purchase)).await?;
        Ok(Response::new(v1::PurchaseTicketsResponse {
            receipt: Some(convert::receipt(&answer)),
            claim: answer
                .claim
                .as_ref()
                .map(|view| convert::claim(&pool, view)),
        }))
    }

    async fn buy_tickets(
        &self,
        request: Request<v1::BuyTicketsRequest>,
    ) -> Result<Response<v1::BuyTicketsResponse>, Status> {
        let (mut fields, message) = (Fields::default(), request.get_ref());
        let envelope = self.envelope(
            &request,
            &mut fields,
            &message.request_id,
            message.validate_only,
        );
        let claim = fields.claim("claim", &message.claim);
        let tickets = fields.tickets(claim.as_ref().map(|(pool, _)| pool), &message.tickets);
        let payment_reference =
            fields.optional_reference("payment_reference", &message.payment_reference);
        let parts = claim.map(|(pool, claim)| {
            let buy = BuyTickets {
                claim,
                tickets,
                payment_reference,
            };
            (pool, Command::BuyTickets(buy))
        });
        let (pool, answer) = self.run(envelope, fields, parts).await?;
        Ok(Response::new(v1::BuyTicketsResponse {
            receipt: Some(convert::receipt(&answer)),
            claim: answer
                .claim
                .as_ref()
                .map(|view| convert::claim(&pool, view)),
        }))
    }

    async fn release_tickets(
        &self,
        request: Request<v1::ReleaseTicketsRequest>,
    ) -> Result<Response<v1::ReleaseTicketsResponse>, Status> {
        let (mut fields, message) = (Fields::default(), request.get_ref());
        let envelope = self.envelope(
            &request,
            &mut fields,
            &message.request_id,
            message.validate_only,
        );
        let claim = fields.claim("claim", &message.claim);
        let tickets = fields.tickets(claim.as_ref().map(|(pool, _)| pool), &message.tickets);
        let parts = claim.map(|(pool, claim)| {
            (
                pool,
                Command::ReleaseTickets(ReleaseTickets { claim, tickets }),
            )
        });
        let (pool, answer) = self.run(envelope, fields, parts).await?;
        Ok(Response::new(v1::ReleaseTicketsResponse {
            receipt: Some(convert::receipt(&answer)),
            claim: answer
                .claim
                .as_ref()
                .map(|view| convert::claim(&pool, view)),
        }))
    }

    async fn stop_sales(
        &self,
        request: Request<v1::StopSalesRequest>,
    ) -> Result<Response<v1::StopSalesResponse>, Status> {
        let (mut fields, message) = (Fields::default(), request.get_ref());
        let envelope = self.envelope(
            &request,
            &mut fields,
            &message.request_id,
            message.validate_only,
        );
        let pool = fields.pool("pool", &message.pool);
        let mode = fields.stop_mode(message.mode);
        let reason = fields.optional_sentence("reason", &message.reason, REASON_CHARACTERS_MAX);
        let stop = mode.map(|mode| Command::StopSales(StopSales { mode, reason }));
        let (_, answer) = self.run(envelope, fields, pool.zip(stop)).await?;
        Ok(Response::new(v1::StopSalesResponse {
            receipt: Some(convert::receipt(&answer)),
        }))
    }

    async fn resume_sales(
        &self,
        request: Request<v1::ResumeSalesRequest>,
    ) -> Result<Response<v1::ResumeSalesResponse>, Status> {
        let (mut fields, message) = (Fields::default(), request.get_ref());
        let envelope = self.envelope(
            &request,
            &mut fields,
            &message.request_id,
            message.validate_only,
        );
        let pool = fields.pool("pool", &message.pool);
        let reason = fields.optional_sentence("reason", &message.reason, REASON_CHARACTERS_MAX);
        let parts = pool.map(|pool| (pool, Command::ResumeSales(ResumeSales { reason })));
        let (_, answer) = self.run(envelope, fields, parts).await?;
        Ok(Response::new(v1::ResumeSalesResponse {
            receipt: Some(convert::receipt(&answer)),
        }))
    }
}

/// The order in a claim; `PurchaseTickets` has the same fields.
fn order(fields: &mut Fields, message: &v1::ClaimTicketsRequest) -> Option<ClaimTickets> {
    let customer = fields.reference("customer", &message.customer);
    let quantity = fields.quantity(message.quantity);
    let max_unit_price = fields.money("max_unit_price", message.max_unit_price.as_ref());
    let reference = fields.optional_reference("reference", &message.reference);
    let labels = fields.labels("labels", &message.labels);
    Some(ClaimTickets {
        customer: customer?,
        quantity,
        max_unit_price,
        reference,
        labels,
    })
}

fn claim_part(message: v1::PurchaseTicketsRequest) -> v1::ClaimTicketsRequest {
    v1::ClaimTicketsRequest {
        request_id: message.request_id,
        validate_only: message.validate_only,
        pool: message.pool,
        customer: message.customer,
        quantity: message.quantity,
        max_unit_price: message.max_unit_price,
        reference: message.reference,
        labels: message.labels,
    }
}
