//! One write of a projection: position and rows in one transaction, the position first. What an event makes impossible is
//! told apart from what an outage does: the batch is halved until the event stands alone, and everything before it is
//! written.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt as _;
use onsale_shared::log::{ReadError, postgres::Unproved};
use sqlx::{Connection as _, PgConnection};

use super::{
    ApplyError, Blocked, Entry, Projection, Projector,
    session::{in_time, in_time_of},
};
use crate::{
    availability::{Progress, was_set_back},
    read_models::generations::{Generation, Moved, advance},
};

/// `query_canceled`: a statement took longer than it may.
const TOO_SLOW: &str = "57014";
/// Classes of errors that rows cause, or code that does not fit its tables, and that no waiting mends: feature not supported,
/// cardinality, data, integrity, syntax or access, program limit, raised by SQL
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const CLASSES_OF_ROWS: [&str; 7] = ["0A", "21", "22", "23", "42", "54", "P0"];

/// Writes one generation after the other; see the module.
pub(super) struct Writer {
    projector: Box<dyn Projector>,
    /// The most events of a write.
    events_max: usize,
    /// The same, for now: less after a failure.
    events: usize,
    /// How long the statements of a write may take in all.
    time: Duration,
}

/// What came of a write.
#[derive(Debug)]
pub(super) enum Step {
    /// The generation is there now; not all that was given has to be written.
    Moved(Progress),
    /// The generation was moved by somebody else, or is not what it was.
    Replaced,
    /// The first event cannot be written.
    Blocked(Blocked),
}

/// Why writing is broken off, to be begun again with a new session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interrupted {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Log(#[from] ReadError),
}

impl From<Unproved> for Interrupted {
    fn from(unproved: Unproved) -> Self {
        match unproved {
            Unproved::Database(error) => Self::Database(error),
            Unproved::Broken(broken) => Self::Log(ReadError::Unavailable {
                during: "beginning to write",
                source: broken.into(),
            }),
        }
    }
}

/// How one attempt failed that was rolled back.
enum Refused {
    Blocked(Blocked),
    /// By the rows of one of the events, if there are several.
    Rows(String),
    /// With fewer events it may work.
    TooSlow(sqlx::Error),
}

impl Writer {
    pub(super) fn new(projection: &Projection, events_max: usize, time: Duration) -> Self {
        Self {
            projector: (projection.projector)(),
            events_max,
            events: events_max,
            time,
        }
    }

    /// The most events that one write takes.
    pub(super) const fn events_max(&self) -> usize {
        self.events_max
    }

    /// Another generation comes, or another session.
    pub(super) fn forget(&mut self) {
        self.projector.forget();
    }

