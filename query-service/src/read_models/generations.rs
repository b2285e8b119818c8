//! Generations of read models: each a schema of its own, and a row that says how far it is and what it is for. [`life`] makes,
//! switches and drops them; here they are read and moved.

mod life;

use std::fmt;

use onsale_shared::log::Position;
use sqlx::{PgConnection, Row as _, postgres::PgRow};

use super::pools_row::progress_of;
use crate::{availability::Progress, projections::Blocked};

pub(crate) use life::{
    alone, begin, discard, drop_retired, ensure_live, hold_live, index, make_live,
};

/// 'onsq' in ASCII: the first key of every advisory lock of this service.
pub(crate) const LOCK_CLASS: i32 = 1_869_509_489;

/// The columns of a generation.
macro_rules! columns {
    () => {
        "generation, version, state, position AS checkpoint, time AS checkpoint_time, blocked_position, \
         blocked_reason, indexed, events_per_second"
    };
}
pub(crate) use columns;

/// What a generation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is filled, beside the live one.
    Building,
    /// Queries read it.
    Live,
    /// A fold to compare the live one with; dropped after that.
    Scratch,
}

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Live => "live",
            Self::Scratch => "scratch",
        }
    }
}

/// A generation of a projection's tables, and how far it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Generation {
    pub(crate) projection: &'static str,
    pub(crate) number: i32,
    /// Of the code that writes it.
    pub(crate) version: i32,
    pub(crate) state: State,
    pub(crate) progress: Progress,
    pub(crate) blocked: Option<Blocked>,
    pub(crate) indexed: bool,
    /// How fast it is being built.
    pub(crate) events_per_second: Option<f64>,
}

impl Generation {
    /// The schema of its tables. Safe in SQL: a constant and a number.
    pub(crate) fn schema(&self) -> Schema {
        Schema::of(self.projection, self.number)
    }
}

/// How far the live generation is, in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) progress: Progress,
    /// What the generation has to include before it is read.
    pub(crate) readable_from: Position,
}

impl Checkpoint {
    /// The columns `checkpoint`, `checkpoint_time` and `readable_from`.
    pub(super) fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        let readable_from = Position::new(row.try_get("readable_from")?);
        Ok(Self {
            progress: progress_of(row)?,
            readable_from: readable_from.unwrap_or_default(),
        })
    }

    /// What it has to include so that a reader who requires `required` may see it.
    pub(crate) fn needs(self, required: Position) -> Position {
        required.max(self.readable_from)
    }

    /// Whether a reader who requires `required` may see it.
    pub(crate) fn is_fresh(self, required: Position) -> bool {
        self.progress.position >= self.needs(required)
    }
}

/// The name of a generation's schema; safe in SQL, since it is built of a constant name and a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schema(String);

impl Schema {
    fn of(projection: &'static str, number: i32) -> Self {
        Self(format!("onsale_query_{projection}_{number}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What became of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// It is where it should be now; the transaction may write.
    Yes,
    /// The generation was somewhere else than the writer believed, or is not what it was: somebody else writes.
    No,
}

/// Moves a generation to `to`. The first statement of a transaction that writes rows: it holds others off until the end of
/// the transaction, and whoever was held off finds nothing to move.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    from: &Generation,
    to: Progress,
) -> Result<Moved, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE onsale_query.generations \
            SET position = $5, time = $6, blocked_position = NULL, blocked_reason = NULL \
          WHERE projection = $1 AND generation = $2 AND state = $3 AND position = $4",
    )
    .bind(from.projection)
    .bind(from.number)
    .bind(from.state.as_str())
    .bind(from.progress.position.get())
    .bind(to.position.get())
    .bind(to.time.to_utc())
    .execute(connection)
    .await?;
    Ok(moved(done.rows_affected()))
}

/// Notes that a generation cannot go past an event.
pub(crate) async fn block(
    connection: &mut PgConnection,
    generation: &Generation,
    blocked: &Blocked,
) -> Result<Moved, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE onsale_query.generations SET blocked_position = $5, blocked_reason = $6 \
          WHERE projection = $1 AND generation = $2 AND state = $3 AND position = $4",
    )
    .bind(generation.projection)
    .bind(generation.number)
    .bind(generation.state.as_str())
    .bind(generation.progress.position.get())
    .bind(blocked.position.get())
    .bind(&blocked.reason)
    .execute(connection)
    .await?;
    Ok(moved(done.rows_affected()))
}

/// Notes how fast a generation is being built.
pub(crate) async fn note_rate(
    connection: &mut PgConnection,
    generation: &Generation,
    events_per_second: f64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE onsale_query.generations SET events_per_second = $3 WHERE projection = $1 AND generation = $2",
    )
    .bind(generation.projection)
    .bind(generation.number)
    .bind(events_per_second)
    .execute(connection)
    .await
    .map(drop)
}

/// The live generation; every projection has one from the start of the service on.
pub(crate) async fn live(
    connection: &mut PgConnection,
    projection: &'static str,
) -> Result<Generation, sqlx::Error> {
    let row = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM onsale_query.generations WHERE projection = $1 AND state = 'live'"
    ))
    .bind(projection)
    .fetch_one(connection)
    .await?;
    generation_of(projection, &row)
}

/// The generations of a projection that have tables and are in use: the live one, and those that are being built.
pub(crate) async fn in_use(
    connection: &mut PgConnection,
    projection: &'static str,
) -> Result<Vec<Generation>, sqlx::Error> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM onsale_query.generations \
          WHERE projection = $1 AND state IN ('live', 'building', 'scratch') ORDER BY generation"
    ))
    .bind(projection)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| generation_of(projection, row))
        .collect()
}

/// From here on the session's SQL finds the generation's tables without naming the schema.
pub(crate) async fn use_schema(
    connection: &mut PgConnection,
    schema: &Schema,
) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('search_path', $1, false)")
        .bind(schema.as_str())
        .execute(connection)
        .await
        .map(drop)
}

const fn moved(rows: u64) -> Moved {
    if rows == 1 { Moved::Yes } else { Moved::No }
}

fn generation_of(projection: &'static str, row: &PgRow) -> Result<Generation, sqlx::Error> {
    let state = match row.try_get("state")? {
        "building" => State::Building,
        "live" => State::Live,
        "scratch" => State::Scratch,
        other => return Err(sqlx::Error::Decode(format!("state {other}").into())),
    };
    let at: Option<i64> = row.try_get("blocked_position")?;
    let reason: Option<String> = row.try_get("blocked_reason")?;
    let blocked = at.and_then(Position::new).zip(reason);
    Ok(Generation {
        projection,
        number: row.try_get("generation")?,
        version: row.try_get("version")?,
        state,
        progress: progress_of(row)?,
        blocked: blocked.map(|(position, reason)| Blocked { position, reason }),
        indexed: row.try_get("indexed")?,
        events_per_second: row.try_get("events_per_second")?,
    })
}
