//! The live counts of some pools.

use std::{sync::Arc, time::Duration};

use onsale_shared::id::PoolId;
use tokio::sync::OwnedSemaphorePermit;

use super::{Freshness, Queries, QueryError};
use crate::availability::{
    Progress,
    watch::{Delivery, Ending, Pace, Watch},
};

/// What a subscriber asks for.
#[derive(Clone, Debug)]
pub(crate) struct WatchQuery {
    /// At least one.
    pub(crate) pools: Vec<PoolId>,
    pub(crate) min_interval: Duration,
    /// What a stream that broke off has delivered.
    pub(crate) seen: Option<Progress>,
    pub(crate) freshness: Freshness,
}

/// An open stream; counts against the limit until it is dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    watch: Watch,
    _permit: OwnedSemaphorePermit,
}

impl Stream {
    /// Waits for the next thing to send.
    pub(crate) async fn next(&mut self) -> Result<Delivery, Ending> {
        self.watch.next().await
    }
}

impl Queries {
    /// Opens a stream.
    pub(crate) async fn watch_availability(&self, query: WatchQuery) -> Result<Stream, QueryError> {
        let permit = Arc::clone(&self.streams).try_acquire_owned();
        let permit = permit.map_err(|_none_left| QueryError::TooManyStreams)?;
        // A stream of another replica may have seen more than this one has.
        let seen = query.seen.unwrap_or_default().position;
        let required = query.freshness.required.max(seen);
        let freshness = Freshness {
            required,
            ..query.freshness
        };
        self.wait_for_memory(freshness).await?;
        let subscribe = |pool| {
            let receiver = self.hub.subscribe(pool);
            receiver.ok_or_else(|| QueryError::UnknownPool(pool.clone()))
        };
        let pools: Result<Vec<_>, _> = query.pools.iter().map(subscribe).collect();
        let pace = Pace {
            min_interval: query.min_interval,
            heartbeat_interval: self.heartbeat_interval,
        };
        let (hub, endings) = (Arc::clone(&self.hub), self.endings.clone());
        Ok(Stream {
            watch: Watch::new(hub, pools?, pace, endings, query.seen),
            _permit: permit,
        })
    }
}
