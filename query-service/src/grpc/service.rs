//! `onsale.v1.QueryService`: validate, ask, convert.

use std::{pin::Pin, time::Duration};

use futures::Stream;
use onsale_proto::{
    CORRELATION_KEY,
    frame::AvailabilityFrame,
    server::v1::query_service_server::{QueryService, QueryServiceServer},
    v1,
};
use onsale_shared::{
    id::IdSource,
    log::{LogClock, Position},
};
use tonic::{Request, Response, Status, metadata::MetadataMap};

use super::{
    convert, deadline::deadline, frames::frames, pages, status, subscription::subscription,
    validate,
};
use crate::queries::{Freshness, Queries, QueryError, WatchQuery};

/// The largest message that is read; 100 names need a tenth of it.
const MESSAGE_BYTES_MAX: usize = 64 * 1_024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Service {
    queries: Queries,
    clock: LogClock,
    /// For calls without a deadline.
    timeout: Duration,
}

impl Service {
    /// The name that health is asked by.
    pub(crate) const NAME: &str = onsale_proto::server::v1::query_service_server::SERVICE_NAME;

    /// The service, as a server takes it.
    pub(crate) fn server(
        queries: Queries,
        clock: LogClock,
        timeout: Duration,
    ) -> QueryServiceServer<Self> {
        let service = Self {
            queries,
            clock,
            timeout,
        };
        QueryServiceServer::new(service).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn freshness(&self, required: Position, metadata: &MetadataMap) -> Freshness {
        Freshness {
            required,
            deadline: deadline(metadata, self.timeout),
        }
    }

    /// Says in the log what the caller must not see.
    fn failed(&self, error: &QueryError, metadata: &MetadataMap) -> Status {
        let correlation = self.correlation(metadata);
        let source = error as &dyn std::error::Error;
        match error {
            QueryError::Unreadable(_) => {
                tracing::error!(
                    error = source,
                    correlation_id = correlation,
                    "a query failed"
                );
            }
            QueryError::Database(_) | QueryError::Log(_) | QueryError::DatabaseTooSlow => {
                tracing::warn!(
                    error = source,
                    correlation_id = correlation,
                    "a query failed"
                );
            }
            QueryError::Wrong(_)
            | QueryError::UnknownPool(_)
            | QueryError::UnknownEvent(_)
            | QueryError::NoPrice { .. }
            | QueryError::NotReady
            | QueryError::Behind { .. }
            | QueryError::TooManyStreams => {
                tracing::debug!(
                    error = source,
                    correlation_id = correlation,
                    "a query failed"
                );
            }
        }
        status::of_error(error, &correlation)
    }

    /// The caller's, or a new one.
    fn correlation(&self, metadata: &MetadataMap) -> String {
        let given = metadata.get(CORRELATION_KEY);
        let given = given.and_then(|value| value.to_str().ok());
        given
            .filter(|id| (1..=128).contains(&id.len()))
            .map_or_else(
                || IdSource.ids(self.clock.now()).event().to_string(),
                str::to_owned,
            )
    }
}

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
