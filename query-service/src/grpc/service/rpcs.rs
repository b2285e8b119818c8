//! The RPCs, one by one: what is asked as types, the question, the answer as the contract writes it.

use std::pin::Pin;

use futures::Stream;
use onsale_proto::{frame::AvailabilityFrame, server::v1::query_service_server::QueryService, v1};
use onsale_shared::log::Position;
use tonic::{Request, Response, Status};

use super::Service;
use crate::{
    grpc::{
        convert,
        csv::csv,
        frames::frames,
        pages::{self, next_page_token},
        subscription::subscription,
        validate,
    },
    queries::{Freshness, WatchQuery},
};

#[tonic::async_trait]
impl QueryService for Service {
    async fn get_pool(
        &self,
        request: Request<v1::GetPoolRequest>,
    ) -> Result<Response<v1::GetPoolResponse>, Status> {
        let asked = validate::get_pool(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let answer = self.queries.get_pool(&asked.pool, freshness).await;
        let (pool, included) = answer.map_err(|error| self.failed(&error, request.metadata()))?;
        Ok(Response::new(v1::GetPoolResponse {
            pool: Some(convert::pool(&pool, included.time)),
            consistency_token: convert::token(included.position),
        }))
    }

    async fn list_pools(
        &self,
        request: Request<v1::ListPoolsRequest>,
    ) -> Result<Response<v1::ListPoolsResponse>, Status> {
        let asked = validate::list_pools(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let answer = self.queries.list_pools(asked.filter, asked.page, freshness);
        let answer = answer.await;
        let (page, included) = answer.map_err(|error| self.failed(&error, request.metadata()))?;
        let pools = page.rows.iter();
        Ok(Response::new(v1::ListPoolsResponse {
            pools: pools
                .map(|pool| convert::pool(pool, included.time))
                .collect(),
            next_page_token: next_page_token(asked.query, page.next.as_ref()),
            consistency_token: convert::token(included.position),
        }))
    }

    async fn get_claim(
        &self,
        request: Request<v1::GetClaimRequest>,
    ) -> Result<Response<v1::GetClaimResponse>, Status> {
        let asked = validate::get_claim(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let answer = self.queries.get_claim(&asked.pool, asked.claim, freshness);
        let answer = answer.await;
        let (claim, included) = answer.map_err(|error| self.failed(&error, request.metadata()))?;
        Ok(Response::new(v1::GetClaimResponse {
            claim: Some(convert::claim_with_tickets(&claim)),
            consistency_token: convert::token(included.position),
        }))
    }

    async fn list_claims(
        &self,
        request: Request<v1::ListClaimsRequest>,
    ) -> Result<Response<v1::ListClaimsResponse>, Status> {
        let asked = validate::list_claims(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let (filter, page) = (asked.filter, asked.page);
        let answer = self.queries.list_claims(filter, page, freshness).await;
        let (page, included) = answer.map_err(|error| self.failed(&error, request.metadata()))?;
        Ok(Response::new(v1::ListClaimsResponse {
            claims: page.rows.iter().map(convert::claim).collect(),
            next_page_token: next_page_token(asked.query, page.next.as_ref()),
            consistency_token: convert::token(included.position),
        }))
    }

    async fn list_tickets(
        &self,
        request: Request<v1::ListTicketsRequest>,
    ) -> Result<Response<v1::ListTicketsResponse>, Status> {
        let asked = validate::list_tickets(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let answer = self
            .queries
            .list_tickets(asked.filter, asked.page, freshness);
        let answer = answer.await;
        let (page, included) = answer.map_err(|error| self.failed(&error, request.metadata()))?;
        Ok(Response::new(v1::ListTicketsResponse {
            tickets: page.rows.iter().map(convert::ticket).collect(),
            next_page_token: next_page_token(asked.query, page.next.as_ref()),
            consistency_token: convert::token(included.position),
        }))
    }

    async fn get_customer_history(
        &self,
        request: Request<v1::GetCustomerHistoryRequest>,
    ) -> Result<Response<v1::GetCustomerHistoryResponse>, Status> {
        let asked = validate::customer_history(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let answer = self
            .queries
            .customer_history(asked.filter, asked.page, freshness);
        let answer = answer.await;
        let (page, included) = answer.map_err(|error| self.failed(&error, request.metadata()))?;
        Ok(Response::new(v1::GetCustomerHistoryResponse {
            entries: page.rows.iter().map(convert::customer_entry).collect(),
            next_page_token: next_page_token(asked.query, page.next.as_ref()),
            consistency_token: convert::token(included.position),
        }))
    }

    async fn get_availability(
        &self,
        request: Request<v1::GetAvailabilityRequest>,
    ) -> Result<Response<v1::GetAvailabilityResponse>, Status> {
        let asked = validate::get_availability(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let answer = self.queries.get_availability(&asked.pool, freshness).await;
        let (pool, included) = answer.map_err(|error| self.failed(&error, request.metadata()))?;
        Ok(Response::new(v1::GetAvailabilityResponse {
            availability: Some(convert::availability(&pool, included.time)),
            consistency_token: convert::token(included.position),
        }))
    }

    async fn quote_price(
        &self,
        request: Request<v1::QuotePriceRequest>,
    ) -> Result<Response<v1::QuotePriceResponse>, Status> {
        let asked = validate::quote_price(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let answer = self.queries.quote_price(&asked.query, freshness).await;
        let (quote, included) = answer.map_err(|error| self.failed(&error, request.metadata()))?;
        Ok(Response::new(convert::quote(&quote, included)))
    }

    async fn get_sales_report(
        &self,
        request: Request<v1::GetSalesReportRequest>,
    ) -> Result<Response<v1::GetSalesReportResponse>, Status> {
        let asked = validate::get_sales_report(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let (selection, by_price) = (&asked.selection, asked.by_price);
        let answer = self
            .queries
            .get_sales_report(selection, by_price, freshness);
        let answer = answer.await;
        let (report, included) = answer.map_err(|error| self.failed(&error, request.metadata()))?;
        let report = convert::sales_report(&report, asked.selection.span, included);
        Ok(Response::new(report))
    }

    type ExportSalesReportStream =
        Pin<Box<dyn Stream<Item = Result<v1::ExportSalesReportResponse, Status>> + Send>>;

    async fn export_sales_report(
        &self,
        request: Request<v1::ExportSalesReportRequest>,
    ) -> Result<Response<Self::ExportSalesReportStream>, Status> {
        let asked = validate::export_sales_report(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let export = self
            .queries
            .export_sales_report(&asked.selection, freshness);
        let export = export.await;
        let export = export.map_err(|error| self.failed(&error, request.metadata()))?;
        let correlation = self.correlation(request.metadata());
        Ok(Response::new(Box::pin(csv(export, correlation))))
    }

    async fn list_price_changes(
        &self,
        request: Request<v1::ListPriceChangesRequest>,
    ) -> Result<Response<v1::ListPriceChangesResponse>, Status> {
        let asked = validate::list_price_changes(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let answer = self.queries.list_price_changes(&asked.query, freshness);
        let answer = answer.await;
        let (changes, currency, included) =
            answer.map_err(|error| self.failed(&error, request.metadata()))?;
        Ok(Response::new(v1::ListPriceChangesResponse {
            price_changes: convert::price_changes(&changes.rows, currency),
            next_page_token: next_page_token(asked.page, changes.next.as_ref()),
            consistency_token: convert::token(included),
        }))
    }

    async fn get_pool_as_of(
        &self,
        request: Request<v1::GetPoolAsOfRequest>,
    ) -> Result<Response<v1::GetPoolAsOfResponse>, Status> {
        let asked = validate::get_pool_as_of(request.get_ref())?;
        let freshness = self.freshness(asked.required, request.metadata());
        let answer = self
            .queries
            .get_pool_as_of(&asked.pool, asked.moment, freshness);
        let answer = answer.await;
        let found = answer.map_err(|error| self.failed(&error, request.metadata()))?;
        Ok(Response::new(v1::GetPoolAsOfResponse {
            pool: Some(convert::pool(&found.pool, found.time)),
            as_of_time: Some(convert::timestamp(found.time)),
            consistency_token: convert::token(found.included),
        }))
    }

    async fn list_refusals(
        &self,
        request: Request<v1::ListRefusalsRequest>,
    ) -> Result<Response<v1::ListRefusalsResponse>, Status> {
        let (metadata, asked) = (
            request.metadata(),
            validate::list_refusals(request.get_ref(), self.clock.now())?,
        );
        let Freshness { deadline, .. } = self.freshness(Position::START, metadata);
        let answer = self.queries.list_refusals(&asked.query, deadline);
        let answer = answer.await;
        let page = answer.map_err(|error| self.failed(&error, metadata))?;
        Ok(Response::new(v1::ListRefusalsResponse {
            refusals: page.rows.iter().map(convert::refusals).collect(),
            next_page_token: asked.next_page_token(page.next.as_ref()),
        }))
    }

    async fn read_events(
        &self,
        request: Request<v1::ReadEventsRequest>,
    ) -> Result<Response<v1::ReadEventsResponse>, Status> {
        let (metadata, asked) = (
            request.metadata(),
            validate::read_events(request.get_ref())?,
        );
        let freshness = self.freshness(asked.required, metadata);
        let answer = self.queries.read_events(asked.query, freshness).await;
        let (events, included) = answer.map_err(|error| self.failed(&error, metadata))?;
        Ok(Response::new(v1::ReadEventsResponse {
            events: events.rows.iter().map(convert::event).collect(),
            next_page_token: pages::next_page_token(asked.page_query, events.next.as_ref()),
            consistency_token: convert::token(included.position),
        }))
    }

    async fn trace_event(
        &self,
        request: Request<v1::TraceEventRequest>,
    ) -> Result<Response<v1::TraceEventResponse>, Status> {
        let (metadata, asked) = (
            request.metadata(),
            validate::trace_event(request.get_ref())?,
        );
        let freshness = self.freshness(asked.required, metadata);
        let answer = self.queries.trace_event(asked.event, freshness).await;
        let (chain, included) = answer.map_err(|error| self.failed(&error, metadata))?;
        Ok(Response::new(convert::chain(&chain, included.position)))
    }

    type SubscribeEventsStream =
        Pin<Box<dyn Stream<Item = Result<v1::SubscribeEventsResponse, Status>> + Send>>;

    async fn subscribe_events(
        &self,
        request: Request<v1::SubscribeEventsRequest>,
    ) -> Result<Response<Self::SubscribeEventsStream>, Status> {
        let metadata = request.metadata();
        let asked = validate::subscribe_events(request.get_ref())?;
        let freshness = self.freshness(asked.required, metadata);
        let opened = self.queries.subscribe_events(asked.query, freshness).await;
        let stream = opened.map_err(|error| self.failed(&error, metadata))?;
        let correlation = self.correlation(metadata);
        Ok(Response::new(Box::pin(subscription(stream, correlation))))
    }

    type WatchAvailabilityStream =
        Pin<Box<dyn Stream<Item = Result<AvailabilityFrame, Status>> + Send>>;

    async fn watch_availability(
        &self,
        request: Request<v1::WatchAvailabilityRequest>,
    ) -> Result<Response<Self::WatchAvailabilityStream>, Status> {
        let asked = validate::watch_availability(request.get_ref())?;
        let query = WatchQuery {
            pools: asked.pools,
            min_interval: asked.min_interval,
            seen: asked.seen,
            freshness: self.freshness(asked.required, request.metadata()),
        };
        let stream = self.queries.watch_availability(query).await;
        let stream = stream.map_err(|error| self.failed(&error, request.metadata()))?;
        Ok(Response::new(Box::pin(frames(stream, asked.fingerprint))))
    }

    async fn get_projections(
        &self,
        request: Request<v1::GetProjectionsRequest>,
    ) -> Result<Response<v1::GetProjectionsResponse>, Status> {
        let required = validate::get_projections(request.get_ref())?;
        let freshness = self.freshness(required, request.metadata());
        let answer = self.queries.get_projections(freshness).await;
        let answer = answer.map_err(|error| self.failed(&error, request.metadata()))?;
        Ok(Response::new(convert::projections(&answer)))
    }
}
