//! Another generation is made live: brought to the live one's position while that is held, and put in its place, in one
//! transaction. Who reads sees the one or the other.

use std::time::Duration;

use onsale_shared::log::Position;
use sqlx::{Connection as _, Postgres, Transaction};

use super::{Builder, RebuildError};
use crate::{
    projections::{
        ApplyError, Entry,
        writer::{Writer, reached},
    },
    read_models::generations::{self, Generation, Moved},
};

/// How often it is tried: long reads are waited for, but not while others wait behind them.
const ATTEMPTS_MAX: usize = 100;
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// New reads wait behind who waits for the views; so he does not wait for long.
const PATIENCE: &str = "SET LOCAL lock_timeout = '500ms'";

/// `lock_not_available`, `deadlock_detected`.
const IN_THE_WAY: [&str; 2] = ["55P03", "40P01"];

impl Builder {
    /// Makes a generation live.
    pub(super) async fn switch(&mut self, built: &mut Generation) -> Result<(), RebuildError> {
        for _ in 0..ATTEMPTS_MAX {
            self.fill(built).await?;
            self.writer.forget();
            match self.attempt(built).await {
                Ok(Moved::Yes) => {
                    tracing::info!(
                        projection = self.projection.name,
                        generation = built.number,
                        position = built.progress.position.get(),
                        "another generation of the tables of `{}` is live",
                        self.projection.name
                    );
                    return Ok(());
                }
                Ok(Moved::No) => return Err(RebuildError::Replaced(built.number)),
                Err(RebuildError::Database(error)) if is_in_the_way(&error) => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(RebuildError::NotHeld)
    }

    async fn attempt(&mut self, built: &mut Generation) -> Result<Moved, RebuildError> {
        let mut transaction = self.session.begin().await?;
        sqlx::raw_sql(PATIENCE).execute(&mut *transaction).await?;
        let live = generations::hold_live(&mut transaction, self.projection.name).await?;
        let here = live.progress.position;
        if here < built.progress.position {
            return Ok(Moved::No);
        }
        let mut last = built.clone();
        while last.progress.position < here {
            let missing = self.log.read(last.progress.position, super::CHUNK_EVENTS);
            let entries: Vec<_> = missing.await?.into_iter().map(Entry::new).collect();
            if apply(
                &mut self.writer,
                &mut transaction,
                &mut last,
                here,
                &entries,
            )
            .await?
                == Moved::No
            {
                return Ok(Moved::No);
            }
        }
        let made = generations::make_live(&mut transaction, self.projection, &live, &last).await?;
        if made == Moved::No {
            return Ok(Moved::No);
        }
        transaction.commit().await?;
        *built = last;
        Ok(Moved::Yes)
    }
}

/// Applies what is missing, within the transaction.
async fn apply(
    writer: &mut Writer,
    transaction: &mut Transaction<'_, Postgres>,
    built: &mut Generation,
    here: Position,
    entries: &[Entry],
) -> Result<Moved, RebuildError> {
    let entries: Vec<_> = entries
        .iter()
        .take_while(|entry| entry.event.position <= here)
        .collect();
    let Some(last) = entries.last() else {
        return Ok(Moved::No);
    };
    let to = reached(last, built.progress, built.progress);
    if generations::advance(transaction, built, to).await? == Moved::No {
        return Ok(Moved::No);
    }
    match writer.apply(transaction, &entries).await {
        Ok(()) => {}
        Err(ApplyError::Database(error)) => return Err(error.into()),
        Err(ApplyError::Blocked(blocked)) => return Err(RebuildError::Blocked(blocked)),
    }
    built.progress = to;
    Ok(Moved::Yes)
}

/// Somebody else holds what is to be held; he will let it go.
pub(super) fn is_in_the_way(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| IN_THE_WAY.contains(&&*code))
}
