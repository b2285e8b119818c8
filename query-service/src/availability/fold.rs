//! Events into pools: pure, synchronous and total. It never rejects: a fact has happened. What contradicts its pool
//! marks the pool and is left out; what cannot be read, or is not the next event of its pool, stops the fold.

mod evolve;
mod tickets;

use std::{collections::HashMap, sync::Arc};

use onsale_shared::{
    event::{DecodeError, PoolEvent},
    id::PoolId,
    log::{Position, RecordedEvent, StreamName, Version},
};

use crate::pool::Pool;
use evolve::{Contradiction, evolve};
use tickets::Tickets;

/// All pools at one position of the log.
#[derive(Debug)]
pub(crate) struct Fold {
    position: Position,
    pools: HashMap<PoolId, Arc<Pool>>,
    /// Beside the pools, which are shared with readers.
    tickets: HashMap<PoolId, Tickets>,
}

/// What became of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    /// The pool that it belongs to.
    pub(crate) pool: PoolId,
    /// The event that made the pool corrupted was this one.
    pub(crate) corrupted_by: Option<Contradiction>,
}

/// Why nobody may go on from here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoldError {
    #[error(
        "pool {pool} is at version {known}, but its next event, at position {position}, has version {found}"
    )]
    Gap {
        pool: PoolId,
        known: Version,
        found: Version,
        position: Position,
    },
    #[error(
        "the event at position {position}, version {version} of {stream}, cannot be read by this version: {source}"
    )]
    Undecodable {
        position: Position,
        stream: StreamName,
        version: Version,
        #[source]
        source: DecodeError,
    },
}

impl FoldError {
    /// Of the event that stopped the fold.
    pub(crate) const fn position(&self) -> Position {
        match self {
            Self::Gap { position, .. } | Self::Undecodable { position, .. } => *position,
        }
    }
}

impl Fold {
    /// Goes on from pools as they are at `position`.
    pub(crate) fn resume(position: Position, pools: impl IntoIterator<Item = Arc<Pool>>) -> Self {
        let by_id = |pool: Arc<Pool>| (pool.id.clone(), pool);
        let pools: HashMap<_, _> = pools.into_iter().map(by_id).collect();
        Self {
            position,
            pools,
            tickets: HashMap::new(),
        }
    }

    /// The last position that is included.
    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    /// All pools, in no order.
    pub(crate) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.pools.values()
    }

    pub(crate) fn get(&self, pool: &PoolId) -> Option<&Arc<Pool>> {
        self.pools.get(pool)
    }

    /// Applies the next event of the log; streams that are not pools are passed over.
    pub(crate) fn apply(&mut self, event: &RecordedEvent) -> Result<Option<Applied>, FoldError> {
        let Some(id) = event.stream.pool() else {
            self.position = event.position;
            return Ok(None);
        };
        self.check_next(&id, event)?;
        let fact = event.decode().map_err(|source| FoldError::Undecodable {
            position: event.position,
            stream: event.stream.clone(),
            version: event.version,
            source,
        })?;
        self.apply_fact(id, event, &fact).map(Some)
    }

    /// As [`Self::apply`], of a pool's event that somebody has decoded.
    pub(crate) fn apply_fact(
        &mut self,
        id: PoolId,
        event: &RecordedEvent,
        fact: &PoolEvent,
    ) -> Result<Applied, FoldError> {
        self.check_next(&id, event)?;
        let pool = self
            .pools
            .entry(id.clone())
            .or_insert_with(|| Arc::new(Pool::unknown(id.clone(), event.time)));
        let pool = Arc::make_mut(pool);
        // A pool that nothing happens to needs no memory for its tickets.
        let tickets = self.tickets.entry(id.clone());
        let tickets = tickets.or_insert_with(|| Tickets::unseen(pool.counts));
        let possible = tickets.apply(fact);
        let contradiction = possible.and_then(|()| evolve(pool, fact)).err();
        let corrupted_by = contradiction.filter(|_| !pool.corrupted);
        pool.corrupted |= contradiction.is_some();
        pool.version = event.version;
        pool.position = event.position;
        pool.update_time = event.time;
        self.position = event.position;
        Ok(Applied {
            pool: id,
            corrupted_by,
        })
    }

    fn check_next(&self, pool: &PoolId, event: &RecordedEvent) -> Result<(), FoldError> {
        let known = self.get(pool).map_or(Version::START, |pool| pool.version);
        if event.version == known.next() {
            return Ok(());
        }
        Err(FoldError::Gap {
            pool: pool.clone(),
            known,
            found: event.version,
            position: event.position,
        })
    }
}

#[cfg(test)]
mod tests;
