//! The projection `customers`: what happened to each customer, an entry an event, in the order of the log. It tells what
//! the log says: an event that contradicts others is part of the story.

mod story;

use async_trait::async_trait;
use sqlx::PgConnection;

use self::story::{Owners, entry, without_owner};
use super::{ApplyError, Entry, Projection, Projector, Table};
use crate::read_models::customers::{INDEXES_SQL, TABLES_SQL, write};

/// The projection `customers`: a row for each event of a customer.
pub(crate) static CUSTOMERS: Projection = Projection {
    name: "customers",
    version: 1,
    tables_sql: TABLES_SQL,
    indexes_sql: INDEXES_SQL,
    tables: &[
        Table {
            name: "customer_entries",
            key: "customer, position",
        },
        Table {
            name: "claim_owners",
            key: "pool, claim",
        },
    ],
    projector: || Box::new(CustomersProjector),
};

/// Remembers nothing from batch to batch: what it needs is found by key.
struct CustomersProjector;

#[async_trait]
impl Projector for CustomersProjector {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        let mut asked = Vec::new();
        for happened in entries {
            if let Some(pool) = &happened.pool
                && let Some(claim) = without_owner(happened.fact()?)
            {
                asked.push((pool.clone(), claim));
            }
        }
        asked.sort_unstable();
        asked.dedup();
        let mut owners = Owners::stored(write::owners(connection, asked.iter()).await?);
        let mut told = Vec::with_capacity(entries.len());
        for happened in entries {
            if let Some(pool) = &happened.pool {
                let fact = happened.fact()?;
                // What comes later says nothing of what was before, wherever a batch ends.
                owners.follow(pool, fact);
                let at = (happened.event.position, happened.event.time);
                told.extend(entry(pool, at, fact, &owners));
            }
        }
        write::insert_owners(connection, &owners.added()).await?;
        write::insert_entries(connection, &told).await?;
        Ok(())
    }
}
