//! The naive engines' gRPC server: the same contract, of which it has the two commands that are measured. Bare tonic,
//! without the checks and the limits that command-service has.

use std::io::{Write as _, stdout};

use futures::stream::Empty;
use onsale_proto::{
    frame::ExecuteFrame,
    server::v1::command_service_server::{CommandService, CommandServiceServer},
    v1::{self, ClaimState, TicketState},
};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status, Streaming,
    service::Routes,
    transport::{Server, server::TcpIncoming},
};

use super::{
    Engine,
    answer::{Order, Taken, receipt},
    atomic_update, bare_select,
    batched::Batcher,
    for_update,
};

/// As many calls may be open on one connection, as with command-service.
const STREAMS_PER_CONNECTION: u32 = 4_096;

/// How tickets are counted.
enum Counter {
    Echo,
    AtomicUpdate(PgPool),
    ForUpdate(PgPool),
    Batched(Batcher),
}

/// Serves an engine on a port of its own, which it prints, until it is killed.
///
/// # Errors
/// The database cannot be reached, or the port cannot be listened on.
pub async fn serve(engine: Engine, database_url: &str, connections: u32) -> anyhow::Result<()> {
    let counter = match engine {
        Engine::BareSelect => {
            let database = pool(database_url, connections).await?;
            return listen(Routes::new(bare_select::server(database))).await;
        }
        Engine::Echo => Counter::Echo,
        Engine::NaiveAtomicUpdate => Counter::AtomicUpdate(pool(database_url, connections).await?),
        Engine::NaiveForUpdate => Counter::ForUpdate(pool(database_url, connections).await?),
        Engine::BatchedSql => {
            let database = pool(database_url, connections).await?;
            Counter::Batched(Batcher::start(&database, connections))
        }
        Engine::Onsale | Engine::OnsaleStream => {
            anyhow::bail!("command-service is a program of its own")
        }
    };
    listen(Routes::new(CommandServiceServer::new(Naive { counter }))).await
}

async fn listen(routes: Routes) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(stdout(), "http://{}", listener.local_addr()?)?;
    Server::builder()
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .add_routes(routes)
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await?;
    Ok(())
}

/// All connections are there from the start, and none is asked for a sign of life before it is used.
async fn pool(database_url: &str, connections: u32) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(connections)
        .test_before_acquire(false)
        .connect(database_url)
        .await
}

struct Naive {
    counter: Counter,
}

impl Naive {
    async fn take(&self, order: &Order) -> Result<(), Status> {
        let taken = match &self.counter {
            Counter::Echo => Ok(Taken::Yes),
            Counter::AtomicUpdate(database) => atomic_update::take(database, order).await,
            Counter::ForUpdate(database) => for_update::take(database, order).await,
            Counter::Batched(batcher) => {
                let taken = batcher.take(order.clone()).await;
                taken.ok_or(sqlx::Error::WorkerCrashed)
            }
        };
        match taken {
            Ok(Taken::Yes) => Ok(()),
            Ok(Taken::No) => Err(order.sold_out()),
            Err(error) => Err(Status::unavailable(error.to_string())),
        }
    }
}

/// The whole service: `claim_tickets`, `purchase_tickets`, and the methods that no engine here has.
macro_rules! command_service {
    ($($method:ident($request:ident) -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl CommandService for Naive {
            async fn claim_tickets(
                &self,
                request: Request<v1::ClaimTicketsRequest>,
            ) -> Result<Response<v1::ClaimTicketsResponse>, Status> {
                let request = request.into_inner();
                let order = Order::new(&request.pool, request.customer, request.quantity)?;
                self.take(&order).await?;
                Ok(Response::new(v1::ClaimTicketsResponse {
                    receipt: Some(receipt()),
                    claim: Some(order.claim(ClaimState::Held, TicketState::Held)),
                }))
            }

            async fn purchase_tickets(
                &self,
                request: Request<v1::PurchaseTicketsRequest>,
            ) -> Result<Response<v1::PurchaseTicketsResponse>, Status> {
                let request = request.into_inner();
                let order = Order::new(&request.pool, request.customer, request.quantity)?;
                self.take(&order).await?;
                Ok(Response::new(v1::PurchaseTicketsResponse {
                    receipt: Some(receipt()),
                    claim: Some(order.claim(ClaimState::Bought, TicketState::Bought)),
                }))
            }

            type ExecuteStream = Empty<Result<v1::ExecuteResponse, Status>>;

            async fn execute(
                &self,
                _request: Request<Streaming<ExecuteFrame>>,
            ) -> Result<Response<Self::ExecuteStream>, Status> {
                Err(Status::unimplemented("this engine has no streams"))
            }

            $(async fn $method(
                &self,
                _request: Request<v1::$request>,
            ) -> Result<Response<v1::$response>, Status> {
                Err(Status::unimplemented("this engine only sells"))
            })*
        }
    };
}

command_service! {
    create_pool(CreatePoolRequest) -> CreatePoolResponse;
    extend_claim(ExtendClaimRequest) -> ExtendClaimResponse;
    buy_tickets(BuyTicketsRequest) -> BuyTicketsResponse;
    release_tickets(ReleaseTicketsRequest) -> ReleaseTicketsResponse;
    refund_tickets(RefundTicketsRequest) -> RefundTicketsResponse;
    grant_tickets(GrantTicketsRequest) -> GrantTicketsResponse;
    stop_sales(StopSalesRequest) -> StopSalesResponse;
    resume_sales(ResumeSalesRequest) -> ResumeSalesResponse;
    cancel_pool(CancelPoolRequest) -> CancelPoolResponse;
    change_capacity(ChangeCapacityRequest) -> ChangeCapacityResponse;
    change_pricing(ChangePricingRequest) -> ChangePricingResponse;
    reschedule_pool(ReschedulePoolRequest) -> ReschedulePoolResponse;
    change_limits(ChangeLimitsRequest) -> ChangeLimitsResponse;
}
