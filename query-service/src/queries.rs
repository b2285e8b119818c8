//! The questions that the service answers. Each first waits until what answers it is as fresh as was asked for, never
//! beyond the deadline. Nothing here knows the wire.

mod claims;
mod customer_history;
mod events;
mod freshness;
mod get_availability;
mod get_pool;
mod get_projections;
mod list_pools;
mod page;
mod pool_as_of;
mod price_changes;
mod priced;
mod quote_price;
mod read;
pub(crate) mod refusals;
mod sales_export;
mod sales_report;
mod subscribe_events;
mod watch_availability;

use std::sync::Arc;

use onsale_shared::{
    id::{ClaimId, EventId, PoolId},
    log::{EventLog, LogClock, Position, ReadError, Version},
};
use tokio::sync::Semaphore;

pub(crate) use events::{Chain, EventsQuery, Told};
pub(crate) use freshness::Freshness;
pub(crate) use get_projections::Projections;
pub(crate) use page::{Page, Paged};
pub(crate) use price_changes::PriceChangesQuery;
pub(crate) use priced::{OfPool, Priced};
pub(crate) use quote_price::{PriceQuote, QuoteQuery};
pub(crate) use sales_export::{Exports, SalesExport};
pub(crate) use sales_report::{SalesReport, Scope, Selection};
pub(crate) use subscribe_events::{Ended, Sent, Subscription};
pub(crate) use watch_availability::{Stream, WatchQuery};

use crate::{
    availability::{Hub, watch::Endings},
    database::Connections,
    projections::board::Board,
    read_models::{is_canceled, is_unreadable},
    readiness::Readiness,
};

/// What answers.
#[derive(Clone, Debug)]
pub(crate) struct Queries {
    pub(crate) hub: Arc<Hub>,
    pub(crate) read_models: Arc<Connections>,
    /// For events as they were written; on connections that nobody waits for who follows the log.
    pub(crate) log: Arc<dyn EventLog>,
    /// The log's clock, as it is kept.
    pub(crate) clock: LogClock,
    pub(crate) exports: Exports,
    pub(crate) endings: Endings,
    /// One permit for each stream that may still be opened.
    pub(crate) streams: Arc<Semaphore>,
    /// One permit for each stream of events that may read at the same time.
    pub(crate) streams_reading: Arc<Semaphore>,
    /// How far the tables of each projection are, as far as this process knows.
    pub(crate) board: Arc<Board>,
    /// How often to look how far a table is.
    pub(crate) tables_poll_interval: std::time::Duration,
    pub(crate) heartbeat_interval: std::time::Duration,
}

/// Why a question is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("the pool cannot be asked that: {}", .0.iter().map(|field| &*field.name).collect::<Vec<_>>().join(", "))]
    Wrong(Vec<WrongField>),
    #[error("there is no pool {0}")]
    UnknownPool(PoolId),
    #[error("pool {0} has no claim {1}")]
    UnknownClaim(PoolId, ClaimId),
    #[error("there is no event {0}")]
    UnknownEvent(EventId),
    #[error("the log does not say what pool {pool} sells")]
    NoPrice { pool: PoolId, version: Version },
    #[error("memory does not follow the log, or not yet")]
    NotReady,
    #[error("position {required} was not reached in time, only {position}")]
    Behind {
        position: Position,
        required: Position,
    },
    #[error("no more streams can be opened")]
    TooManyStreams,
    #[error("PostgreSQL cannot be asked")]
    Database(#[source] sqlx::Error),
    #[error("the log cannot be read")]
    Log(#[source] ReadError),
    #[error("PostgreSQL did not answer in time")]
    DatabaseTooSlow,
    #[error("the answer took longer than it may")]
    TookTooLong,
    #[error("the read model holds what this version cannot read")]
    Unreadable(#[source] sqlx::Error),
}

impl From<sqlx::Error> for QueryError {
    /// Of a read: what PostgreSQL gave up since it took longer than a statement may is no outage, and is not repeated.
    fn from(error: sqlx::Error) -> Self {
        if is_unreadable(&error) {
            Self::Unreadable(error)
        } else if is_canceled(&error) {
            Self::TookTooLong
        } else {
            Self::Database(error)
        }
    }
}

/// What is wrong with a question, given the pool that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrongField {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl WrongField {
    fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

impl Queries {
    fn check_ready(&self) -> Result<(), QueryError> {
        if *self.endings.readiness.borrow() == Readiness::Ready {
            Ok(())
        } else {
            Err(QueryError::NotReady)
        }
    }
}
