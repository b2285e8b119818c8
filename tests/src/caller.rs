//! What a promoter and a customer do, a verb each. Tests that care for a field build the request themselves.

use std::time::Duration;

use onsale_proto::{
    Money, name,
    v1::{
        self, command_service_client::CommandServiceClient,
        query_service_client::QueryServiceClient,
    },
};
use tonic::{Status, transport::Channel};
use uuid::Uuid;

/// Somebody who calls both services. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The write side.
    pub commands: CommandServiceClient<Channel>,
    /// The read side.
    pub queries: QueryServiceClient<Channel>,
}

/// A fresh request id.
#[must_use]
pub fn request_id() -> String {
    Uuid::new_v4().to_string()
}

/// An amount in euros.
#[must_use]
pub fn euros(units: i64, cents: i32) -> Money {
    Money {
        currency_code: "EUR".into(),
        units,
        nanos: cents * 10_000_000,
    }
}

/// A price that never moves.
#[must_use]
pub fn fixed_price(price: Money) -> v1::Pricing {
    v1::Pricing {
        base_price: Some(price),
        ..v1::Pricing::default()
    }
}

/// A pool of `capacity` tickets at 49.99 EUR, of which one customer may have as many as he wants.
#[must_use]
pub fn a_pool(capacity: i64) -> v1::Pool {
    v1::Pool {
        capacity,
        pricing: Some(fixed_price(euros(49, 99))),
        max_tickets_per_customer: 10_000_000,
        ..v1::Pool::default()
    }
}

/// A request to create a pool.
#[must_use]
pub fn create_request(pool_id: &str, pool: v1::Pool) -> v1::CreatePoolRequest {
    v1::CreatePoolRequest {
        request_id: request_id(),
        pool_id: pool_id.to_owned(),
        pool: Some(pool),
        validate_only: false,
    }
}

/// A request to claim tickets.
#[must_use]
pub fn claim_request(pool_id: &str, customer: &str, quantity: u32) -> v1::ClaimTicketsRequest {
    v1::ClaimTicketsRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        customer: customer.to_owned(),
        quantity,
        ..v1::ClaimTicketsRequest::default()
    }
}

/// A request to buy all that a claim holds.
#[must_use]
pub fn buy_request(claim: &str) -> v1::BuyTicketsRequest {
    v1::BuyTicketsRequest {
        request_id: request_id(),
        claim: claim.to_owned(),
        ..v1::BuyTicketsRequest::default()
    }
}

/// A request to claim and buy at once.
#[must_use]
pub fn purchase_request(
    pool_id: &str,
    customer: &str,
    quantity: u32,
) -> v1::PurchaseTicketsRequest {
    v1::PurchaseTicketsRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        customer: customer.to_owned(),
        quantity,
        ..v1::PurchaseTicketsRequest::default()
    }
}

/// A request to give back all that a claim holds.
#[must_use]
pub fn release_request(claim: &str) -> v1::ReleaseTicketsRequest {
    v1::ReleaseTicketsRequest {
        request_id: request_id(),
        claim: claim.to_owned(),
        ..v1::ReleaseTicketsRequest::default()
    }
}

/// A request to stop sales.
#[must_use]
pub fn stop_request(pool_id: &str, mode: v1::StopMode) -> v1::StopSalesRequest {
    v1::StopSalesRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        mode: mode.into(),
        ..v1::StopSalesRequest::default()
    }
}

/// A request to open sales again.
#[must_use]
pub fn resume_request(pool_id: &str) -> v1::ResumeSalesRequest {
    v1::ResumeSalesRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        ..v1::ResumeSalesRequest::default()
    }
}

/// A request for a later deadline of a claim.
#[must_use]
pub fn extend_request(claim: &str) -> v1::ExtendClaimRequest {
    v1::ExtendClaimRequest {
        request_id: request_id(),
        claim: claim.to_owned(),
        validate_only: false,
    }
}

/// A request to take sold tickets back.
#[must_use]
pub fn refund_request(tickets: &[v1::Ticket]) -> v1::RefundTicketsRequest {
    v1::RefundTicketsRequest {
        request_id: request_id(),
        tickets: tickets.iter().map(|ticket| ticket.name.clone()).collect(),
        ..v1::RefundTicketsRequest::default()
    }
}

/// A request to give tickets away.
#[must_use]
pub fn grant_request(pool_id: &str, customer: &str, quantity: u32) -> v1::GrantTicketsRequest {
    v1::GrantTicketsRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        customer: customer.to_owned(),
        quantity,
        ..v1::GrantTicketsRequest::default()
    }
}

/// A request to end a pool for good.
#[must_use]
pub fn cancel_request(pool_id: &str) -> v1::CancelPoolRequest {
    v1::CancelPoolRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        ..v1::CancelPoolRequest::default()
    }
}

/// A request for another number of tickets.
#[must_use]
pub fn capacity_request(pool_id: &str, capacity: i64) -> v1::ChangeCapacityRequest {
    v1::ChangeCapacityRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        capacity,
        ..v1::ChangeCapacityRequest::default()
    }
}

/// A request for another price rule.
#[must_use]
pub fn pricing_request(pool_id: &str, pricing: v1::Pricing) -> v1::ChangePricingRequest {
    v1::ChangePricingRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        pricing: Some(pricing),
        ..v1::ChangePricingRequest::default()
    }
}