    /// Writes what entries mean, in a transaction of somebody else's, who has moved the position past them.
    pub(super) async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        self.projector.apply(connection, entries).await
    }

    /// Writes some of the next entries, at least one. `observed` is how far the log was known to go before they were read.
    pub(super) async fn write(
        &mut self,
        session: &mut PgConnection,
        generation: &Generation,
        entries: &[&Entry],
        observed: Progress,
    ) -> Result<Step, Interrupted> {
        loop {
            let some = entries.get(..entries.len().min(self.events));
            let some = some.unwrap_or(entries);
            let Some(last) = some.last() else {
                return Ok(Step::Moved(generation.progress));
            };
            let to = reached(last, generation.progress, observed);
            let refused = match self.attempt(session, generation, some, to).await? {
                Ok(Moved::Yes) => {
                    self.events = self.events.saturating_mul(2).min(self.events_max);
                    return Ok(Step::Moved(to));
                }
                Ok(Moved::No) => return Ok(Step::Replaced),
                Err(refused) => refused,
            };
            let blocked = match refused {
                Refused::Blocked(blocked) => blocked,
                Refused::Rows(reason) if some.len() == 1 => Blocked {
                    position: last.event.position,
                    reason,
                },
                Refused::TooSlow(error) if some.len() == 1 => return Err(error.into()),
                Refused::Rows(_) | Refused::TooSlow(_) => {
                    self.events = (some.len() / 2).max(1);
                    continue;
                }
            };
            let before = some.iter().map(|entry| entry.event.position);
            match before.filter(|before| *before < blocked.position).count() {
                0 => return Ok(Step::Blocked(blocked)),
                before if before < some.len() => self.events = before,
                // Of none of these, whatever the projector says: the event is found by halving.
                1 => return Ok(Step::Blocked(blocked)),
                all => self.events = all / 2,
            }
        }
    }

    async fn attempt(
        &mut self,
        session: &mut PgConnection,
        generation: &Generation,
        entries: &[&Entry],
        to: Progress,
    ) -> Result<Result<Moved, Refused>, Interrupted> {
        let mut transaction = in_time(session.begin()).await?;
        if in_time(advance(&mut transaction, generation, to)).await? == Moved::No {
            self.projector.forget();
            in_time(transaction.rollback()).await?;
            return Ok(Ok(Moved::No));
        }
        let applying = AssertUnwindSafe(self.projector.apply(&mut transaction, entries));
        let applied = in_time_of(self.time, applying.catch_unwind().map(Ok)).await;
        // Whoever is not told that it went well has to forget what he thought he wrote.
        let refused = match applied {
            Ok(Ok(Ok(()))) => match in_time_of(self.time, transaction.commit()).await {
                Ok(()) => return Ok(Ok(Moved::Yes)),
                Err(error) => {
                    self.projector.forget();
                    return Ok(Err(of_rows(error)?));
                }
            },
            Ok(Ok(Err(ApplyError::Blocked(blocked)))) => Refused::Blocked(blocked),
            Ok(Ok(Err(ApplyError::Database(error)))) => {
                self.projector.forget();
                of_rows(error)?
            }
            Ok(Err(_panic)) => Refused::Rows("the projection panicked; the log says where".into()),
            Err(too_late) => {
                // Who knows what has become of the session; with another one, fewer events may be in time.
                self.events = (entries.len() / 2).max(1);
                self.projector.forget();
                return Err(too_late.into());
            }
        };
        self.projector.forget();
        in_time(transaction.rollback()).await?;
        Ok(Err(refused))
    }
}

/// Why rows were refused by the database, for people; anything else is an outage.
pub(super) fn refusal(error: sqlx::Error) -> Result<String, sqlx::Error> {
    match of_rows(error)? {
        Refused::Rows(reason) => Ok(reason),
        Refused::Blocked(blocked) => Ok(blocked.reason),
        Refused::TooSlow(error) => Err(error),
    }
}

/// What rows caused; anything else is an outage.
fn of_rows(error: sqlx::Error) -> Result<Refused, sqlx::Error> {
    if let Some(database) = error.as_database_error() {
        let code = database.code().unwrap_or_default();
        if code == TOO_SLOW {
            return Ok(Refused::TooSlow(error));
        }
        if CLASSES_OF_ROWS.iter().any(|class| code.starts_with(class)) {
            return Ok(Refused::Rows(format!("{code} {}", database.message())));
        }
        return Err(error);
    }
    let is_of_rows = crate::read_models::is_unreadable(&error)
        || matches!(
            error,
            sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_)
        );
    if is_of_rows {
        return Ok(Refused::Rows(error.to_string()));
    }
    Err(error)
}

/// How far a generation is with `last`. It includes what was recorded before, and, if nothing of it is left, what was in
/// the log when that was observed. Where the clock was set back since, the time that it showed before means nothing.
pub(super) fn reached(last: &Entry, from: Progress, observed: Progress) -> Progress {
    let position = last.event.position;
    let mut time = last.event.recorded_at;
    if !was_set_back(from.time, time) {
        time = time.max(from.time);
    }
    if position >= observed.position {
        time = time.max(observed.time);
    }
    Progress { position, time }
}
