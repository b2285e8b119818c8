//! The commands, so that one piece of code can send any of them, however often it takes.

use onsale_proto::v1::{self, command_service_client::CommandServiceClient};
use tonic::{Request, Response, Status, transport::Channel};

/// A command as it is sent.
pub(super) trait Command: Clone + Send + Sync + 'static {
    /// What success looks like.
    type Answer: Send;

    /// What people call it.
    const NAME: &'static str;

    fn request_id(&self) -> &str;

    /// One attempt.
    fn call(
        client: &mut CommandServiceClient<Channel>,
        request: Request<Self>,
    ) -> impl Future<Output = Result<Response<Self::Answer>, Status>> + Send;

    /// The proof that it is in the log.
    fn receipt(answer: &Self::Answer) -> Option<&v1::Receipt>;
}

macro_rules! commands {
    ($($request:ident => $answer:ident, $method:ident, $name:literal;)*) => {
        $(impl Command for v1::$request {
            type Answer = v1::$answer;

            const NAME: &'static str = $name;

            fn request_id(&self) -> &str {
                &self.request_id
            }

            async fn call(
                client: &mut CommandServiceClient<Channel>,
                request: Request<Self>,
            ) -> Result<Response<Self::Answer>, Status> {
                client.$method(request).await
            }

            fn receipt(answer: &Self::Answer) -> Option<&v1::Receipt> {
                answer.receipt.as_ref()
            }
        })*
    };
}

commands! {
    CreatePoolRequest => CreatePoolResponse, create_pool, "CreatePool";
    ClaimTicketsRequest => ClaimTicketsResponse, claim_tickets, "ClaimTickets";
    BuyTicketsRequest => BuyTicketsResponse, buy_tickets, "BuyTickets";
    ReleaseTicketsRequest => ReleaseTicketsResponse, release_tickets, "ReleaseTickets";
    PurchaseTicketsRequest => PurchaseTicketsResponse, purchase_tickets, "PurchaseTickets";
    ChangePricingRequest => ChangePricingResponse, change_pricing, "ChangePricing";
    StopSalesRequest => StopSalesResponse, stop_sales, "StopSales";
    ResumeSalesRequest => ResumeSalesResponse, resume_sales, "ResumeSales";
}
