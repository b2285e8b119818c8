//! A projection's tables built anew from the log, beside the live ones, which answer meanwhile.
//!
//! 1. [`fill`]: a new generation is filled in large chunks, in its own transactions, with its keys alone; what was begun and
//!    broken off is gone on with. Its other indexes are made when it has reached the live one.
//! 2. [`compared`]: the live generation is held where it is for a moment, the new one is brought to the same position, and a
//!    snapshot is taken; in that snapshot they are compared row by row, while both may go on.
//! 3. [`switch`]: the live one is held once more, the new one brought to its position, and made live, all in one
//!    transaction. The old one is dropped some time later.
//!
//! Only one process at a time builds a projection; what makes it safe is the position of the generation that is built.

pub(crate) mod compared;
pub(crate) mod fill;
mod switch;

use std::{sync::Arc, time::Duration};

use indicatif::ProgressBar;
use onsale_shared::log::{EventLog, ReadError};
use sqlx::PgConnection;

use super::{
    Blocked, Projection,
    first::ensure_live,
    session::{self, in_time},
    writer::{Interrupted, Writer},
};
use crate::{
    database::Database,
    read_models::generations::{self, Generation, State},
};
pub use compared::Comparison;

/// How long a generation that another one has replaced is kept.
pub(crate) const RETIRED_KEPT: Duration = Duration::from_secs(3_600);

/// The most events of a chunk, and of a page that is read ahead.
pub(super) const CHUNK_EVENTS: usize = 10_000;
/// How long the statements of a chunk may take in all.
const CHUNK_TIME: Duration = Duration::from_secs(180);

/// Settings of the session that builds: large statements, and none whose plan is for one row, or for a table as it was. A
/// statement that takes too long is given up well before its chunk is, so that a smaller chunk is tried. A builder whose
/// machine has vanished is given up, too: others wait for his lock.
const SESSION: &str = "\
    SET synchronous_commit = off; \
    SET plan_cache_mode = force_custom_plan; \
    SET statement_timeout = '1min'; \
    SET idle_in_transaction_session_timeout = '10s'; \
    SET tcp_keepalives_idle = 10; \
    SET tcp_keepalives_interval = 5; \
    SET tcp_keepalives_count = 3; \
    SET maintenance_work_mem = '128MB'";

/// Builds generations of a projection.
pub(crate) struct Builder {
    projection: &'static Projection,
    database: Database,
    log: Arc<dyn EventLog>,
    progress: ProgressBar,
    session: PgConnection,
    writer: Writer,
}

/// What to do, other than usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RebuildOptions {
    /// Makes the new tables live although they differ from the old ones.
    pub accept_differences: bool,
    /// Begins from the beginning, though something was begun before.
    pub anew: bool,
}

/// Why a generation was not built, or not made live.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RebuildError {
    #[error("the projection `{0}` is being built or verified by somebody else")]
    Busy(&'static str),
    #[error(
        "the live tables are of version {live}, and this program is of version {code}: it is too old"
    )]
    TooOld { live: i32, code: i32 },
    #[error(transparent)]
    Blocked(Blocked),
    #[error("generation {0} was changed by somebody else")]
    Replaced(i32),
    #[error(
        "the new tables differ from the live ones, and are not made live (--accept-differences does it all the same):\n{0}"
    )]
    Differs(Comparison),
    #[error("the live tables could not be held at a position for a moment; try again")]
    NotHeld,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
}

impl From<Interrupted> for RebuildError {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::Database(error) => Self::Database(error),
            Interrupted::Log(error) => Self::Log(error),
        }
    }
}

impl Builder {
    /// Who builds, from here on alone.
    pub(crate) async fn begin(
        projection: &'static Projection,
        database: &Database,
        log: Arc<dyn EventLog>,
        progress: ProgressBar,
    ) -> Result<Self, RebuildError> {
        let mut session = database.session().await?;
        in_time(sqlx::raw_sql(SESSION).execute(&mut session)).await?;
        if !session::builds(&mut session, projection.name).await? {
            return Err(RebuildError::Busy(projection.name));
        }
        let live = ensure_live(&mut session, projection, &*log).await?;
        if live.version > projection.version {
            return Err(RebuildError::TooOld {
                live: live.version,
                code: projection.version,
            });
        }
        Ok(Self {
            projection,
            database: database.clone(),
            log,
            progress,
            session,
            writer: Writer::new(projection, CHUNK_EVENTS, CHUNK_TIME),
        })
    }

    /// Builds the projection anew and makes that live; what the comparison with the old tables has found.
    pub(crate) async fn rebuild(
        &mut self,
        options: RebuildOptions,
    ) -> Result<Comparison, RebuildError> {
        generations::drop_retired(&mut self.session, self.projection.name, RETIRED_KEPT).await?;
        let mut built = self.take_up(options).await?;
        self.fill(&mut built).await?;
        if !built.indexed {
            self.index(&mut built).await?;
            self.fill(&mut built).await?;
        }
        let comparison = self.compare(&mut built).await?;
        let is_same_version = comparison.live_version == self.projection.version;
        if comparison.differ() && is_same_version && !options.accept_differences {
            return Err(RebuildError::Differs(comparison));
        }
        self.switch(&mut built).await?;
        Ok(comparison)
    }

    /// Folds the log into tables beside the live ones and compares; they are dropped whatever comes of it.
    pub(crate) async fn verify(&mut self) -> Result<Comparison, RebuildError> {
        // What a rebuild has begun is left to it.
        self.discard(|generation| generation.state == State::Scratch)
            .await?;
        let begun = generations::begin(&mut self.session, self.projection, State::Scratch);
        let mut scratch = begun.await?;
        let compared = async {
            self.fill(&mut scratch).await?;
            self.compare(&mut scratch).await
        }
        .await;
        let dropped = generations::discard(&mut self.session, self.projection.name, scratch.number);
        match (compared, dropped.await) {
            (Ok(comparison), dropped) => dropped.map(|()| comparison).map_err(Into::into),
            (Err(error), _dropped) => Err(error),
        }
    }

    /// What was begun with this version of the code, or something new. All else that was begun is dropped.
    async fn take_up(&mut self, options: RebuildOptions) -> Result<Generation, RebuildError> {
        let in_use = generations::in_use(&mut self.session, self.projection.name).await?;
        let begun = in_use.into_iter().rfind(|generation| {
            let is_ours = generation.version == self.projection.version;
            generation.state == State::Building && is_ours && !options.anew
        });
        let kept = begun.as_ref().map(|begun| begun.number);
        self.discard(|generation| Some(generation.number) != kept)
            .await?;
        if let Some(begun) = begun {
            tracing::info!(
                projection = self.projection.name,
                generation = begun.number,
                position = begun.progress.position.get(),
                "going on with what was begun"
            );
            return Ok(begun);
        }
        let begun = generations::begin(&mut self.session, self.projection, State::Building);
        Ok(begun.await?)
    }

    /// Drops what is beside the live generation.
    async fn discard(
        &mut self,
        is_discarded: impl Fn(&Generation) -> bool,
    ) -> Result<(), RebuildError> {
        for generation in generations::in_use(&mut self.session, self.projection.name).await? {
            if generation.state != State::Live && is_discarded(&generation) {
                let number = generation.number;
                generations::discard(&mut self.session, self.projection.name, number).await?;
            }
        }
        Ok(())
    }
}
