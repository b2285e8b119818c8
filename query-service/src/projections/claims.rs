//! The projection `claims`: what became of each claim and each ticket, as one row each, and what voided claims.
//!
//! A batch is folded in memory on the rows that it concerns ([`fold`]), so that however many events a row gets in a
//! batch, it is written once. Who reads says what the clock does to a claim: nothing here depends on the time of day.

mod fold;
mod keys;
mod rows;

use async_trait::async_trait;
use sqlx::{Connection as _, PgConnection};

use self::{fold::Fold, keys::Keys};
use super::{ApplyError, Entry, Projection, Projector, Table};
use crate::read_models::claims::{INDEXES_SQL, TABLES_SQL, load, write};

/// The projection `claims`: a row for each claim and each ticket.
pub(crate) static CLAIMS: Projection = Projection {
    name: "claims",
    version: 2,
    tables_sql: TABLES_SQL,
    indexes_sql: INDEXES_SQL,
    tables: &[
        Table {
            name: "claims",
            key: "pool, claim",
        },
        Table {
            name: "tickets",
            key: "pool, ticket",
        },
        Table {
            name: "claim_voids",
            key: "pool, position",
        },
    ],
    projector: || Box::new(ClaimsProjector),
};

/// What the first events of a batch name is looked for: more than the events of one append, so that a claim of which an
/// earlier batch had some tickets is found.
const LOOKED_FOR: usize = 1_000;

/// Remembers nothing from batch to batch: what it needs is found by key.
struct ClaimsProjector;

#[async_trait]
impl Projector for ClaimsProjector {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        if entries.len() <= LOOKED_FOR {
            return write_all(connection, entries, entries.len())
                .await
                .map(drop);
        }
        // What is claimed is new, where the log is right; to look for all of it would take as long as to write it. Where
        // it was there already, its key says so, or an event that it contradicts; then all is looked for.
        let mut attempt = connection.begin().await?;
        match write_all(&mut attempt, entries, LOOKED_FOR).await {
            Ok(Written::All) => Ok(attempt.commit().await?),
            Err(ApplyError::Database(error)) if !was_there(&error) => Err(error.into()),
            Err(ApplyError::Blocked(blocked)) => Err(blocked.into()),
            Ok(Written::Doubtful) | Err(ApplyError::Database(_)) => {
                attempt.rollback().await?;
                write_all(connection, entries, entries.len())
                    .await
                    .map(drop)
            }
        }
    }
}

/// What came of writing.
enum Written {
    All,
    /// An event contradicts what is known, and not all is known.
    Doubtful,
}

fn was_there(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.is_unique_violation())
}

/// Writes what entries mean. Claims and tickets that are new are looked for all the same if the first `looked_for` entries
/// name them.
async fn write_all(
    connection: &mut PgConnection,
    entries: &[&Entry],
    looked_for: usize,
) -> Result<Written, ApplyError> {
    let mut keys = Keys::default();
    for (index, entry) in entries.iter().enumerate() {
        if let Some(pool) = &entry.pool {
            keys.add(pool, entry.fact()?, index < looked_for);
        }
    }
    let claims = load::claims(connection, keys.claims()).await?;
    let tickets = load::tickets(connection, keys.tickets()).await?;
    let mut fold = Fold::of(claims, tickets);
    for entry in entries {
        if let Some(pool) = &entry.pool {
            fold.apply(pool, entry.event.position, entry.event.time, entry.fact()?);
        }
    }
    if fold.contradicted() && looked_for < entries.len() {
        return Ok(Written::Doubtful);
    }
    let (new, changed) = fold.claims();
    write::insert_claims(connection, &new).await?;
    write::update_claims(connection, &changed).await?;
    let (new, changed) = fold.tickets();
    write::insert_tickets(connection, &new).await?;
    write::update_tickets(connection, &changed).await?;
    write::insert_voids(connection, fold.voids()).await?;
    Ok(Written::All)
}

#[cfg(test)]
mod tests;
