//! A bare `SELECT` by key through tonic and sqlx: the least that reads a pool from its table.

use futures::stream::Empty;
use onsale_proto::{
    name,
    server::v1::query_service_server::{QueryService, QueryServiceServer},
    v1,
};
use sqlx::{
    PgPool, Row as _,
    types::chrono::{DateTime, Utc},
};
use tonic::{Request, Response, Status};

/// The service; no freshness, no deadline, no limit.
pub(super) fn server(database: PgPool) -> QueryServiceServer<BareSelect> {
    QueryServiceServer::new(BareSelect(database))
}

/// See the module.
pub(super) struct BareSelect(PgPool);

impl BareSelect {
    async fn select(&self, id: &str) -> Result<v1::Pool, sqlx::Error> {
        let row = sqlx::query(
            "SELECT pool, display_name, promoter, show, capacity, sold, held, version, create_time, update_time, \
                    pricing::text AS pricing, max_tickets_per_order, max_tickets_per_customer \
               FROM onsale_read.pools WHERE pool = $1",
        )
        .bind(id)
        .fetch_one(&self.0)
        .await?;
        let time = |column| -> Result<_, sqlx::Error> {
            let time: DateTime<Utc> = row.try_get(column)?;
            Ok(Some(prost_types::Timestamp {
                seconds: time.timestamp(),
                nanos: time.timestamp_subsec_nanos().cast_signed(),
            }))
        };
        let text = |column| -> Result<String, sqlx::Error> {
            let text: Option<String> = row.try_get(column)?;
            Ok(text.unwrap_or_default())
        };
        let _pricing = text("pricing")?;
        let number = |column| row.try_get::<i64, _>(column);
        let (capacity, sold, held) = (number("capacity")?, number("sold")?, number("held")?);
        Ok(v1::Pool {
            name: name::pool(row.try_get("pool")?),
            display_name: text("display_name")?,
            promoter: text("promoter")?,
            show: text("show")?,
            capacity,
            max_tickets_per_order: number("max_tickets_per_order")?.try_into().unwrap_or(0),
            max_tickets_per_customer: number("max_tickets_per_customer")?.try_into().unwrap_or(0),
            availability: Some(v1::Availability {
                capacity,
                sold,
                held,
                available: capacity - sold - held,
                version: number("version")?,
                ..v1::Availability::default()
            }),
            etag: number("version")?.to_string(),
            create_time: time("create_time")?,
            update_time: time("update_time")?,
            ..v1::Pool::default()
        })
    }
}

/// The whole service: `get_pool`, and the methods that this engine does not have.
macro_rules! query_service {
    ($($method:ident($request:ident) -> $response:ty;)*) => {
        #[tonic::async_trait]
        impl QueryService for BareSelect {
            async fn get_pool(
                &self,
                request: Request<v1::GetPoolRequest>,
            ) -> Result<Response<v1::GetPoolResponse>, Status> {
                let id = name::parse_pool(&request.get_ref().name);
                let id = id.ok_or_else(|| Status::invalid_argument("name"))?;
                let pool = self.select(id).await;
                let pool = pool.map_err(|error| Status::unavailable(error.to_string()))?;
                Ok(Response::new(v1::GetPoolResponse {
                    pool: Some(pool),
                    consistency_token: String::new(),
                }))
            }

            type ExportSalesReportStream = Empty<Result<v1::ExportSalesReportResponse, Status>>;
            type WatchAvailabilityStream = Empty<Result<onsale_proto::frame::AvailabilityFrame, Status>>;
            type SubscribeEventsStream = Empty<Result<v1::SubscribeEventsResponse, Status>>;

            $(async fn $method(
                &self,
                _request: Request<v1::$request>,
            ) -> Result<Response<$response>, Status> {
                Err(Status::unimplemented("this engine only reads pools"))
            })*
        }
    };
}

query_service! {
    list_pools(ListPoolsRequest) -> v1::ListPoolsResponse;
    get_claim(GetClaimRequest) -> v1::GetClaimResponse;
    list_claims(ListClaimsRequest) -> v1::ListClaimsResponse;
    list_tickets(ListTicketsRequest) -> v1::ListTicketsResponse;
    get_customer_history(GetCustomerHistoryRequest) -> v1::GetCustomerHistoryResponse;
    get_availability(GetAvailabilityRequest) -> v1::GetAvailabilityResponse;
    quote_price(QuotePriceRequest) -> v1::QuotePriceResponse;
    get_sales_report(GetSalesReportRequest) -> v1::GetSalesReportResponse;
    export_sales_report(ExportSalesReportRequest) -> Self::ExportSalesReportStream;
    list_price_changes(ListPriceChangesRequest) -> v1::ListPriceChangesResponse;
    get_pool_as_of(GetPoolAsOfRequest) -> v1::GetPoolAsOfResponse;
    watch_availability(WatchAvailabilityRequest) -> Self::WatchAvailabilityStream;
    get_projections(GetProjectionsRequest) -> v1::GetProjectionsResponse;
    read_events(ReadEventsRequest) -> v1::ReadEventsResponse;
    trace_event(TraceEventRequest) -> v1::TraceEventResponse;
    list_refusals(ListRefusalsRequest) -> v1::ListRefusalsResponse;
    subscribe_events(SubscribeEventsRequest) -> Self::SubscribeEventsStream;
}
