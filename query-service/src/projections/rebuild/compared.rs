//! The live generation and one beside it, at one position, row by row.

use std::fmt;

use onsale_shared::log::Position;
use sqlx::{Connection as _, PgConnection};

use super::{
    Builder, RebuildError,
    switch::{PAUSE, is_in_the_way},
};
use crate::{
    projections::session::in_time,
    read_models::{
        compare::{self, TableDifferences},
        generations::{self, Generation},
    },
};

/// How often the two are tried to be brought to one position: the live one goes on when it is held for too long.
const ATTEMPTS_MAX: usize = 20;

/// How long the live generation may be held, in the words of PostgreSQL. It is not held by its writer's patience: he
/// waits for at most two seconds, and tries again.
const HOLD: &str = "SET LOCAL idle_in_transaction_session_timeout = '1500ms'";

/// What a comparison has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The projection.
    pub projection: &'static str,
    /// Where both were.
    pub position: Position,
    /// Of the live tables.
    pub(crate) live_version: i32,
    pub(crate) tables: Vec<TableDifferences>,
}

impl Comparison {
    /// Whether a row differs.
    #[must_use]
    pub fn differ(&self) -> bool {
        self.tables.iter().any(|table| table.rows > 0)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            projection,
            position,
            ..
        } = self;
        write!(f, "{projection}, at position {position}:")?;
        for TableDifferences {
            table,
            rows,
            first,
            is_comparable,
            columns_left_out,
        } in &self.tables
        {
            match (is_comparable, rows) {
                (false, _) => write!(f, "\n  {table}: not compared, it has no such key in both")?,
                (true, 0) => write!(f, "\n  {table}: no row differs")?,
                (true, 1) => write!(f, "\n  {table}: 1 row differs")?,
                (true, rows) => write!(f, "\n  {table}: {rows} rows differ")?,
            }
            if *columns_left_out > 0 {
                write!(f, ", {columns_left_out} columns are not in both")?;
            }
            if let Some(first) = first {
                let row = |row: &Option<String>| row.clone().unwrap_or_else(|| "none".into());
                write!(
                    f,
                    "\n    first: {}\n      live: {}\n      log:  {}",
                    first.key,
                    row(&first.live),
                    row(&first.built)
                )?;
            }
        }
        Ok(())
    }
}

impl Builder {
    /// Compares a generation with the live one.
    pub(super) async fn compare(
        &mut self,
        built: &mut Generation,
    ) -> Result<Comparison, RebuildError> {
        self.progress.set_message("comparing");
        let mut reader = self.database.session().await?;
        let mut holder = self.database.session().await?;
        let (live, position) = self.meet(built, &mut holder, &mut reader).await?;
        let mut tables = Vec::new();
        for table in self.projection.tables {
            self.progress.set_message(table.name);
            let compared = compare::table(&mut reader, self.projection, table, &live, built);
            tables.push(compared.await?);
        }
        self.progress.set_message("");
        reader.close().await.ok();
        holder.close().await.ok();
        Ok(Comparison {
            projection: self.projection.name,
            position,
            live_version: live.version,
            tables,
        })
    }

    /// Brings both to one position, and takes a snapshot there. Whether they are is what the snapshot itself says.
    async fn meet(
        &mut self,
        built: &mut Generation,
        holder: &mut PgConnection,
        reader: &mut PgConnection,
    ) -> Result<(Generation, Position), RebuildError> {
        for _ in 0..ATTEMPTS_MAX {
            self.fill(built).await?;
            let mut hold = in_time(holder.begin()).await?;
            sqlx::raw_sql(HOLD).execute(&mut *hold).await?;
            let live = match generations::hold_live(&mut hold, self.projection.name).await {
                Ok(live) => live,
                Err(error) if is_in_the_way(&error) => {
                    hold.rollback().await?;
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let here = live.progress.position;
            if here < built.progress.position {
                return Err(RebuildError::Replaced(built.number));
            }
            self.fill_to(built, here).await?;
            let (live_at, built_at) = compare::begin(reader, &live, built).await?;
            // Who was held for too long is not held any more.
            if hold.rollback().await.is_err() {
                *holder = self.database.session().await?;
            }
            if live_at.position == built_at.position {
                return Ok((live, live_at.position));
            }
            sqlx::raw_sql("ROLLBACK").execute(&mut *reader).await?;
        }
        Err(RebuildError::NotHeld)
    }
}
