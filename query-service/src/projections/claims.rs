//! The projection `claims`: what became of each claim and each ticket, as one row each, and what voided claims.
//!
//! A batch is folded in memory on the rows that it concerns ([`fold`]), so that however many events a row gets in a
//! batch, it is written once. Who reads says what the clock does to a claim: nothing here depends on the time of day.

mod fold;
mod rows;

use async_trait::async_trait;
use sqlx::PgConnection;

use self::fold::{Fold, Keys};
use super::{ApplyError, Entry, Projection, Projector, Table};
use crate::read_models::claims::{INDEXES_SQL, TABLES_SQL, load, write};

/// See the module.
pub(crate) static CLAIMS: Projection = Projection {
    name: "claims",
    version: 1,
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

/// Remembers nothing from batch to batch: what it needs is found by key.
struct ClaimsProjector;

#[async_trait]
impl Projector for ClaimsProjector {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        let mut keys = Keys::default();
        for entry in entries {
            if let Some(pool) = &entry.pool {
                keys.add(pool, entry.fact()?);
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
        let (new, changed) = fold.claims();
        write::insert_claims(connection, &new).await?;
        write::update_claims(connection, &changed).await?;
        let (new, changed) = fold.tickets();
        write::insert_tickets(connection, &new).await?;
        write::update_tickets(connection, &changed).await?;
        write::insert_voids(connection, fold.voids()).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
