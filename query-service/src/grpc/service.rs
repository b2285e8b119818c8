//! `onsale.v1.QueryService`: validate, ask, convert.

mod rpcs;

use std::time::Duration;

use onsale_proto::{CORRELATION_KEY, server::v1::query_service_server::QueryServiceServer};
use onsale_shared::{
    id::IdSource,
    log::{LogClock, Position},
};
use tonic::{Status, metadata::MetadataMap};

use super::{deadline::deadline, status};
use crate::queries::{Freshness, Queries, QueryError};

/// The largest message that is read; 100 names need a tenth of it.
const MESSAGE_BYTES_MAX: usize = 64 * 1_024;

/// Answers `onsale.v1.QueryService`.
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
            QueryError::Database(_)
            | QueryError::DatabaseTooSlow
            | QueryError::Log(_)
            | QueryError::TookTooLong => {
                tracing::warn!(
                    error = source,
                    correlation_id = correlation,
                    "a query failed"
                );
            }
            QueryError::Wrong(_)
            | QueryError::UnknownPool(_)
            | QueryError::UnknownClaim(..)
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
