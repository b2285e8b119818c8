//! Events as they were written, with who caused them, from where, and why. Which ones, the read model `audit` says; what
//! they say, and what they say of the command that they belong to, is read from the log. What was erased there meanwhile
//! is not answered.

use std::collections::{BTreeSet, HashMap};

use onsale_shared::{
    event::{CommandMetadata, Metadata, PoolEvent},
    id::EventId,
    log::{Origin, Position, RecordedEvent},
};
use tokio::time::{Instant, timeout_at};

use super::{Freshness, Page, Paged, Queries, QueryError, WrongField};
use crate::{
    availability::Progress,
    projections::audit::AUDIT,
    read_models::audit::{self, Direction, EFFECTS_MAX, Filter, Found},
};

/// Which events are asked for.
#[derive(Clone, Debug)]
pub(crate) struct EventsQuery {
    pub(crate) filter: Filter,
    pub(crate) direction: Direction,
    /// Where to begin, at the earliest or, backwards, at the latest.
    pub(crate) start: Option<Position>,
    pub(crate) page: Page<Position>,
}

/// An event, and how it came about.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) event: RecordedEvent,
    /// None for events of other streams.
    pub(crate) fact: Option<PoolEvent>,
    pub(crate) metadata: Metadata,
    /// What the first event of the same command says of it.
    pub(crate) command: Option<CommandMetadata>,
    /// Where the command came from, as far as that is known and not erased.
    pub(crate) origin: Option<Origin>,
    pub(crate) cause: Option<Cause>,
}

/// The event that led to another one.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) position: Position,
    pub(crate) kind: String,
}

/// An event between its causes and its effects.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) event: Told,
    /// The first one first.
    pub(crate) causes: Vec<Told>,
    pub(crate) effects: Vec<Told>,
    pub(crate) more_effects: bool,
}

impl Queries {
    /// A page of the events that meet a filter. It may have fewer than were asked for, and still have a next one.
    pub(crate) async fn read_events(
        &self,
        query: EventsQuery,
        freshness: Freshness,
    ) -> Result<(Paged<Told, Position>, Progress), QueryError> {
        self.check_ready()?;
        let freshness = self.fresh_enough(&query, freshness).await?;
        let ip = query.filter.ip;
        let looking = self.read(&AUDIT, freshness, move |connection, _as_of| {
            let query = query.clone();
            Box::pin(async move {
                let EventsQuery {
                    filter,
                    direction,
                    start,
                    page,
                } = &query;
                audit::look(connection, filter, *direction, *start, page).await
            })
        });
        let (found, included) = looking.await?;
        let mut rows = self.tell(&found.rows, freshness.deadline).await?;
        // What was erased is found by nobody, whether or not the read model still has it.
        rows.retain(|told| ip.is_none() || ip == told.origin.as_ref().and_then(|origin| origin.ip));
        let next = found.next;
        Ok((Paged { rows, next }, included))
    }

    /// An event, the chain of its causes, and what it led to.
    pub(crate) async fn trace_event(
        &self,
        id: EventId,
        freshness: Freshness,
    ) -> Result<(Chain, Progress), QueryError> {
        self.check_ready()?;
        let looking = self.read(&AUDIT, freshness, move |connection, _as_of| {
            Box::pin(async move {
                let causes = audit::causes(connection, id).await?;
                Ok((causes, audit::effects(connection, id).await?))
            })
        });
        let ((causes, mut effects), included) = looking.await?;
        let more_effects = effects.len() > EFFECTS_MAX;
        effects.truncate(EFFECTS_MAX);
        let mut causes = self.tell(&causes, freshness.deadline).await?;
        let event = causes.pop().ok_or(QueryError::UnknownEvent(id))?;
        let effects = self.tell(&effects, freshness.deadline).await?;
        let chain = Chain {
            event,
            causes,
            effects,
            more_effects,
        };
        Ok((chain, included))
    }

    /// A position is as good as a token: whoever has it has seen the log that far. One that no event will have next is none.
    async fn fresh_enough(
        &self,
        query: &EventsQuery,
        freshness: Freshness,
    ) -> Result<Freshness, QueryError> {
        let mut end = self.hub.progress().position;
        if query.start.is_some_and(|start| start > end) {
            let reading = timeout_at(freshness.deadline, self.log.head());
            let head = reading
                .await
                .map_err(|_elapsed| QueryError::DatabaseTooSlow)?;
            end = head.map_err(QueryError::Log)?.position;
        }
        let start = query.start.unwrap_or_default();
        if start > end.next() {
            let text = format!(
                "must be at most {}, which the next event will have",
                end.next()
            );
            return Err(QueryError::Wrong(vec![WrongField::new(
                "from_position",
                text,
            )]));
        }
        let seen = query.page.after.unwrap_or_default().max(start.min(end));
        Ok(Freshness {
            required: freshness.required.max(seen),
            ..freshness
        })
    }

    /// The events, from the log.
    async fn tell(&self, found: &[Found], deadline: Instant) -> Result<Vec<Told>, QueryError> {
        match timeout_at(deadline, self.tell_now(found)).await {
            Ok(told) => told,
            Err(_elapsed) => Err(QueryError::DatabaseTooSlow),
        }
    }

    async fn tell_now(&self, found: &[Found]) -> Result<Vec<Told>, QueryError> {
        let named = |found: &Found| [Some(found.position), Some(found.first), found.cause];
        let positions: BTreeSet<_> = found.iter().flat_map(named).flatten().collect();
        let positions: Vec<_> = positions.into_iter().collect();
        let events = self
            .log
            .read_at(&positions)
            .await
            .map_err(QueryError::Log)?;
        let events: HashMap<_, _> = events
            .into_iter()
            .map(|event| (event.position, event))
            .collect();
        let first: BTreeSet<_> = found
            .iter()
            .filter_map(|found| Some(events.get(&found.first)?.id))
            .collect();
        let first: Vec<_> = first.into_iter().collect();
        let origins = self.log.origins(&first).await.map_err(QueryError::Log)?;
        let origins: HashMap<_, _> = origins.into_iter().collect();
        found
            .iter()
            .map(|found| told(found, &events, &origins))
            .collect()
    }
}

fn told(
    found: &Found,
    events: &HashMap<Position, RecordedEvent>,
    origins: &HashMap<EventId, Origin>,
) -> Result<Told, QueryError> {
    let event = |position: Position| {
        let event = events.get(&position);
        event.ok_or_else(|| unreadable(format!("the log has no event at position {position}")))
    };
    let metadata = |event: &RecordedEvent| event.metadata().map_err(unreadable);
    let (event, first) = (event(found.position)?, event(found.first)?);
    let cause = found.cause.and_then(|position| events.get(&position));
    let is_of_pool = event.stream.pool().is_some();
    let fact = is_of_pool.then(|| event.decode().map_err(unreadable));
    Ok(Told {
        fact: fact.transpose()?,
        metadata: metadata(event)?,
        command: metadata(first)?.command,
        origin: origins.get(&first.id).cloned(),
        cause: cause.map(|cause| Cause {
            position: cause.position,
            kind: cause.kind.clone(),
        }),
        event: event.clone(),
    })
}

/// The read model has what could be read once.
fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> QueryError {
    QueryError::Unreadable(sqlx::Error::Decode(error.into()))
}
