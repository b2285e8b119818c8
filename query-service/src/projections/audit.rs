//! The projection `audit`: one row an event, by which it is found. What the first event of a command says of the command
//! (who, from where, in which conversation) holds for all of its events, so their rows say it too.

mod owners;
mod told;

use std::collections::HashMap;

use async_trait::async_trait;
use onsale_shared::{
    event::{Metadata, PoolEvent},
    id::{ClaimId, EventId, PoolId, TicketId},
    log::{Origin, postgres::origins},
    text::Reference,
};
use sqlx::PgConnection;

pub(crate) use told::{Told, Who};

use self::owners::Owners;
use super::{ApplyError, Blocked, Entry, Projection, Projector, Table};
use crate::read_models::audit::{self, Row};

/// Filled from everything that is in the log.
pub(crate) const AUDIT: Projection = Projection {
    name: "audit",
    version: 2,
    tables_sql: include_str!("../read_models/audit/tables.sql"),
    indexes_sql: include_str!("../read_models/audit/indexes.sql"),
    tables: &[
        Table {
            name: "audit",
            key: "position",
        },
        Table {
            name: "audit_times",
            key: "block",
        },
    ],
    projector: || Box::new(Audit::default()),
};

/// The events of a command follow each other in the log, but a page may end between them.
#[derive(Debug, Default)]
struct Audit {
    /// The last event, and what holds for its command; none: the table knows.
    last: Option<Told>,
}

#[async_trait]
impl Projector for Audit {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        let Some(first) = entries.first() else {
            return Ok(());
        };
        let origins = origins_of(connection, entries).await?;
        let owners = Owners::of(connection, entries).await?;
        let position = first.event.position;
        let mut last = self.last.take();
        if first.metadata()?.command.is_none()
            && last.as_ref().is_none_or(|l| !l.is_before(position))
        {
            last = audit::before(connection, position).await?;
        }
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            let metadata = entry.metadata()?;
            let told = told(entry, metadata, last, &origins);
            rows.push(row(entry, metadata, &told, &owners)?);
            last = Some(told);
        }
        audit::insert(connection, &rows).await?;
        self.last = last;
        Ok(())
    }

    fn forget(&mut self) {
        self.last = None;
    }
}

/// Where the commands came from whose first events are among these.
async fn origins_of(
    connection: &mut PgConnection,
    entries: &[&Entry],
) -> Result<HashMap<EventId, Origin>, ApplyError> {
    let mut first = Vec::new();
    for entry in entries {
        if entry.metadata()?.command.is_some() {
            first.push(entry.event.id);
        }
    }
    Ok(origins(connection, &first).await?.into_iter().collect())
}

/// What holds for the command of an event: what the event says, or what its predecessor said.
fn told(
    entry: &Entry,
    metadata: &Metadata,
    last: Option<Told>,
    origins: &HashMap<EventId, Origin>,
) -> Told {
    let event = &entry.event;
    let first = Told::first(event, metadata, origins.get(&event.id));
    match last {
        Some(last) if metadata.command.is_none() && last.is_of_command_of(&first) => {
            first.after(last)
        }
        _ => first,
    }
}

fn row<'a>(
    entry: &'a Entry,
    metadata: &Metadata,
    told: &Told,
    owners: &'a Owners,
) -> Result<Row<'a>, Blocked> {
    let event = &entry.event;
    // Events of other streams are listed, and nothing is known of what they say.
    let subject = match &entry.pool {
        Some(_) => Subject::of(entry.fact()?),
        None => Subject::default(),
    };
    Ok(Row {
        position: event.position,
        version: event.version,
        time: event.time,
        id: event.id,
        request: metadata.request_id,
        cause: metadata.causation_id,
        claim: subject.claim,
        ticket: subject.ticket,
        step: told.step,
        pool: entry.pool.as_ref().map(PoolId::as_str),
        kind: &event.kind,
        customer: subject
            .customer
            .or_else(|| owners.at(event.position))
            .map(Reference::as_str),
        who: told.who.clone(),
    })
}

/// What an event is about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Subject<'a> {
    pub(crate) customer: Option<&'a Reference>,
    pub(crate) claim: Option<ClaimId>,
    pub(crate) ticket: Option<TicketId>,
}

impl<'a> Subject<'a> {
    pub(crate) fn of(fact: &'a PoolEvent) -> Self {
        let of = |customer, claim, ticket| Self {
            customer,
            claim: Some(claim),
            ticket,
        };
        match fact {
            PoolEvent::TicketClaimed(e) => of(Some(&e.customer), e.claim, Some(e.ticket)),
            PoolEvent::ClaimExtended(e) => of(Some(&e.customer), e.claim, None),
            PoolEvent::TicketBought(e) => of(Some(&e.customer), e.claim, Some(e.ticket)),
            PoolEvent::TicketReleased(e) => of(e.customer.as_ref(), e.claim, Some(e.ticket)),
            PoolEvent::TicketRefunded(e) => of(Some(&e.customer), e.claim, Some(e.ticket)),
            PoolEvent::CommandRefused(e) => Self {
                customer: e.customer.as_ref(),
                ..Self::default()
            },
            PoolEvent::PoolCreated(_)
            | PoolEvent::SalesStopped(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::PoolCancelled(_)
            | PoolEvent::CapacityChanged(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::LimitsChanged(_) => Self::default(),
        }
    }
}
