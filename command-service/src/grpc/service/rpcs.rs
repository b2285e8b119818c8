//! The RPCs, one by one: a request in, its response out; and the stream of all of them.

use std::pin::Pin;

use futures::Stream;
use onsale_proto::{frame::ExecuteFrame, server::v1::command_service_server, v1};
use tonic::{Request, Response, Status, Streaming};

use super::{CommandService, execute::Execution};
use crate::grpc::refusals;

/// Each RPC sends its request to its pool and answers with its response.
macro_rules! rpcs {
    ($($rpc:ident: $request:ident -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl command_service_server::CommandService for CommandService {
            $(
                async fn $rpc(
                    &self,
                    request: Request<v1::$request>,
                ) -> Result<Response<v1::$response>, Status> {
                    self.answer(&request).await
                }
            )*

            async fn list_refusals(
                &self,
                request: Request<v1::ListRefusalsRequest>,
            ) -> Result<Response<v1::ListRefusalsResponse>, Status> {
                refusals::list(&self.refused, request.get_ref()).await
            }

            type ExecuteStream = Pin<Box<dyn Stream<Item = Result<v1::ExecuteResponse, Status>> + Send>>;

            async fn execute(
                &self,
                request: Request<Streaming<ExecuteFrame>>,
            ) -> Result<Response<Self::ExecuteStream>, Status> {
                let execution = Execution::begin(self.clone(), request)?;
                Ok(Response::new(Box::pin(execution.responses())))
            }
        }
    };
}

rpcs! {
    create_pool: CreatePoolRequest -> CreatePoolResponse;
    claim_tickets: ClaimTicketsRequest -> ClaimTicketsResponse;
    extend_claim: ExtendClaimRequest -> ExtendClaimResponse;
    buy_tickets: BuyTicketsRequest -> BuyTicketsResponse;
    purchase_tickets: PurchaseTicketsRequest -> PurchaseTicketsResponse;
    release_tickets: ReleaseTicketsRequest -> ReleaseTicketsResponse;
    refund_tickets: RefundTicketsRequest -> RefundTicketsResponse;
    grant_tickets: GrantTicketsRequest -> GrantTicketsResponse;
    stop_sales: StopSalesRequest -> StopSalesResponse;
    resume_sales: ResumeSalesRequest -> ResumeSalesResponse;
    cancel_pool: CancelPoolRequest -> CancelPoolResponse;
    change_capacity: ChangeCapacityRequest -> ChangeCapacityResponse;
    change_pricing: ChangePricingRequest -> ChangePricingResponse;
    reschedule_pool: ReschedulePoolRequest -> ReschedulePoolResponse;
    change_limits: ChangeLimitsRequest -> ChangeLimitsResponse;
}