/// A request to unset all times of a pool.
#[must_use]
pub fn reschedule_request(pool_id: &str) -> v1::ReschedulePoolRequest {
    v1::ReschedulePoolRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        ..v1::ReschedulePoolRequest::default()
    }
}

/// A request to give all limits of a pool their defaults.
#[must_use]
pub fn limits_request(pool_id: &str) -> v1::ChangeLimitsRequest {
    v1::ChangeLimitsRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        ..v1::ChangeLimitsRequest::default()
    }
}

impl Caller {
    /// A caller over these connections.
    #[must_use]
    pub fn new(command: Channel, query: Channel) -> Self {
        Self {
            commands: CommandServiceClient::new(command),
            queries: QueryServiceClient::new(query),
        }
    }

    /// Creates a pool of `capacity` tickets at 49.99 EUR.
    ///
    /// # Errors
    /// The status.
    pub async fn create_pool(
        &mut self,
        pool_id: &str,
        capacity: i64,
    ) -> Result<v1::Receipt, Status> {
        self.create(pool_id, a_pool(capacity)).await
    }

    /// Creates a pool whose claims live for `claims`.
    ///
    /// # Errors
    /// The status.
    pub async fn create_pool_with_claims(
        &mut self,
        pool_id: &str,
        capacity: i64,
        claims: Duration,
    ) -> Result<v1::Receipt, Status> {
        let claim_duration = prost_types_duration(claims);
        let pool = v1::Pool {
            claim_duration: Some(claim_duration),
            ..a_pool(capacity)
        };
        self.create(pool_id, pool).await
    }

    /// Creates this pool.
    ///
    /// # Errors
    /// The status.
    pub async fn create(&mut self, pool_id: &str, pool: v1::Pool) -> Result<v1::Receipt, Status> {
        let created = self
            .commands
            .create_pool(create_request(pool_id, pool))
            .await?;
        Ok(created.into_inner().receipt.unwrap_or_default())
    }

    /// Claims tickets.
    ///
    /// # Errors
    /// The status.
    pub async fn claim(
        &mut self,
        pool_id: &str,
        customer: &str,
        quantity: u32,
    ) -> Result<v1::Claim, Status> {
        let claimed = self
            .commands
            .claim_tickets(claim_request(pool_id, customer, quantity))
            .await?;
        Ok(claimed.into_inner().claim.unwrap_or_default())
    }

    /// Buys all that a claim holds.
    ///
    /// # Errors
    /// The status.
    pub async fn buy(&mut self, claim: &str) -> Result<v1::BuyTicketsResponse, Status> {
        Ok(self
            .commands
            .buy_tickets(buy_request(claim))
            .await?
            .into_inner())
    }

    /// Claims and buys at once.
    ///
    /// # Errors
    /// The status.
    pub async fn purchase(
        &mut self,
        pool_id: &str,
        customer: &str,
        quantity: u32,
    ) -> Result<v1::PurchaseTicketsResponse, Status> {
        let request = purchase_request(pool_id, customer, quantity);
        Ok(self.commands.purchase_tickets(request).await?.into_inner())
    }

    /// Gives back all that a claim holds.
    ///
    /// # Errors
    /// The status.
    pub async fn release(&mut self, claim: &str) -> Result<v1::ReleaseTicketsResponse, Status> {
        let request = release_request(claim);
        Ok(self.commands.release_tickets(request).await?.into_inner())
    }

    /// Stops sales.
    ///
    /// # Errors
    /// The status.
    pub async fn stop_sales(
        &mut self,
        pool_id: &str,
        mode: v1::StopMode,
    ) -> Result<v1::Receipt, Status> {
        let request = stop_request(pool_id, mode);
        let stopped = self.commands.stop_sales(request).await?;
        Ok(stopped.into_inner().receipt.unwrap_or_default())
    }

    /// Opens sales again.
    ///
    /// # Errors
    /// The status.
    pub async fn resume_sales(&mut self, pool_id: &str) -> Result<v1::Receipt, Status> {
        let resumed = self.commands.resume_sales(resume_request(pool_id)).await?;
        Ok(resumed.into_inner().receipt.unwrap_or_default())
    }

    /// The counts of a pool, at least as fresh as `token` (none: as they are known).
    ///
    /// # Errors
    /// The status.
    pub async fn availability(
        &mut self,
        pool_id: &str,
        token: &str,
    ) -> Result<v1::Availability, Status> {
        let request = v1::GetAvailabilityRequest {
            pool: name::pool(pool_id),
            at_least_as_fresh: token.to_owned(),
        };
        let answer = self.queries.get_availability(request).await?;
        Ok(answer.into_inner().availability.unwrap_or_default())
    }

    /// A pool, at least as fresh as `token` (none: as it is known).
    ///
    /// # Errors
    /// The status.
    pub async fn pool(&mut self, pool_id: &str, token: &str) -> Result<v1::Pool, Status> {
        let request = v1::GetPoolRequest {
            name: name::pool(pool_id),
            at_least_as_fresh: token.to_owned(),
        };
        let answer = self.queries.get_pool(request).await?;
        Ok(answer.into_inner().pool.unwrap_or_default())
    }
}

fn prost_types_duration(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: 0,
    }
}
