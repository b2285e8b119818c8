//! The RPCs, one by one: a request in, its response out.

use onsale_proto::{name, server::v1::command_service_server, v1};
use tonic::{Request, Response, Status};

use super::CommandService;
use crate::grpc::convert;

#[tonic::async_trait]
impl command_service_server::CommandService for CommandService {
    async fn create_pool(
        &self,
        request: Request<v1::CreatePoolRequest>,
    ) -> Result<Response<v1::CreatePoolResponse>, Status> {
        let (pool, answer) = self.run(&request).await?;
        Ok(Response::new(v1::CreatePoolResponse {
            receipt: Some(convert::receipt(&answer)),
            name: name::pool(pool.as_str()),
            price_preview: convert::preview(&answer),
        }))
    }

    async fn claim_tickets(
        &self,
        request: Request<v1::ClaimTicketsRequest>,
    ) -> Result<Response<v1::ClaimTicketsResponse>, Status> {
        let (pool, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        let claim = convert::claim_of(&pool, &answer);
        Ok(Response::new(v1::ClaimTicketsResponse { receipt, claim }))
    }

    async fn extend_claim(
        &self,
        request: Request<v1::ExtendClaimRequest>,
    ) -> Result<Response<v1::ExtendClaimResponse>, Status> {
        let (pool, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        let claim = convert::claim_of(&pool, &answer);
        Ok(Response::new(v1::ExtendClaimResponse { receipt, claim }))
    }

    async fn buy_tickets(
        &self,
        request: Request<v1::BuyTicketsRequest>,
    ) -> Result<Response<v1::BuyTicketsResponse>, Status> {
        let (pool, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        let claim = convert::claim_of(&pool, &answer);
        Ok(Response::new(v1::BuyTicketsResponse { receipt, claim }))
    }

    async fn purchase_tickets(
        &self,
        request: Request<v1::PurchaseTicketsRequest>,
    ) -> Result<Response<v1::PurchaseTicketsResponse>, Status> {
        let (pool, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        let claim = convert::claim_of(&pool, &answer);
        Ok(Response::new(v1::PurchaseTicketsResponse {
            receipt,
            claim,
        }))
    }

    async fn release_tickets(
        &self,
        request: Request<v1::ReleaseTicketsRequest>,
    ) -> Result<Response<v1::ReleaseTicketsResponse>, Status> {
        let (pool, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        let claim = convert::claim_of(&pool, &answer);
        Ok(Response::new(v1::ReleaseTicketsResponse { receipt, claim }))
    }

    async fn refund_tickets(
        &self,
        request: Request<v1::RefundTicketsRequest>,
    ) -> Result<Response<v1::RefundTicketsResponse>, Status> {
        let (_, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        Ok(Response::new(v1::RefundTicketsResponse { receipt }))
    }

    async fn grant_tickets(
        &self,
        request: Request<v1::GrantTicketsRequest>,
    ) -> Result<Response<v1::GrantTicketsResponse>, Status> {
        let (pool, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        let claim = convert::claim_of(&pool, &answer);
        Ok(Response::new(v1::GrantTicketsResponse { receipt, claim }))
    }

    async fn stop_sales(
        &self,
        request: Request<v1::StopSalesRequest>,
    ) -> Result<Response<v1::StopSalesResponse>, Status> {
        let (_, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        Ok(Response::new(v1::StopSalesResponse { receipt }))
    }

    async fn resume_sales(
        &self,
        request: Request<v1::ResumeSalesRequest>,
    ) -> Result<Response<v1::ResumeSalesResponse>, Status> {
        let (_, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        Ok(Response::new(v1::ResumeSalesResponse { receipt }))
    }

    async fn cancel_pool(
        &self,
        request: Request<v1::CancelPoolRequest>,
    ) -> Result<Response<v1::CancelPoolResponse>, Status> {
        let (_, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        Ok(Response::new(v1::CancelPoolResponse { receipt }))
    }

    async fn change_capacity(
        &self,
        request: Request<v1::ChangeCapacityRequest>,
    ) -> Result<Response<v1::ChangeCapacityResponse>, Status> {
        let (_, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        Ok(Response::new(v1::ChangeCapacityResponse { receipt }))
    }

    async fn change_pricing(
        &self,
        request: Request<v1::ChangePricingRequest>,
    ) -> Result<Response<v1::ChangePricingResponse>, Status> {
        let (_, answer) = self.run(&request).await?;
        Ok(Response::new(v1::ChangePricingResponse {
            receipt: Some(convert::receipt(&answer)),
            price_preview: convert::preview(&answer),
        }))
    }

    async fn reschedule_pool(
        &self,
        request: Request<v1::ReschedulePoolRequest>,
    ) -> Result<Response<v1::ReschedulePoolResponse>, Status> {
        let (_, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        Ok(Response::new(v1::ReschedulePoolResponse { receipt }))
    }

    async fn change_limits(
        &self,
        request: Request<v1::ChangeLimitsRequest>,
    ) -> Result<Response<v1::ChangeLimitsResponse>, Status> {
        let (_, answer) = self.run(&request).await?;
        let receipt = Some(convert::receipt(&answer));
        Ok(Response::new(v1::ChangeLimitsResponse { receipt }))
    }
}
