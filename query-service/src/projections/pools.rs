//! The projection `pools`: every pool as it is now.
//!
//! Its live tables are fed by memory, which knows what changed since any position: it folds every event anyhow, and many
//! events of a pool become one row. Only tables that are built beside them fold the log here. Memory starts from the live
//! tables; so nobody but their writer may be behind them.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use onsale_shared::log::Position;
use sqlx::{Connection as _, PgConnection};

use super::{
    ApplyError, Blocked, Entry, Projection, Projector, Table,
    session::in_time,
    writer::{Step, refusal},
};
use crate::{
    availability::{Cut, Fold, FoldError},
    pool::Pool,
    read_models::{
        generations::{Generation, Moved, advance},
        pools::{INDEXES, TABLES, all, upsert},
    },
};

/// The projection `pools`: a row for each pool. Version 1 was the table `onsale_query.pools`, which stays as it is.
pub(crate) static POOLS: Projection = Projection {
    name: "pools",
    version: 2,
    tables_sql: TABLES,
    indexes_sql: INDEXES,
    tables: &[Table {
        name: "pools",
        key: "pool",
    }],
    projector: || Box::<Folded>::default(),
};

/// The most rows of one statement.
const ROWS_MAX: usize = 5_000;

/// Writes what changed in memory since the generation's position: rows and position in one transaction, the position first.
pub(super) async fn write(
    session: &mut PgConnection,
    from: &Generation,
    cut: &Cut,
) -> Result<Step, sqlx::Error> {
    let mut transaction = in_time(session.begin()).await?;
    if in_time(advance(&mut transaction, from, cut.progress)).await? == Moved::No {
        in_time(transaction.rollback()).await?;
        return Ok(Step::Replaced);
    }
    for rows in cut.pools.chunks(ROWS_MAX) {
        if let Err(error) = in_time(upsert(&mut transaction, rows)).await {
            let reason = refusal(error)?;
            in_time(transaction.rollback()).await?;
            let refused = first_refused(session, rows).await?;
            return Ok(Step::Blocked(blocked(from, refused, &reason)));
        }
    }
    in_time(transaction.commit()).await?;
    Ok(Step::Moved(cut.progress))
}

/// Which of these rows is refused, by halving; none if each half is taken by itself.
async fn first_refused<'a>(
    session: &mut PgConnection,
    mut rows: &'a [Arc<Pool>],
) -> Result<Option<&'a Pool>, sqlx::Error> {
    while rows.len() > 1 {
        let (first, second) = rows.split_at(rows.len() / 2);
        rows = if is_refused(session, first).await? {
            first
        } else {
            second
        };
    }
    match rows {
        [row] if is_refused(session, rows).await? => Ok(Some(row)),
        _ => Ok(None),
    }
}

async fn is_refused(session: &mut PgConnection, rows: &[Arc<Pool>]) -> Result<bool, sqlx::Error> {
    let mut attempt = in_time(session.begin()).await?;
    let written = in_time(upsert(&mut attempt, rows)).await;
    in_time(attempt.rollback()).await?;
    match written.map_err(refusal) {
        Ok(()) => Ok(false),
        Err(refused) => refused.map(|_reason| true),
    }
}

/// One row is written for many events: which of them it was, the row does not tell, only the last one that it may be.
fn blocked(from: &Generation, refused: Option<&Pool>, reason: &str) -> Blocked {
    let after = from.progress.position;
    match refused {
        Some(pool) => Blocked {
            position: pool.position,
            reason: format!(
                "the row of pool {} cannot be written; one of its events after position {after} and up to this one is the cause: {reason}",
                pool.id
            ),
        },
        None => Blocked {
            position: after.next(),
            reason: reason.to_owned(),
        },
    }
}

/// Folds the log, from the rows that are there.
#[derive(Default)]
struct Folded {
    fold: Option<Fold>,
}

#[async_trait]
impl Projector for Folded {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        let Some(first) = entries.first() else {
            return Ok(());
        };
        let fold = match &mut self.fold {
            Some(fold) => fold,
            None => {
                let before = Position::new(first.event.position.get() - 1).unwrap_or_default();
                let pools = all(connection).await?.into_iter().map(Arc::new);
                self.fold.insert(Fold::resume(before, pools))
            }
        };
        let mut changed = HashSet::new();
        for entry in entries {
            let applied = match &entry.pool {
                Some(pool) => fold
                    .apply_fact(pool.clone(), &entry.event, entry.fact()?)
                    .map(Some),
                None => fold.apply(&entry.event),
            };
            let applied = applied.map_err(|error: FoldError| Blocked {
                position: entry.event.position,
                reason: error.to_string(),
            })?;
            changed.extend(applied.map(|applied| applied.pool));
        }
        let changed = changed.iter().filter_map(|pool| fold.get(pool).cloned());
        let rows: Vec<_> = changed.collect();
        for rows in rows.chunks(ROWS_MAX) {
            upsert(&mut *connection, rows).await?;
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.fold = None;
    }
}
