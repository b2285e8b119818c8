//! Whose claims are: releases of before there was a limit per customer do not say it.

use std::collections::HashMap;

use onsale_shared::{
    event::PoolEvent,
    id::{ClaimId, PoolId},
    log::Position,
    text::Reference,
};
use sqlx::PgConnection;

use crate::{
    projections::{ApplyError, Blocked, Entry},
    read_models::audit,
};

/// The customers of releases that do not say them.
#[derive(Debug, Default)]
pub(super) struct Owners(HashMap<Position, Reference>);

impl Owners {
    /// Of the releases among these, as far as it was said before them whose the claim is.
    pub(super) async fn of(
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<Self, ApplyError> {
        let mut asked = Vec::new();
        for entry in entries {
            asked.extend(without_customer(entry)?);
        }
        if asked.is_empty() {
            return Ok(Self::default());
        }
        asked.sort_unstable();
        asked.dedup();
        let mut known = audit::owners(connection, &asked).await?;
        let mut owners = HashMap::new();
        for entry in entries {
            if let Some(pool) = &entry.pool
                && let PoolEvent::TicketClaimed(claimed) = entry.fact()?
            {
                let key = (pool.clone(), claimed.claim);
                known.entry(key).or_insert_with(|| claimed.customer.clone());
            }
            let owner = without_customer(entry)?.and_then(|key| known.get(&key));
            owners.extend(owner.map(|owner| (entry.event.position, owner.clone())));
        }
        Ok(Self(owners))
    }

    pub(super) fn at(&self, position: Position) -> Option<&Reference> {
        self.0.get(&position)
    }
}

/// The claim of a release that does not say whose it was.
fn without_customer(entry: &Entry) -> Result<Option<(PoolId, ClaimId)>, Blocked> {
    if let Some(pool) = &entry.pool
        && let PoolEvent::TicketReleased(released) = entry.fact()?
        && released.customer.is_none()
    {
        return Ok(Some((pool.clone(), released.claim)));
    }
    Ok(None)
}
