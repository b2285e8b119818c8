//! The table of refusals.

use std::{io, time::Duration};

use chrono::{DateTime, Utc};
use onsale_shared::{id::PoolId, time::Timestamp};
use sqlx::{PgPool, Row as _, postgres::PgRow};
use tokio::time::timeout;

use super::{Counted, Sample, Tally};

/// How long a statement may take: a network may hold back an answer for ever.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most rows that are deleted at once.
const DELETE_MAX: i64 = 20_000;

/// The table.
#[derive(Clone, Debug)]
pub struct Store {
    database: PgPool,
    instance: String,
}

/// Where a page of refusals ends: the next one has older ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// The second.
    pub second: Timestamp,
    /// Why.
    pub reason: String,
    /// Which instance refused.
    pub instance: String,
}

/// Which refusals are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Of this pool; none: of pools that do not exist, and what was too much to be told apart.
    pub pool: Option<PoolId>,
    /// For this reason; none: for any.
    pub reason: Option<String>,
    /// In this second or later.
    pub from: Option<Timestamp>,
    /// Before this one.
    pub before: Last,
    /// The most rows.
    pub limit: usize,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What tells it from others of the pool.
    pub at: Last,
    /// How many there were, and the first of them.
    pub counted: Counted,
}

impl Store {
    /// The table in a database that is migrated, written by an instance.
    #[must_use]
    pub const fn new(database: PgPool, instance: String) -> Self {
        Self { database, instance }
    }

    /// Adds counts to those that are there.
    ///
    /// # Errors
    /// The database failed.
    pub async fn add(&self, tally: &Tally) -> Result<(), sqlx::Error> {
        // In one order, so that no two writers wait for each other.
        let mut rows: Vec<_> = tally.iter().collect();
        rows.sort_by_key(|(key, _)| *key);
        let (mut seconds, mut pools, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
        let (mut counts, mut samples) = (Vec::new(), Vec::new());
        for (key, counted) in rows {
            seconds.push(key.second.to_utc());
            pools.push(key.pool.as_ref().map_or("", PoolId::as_str));
            reasons.push(key.reason);
            counts.push(counted.count);
            let written = serde_json::to_string(&counted.samples);
            samples.push(written.map_err(|error| sqlx::Error::Encode(error.into()))?);
        }
        let adding = sqlx::query(
            "INSERT INTO onsale_command.refusals AS old (second, pool, reason, instance, count, samples) \
             SELECT second, pool, reason, $4, count, samples::json \
               FROM unnest($1::timestamptz[], $2::text[], $3::text[], $5::bigint[], $6::text[]) \
                    AS new (second, pool, reason, count, samples) \
                 ON CONFLICT (pool, second, reason, instance) DO UPDATE SET count = old.count + excluded.count",
        )
        .bind(seconds)
        .bind(pools)
        .bind(reasons)
        .bind(&self.instance)
        .bind(counts)
        .bind(samples)
        .execute(&self.database);
        in_time(adding).await.map(drop)
    }

    /// Deletes what is older, some of it if it is very much.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_before(&self, time: Timestamp) -> Result<(), sqlx::Error> {
        let deleting = sqlx::query(
            "DELETE FROM onsale_command.refusals r \
              USING (SELECT pool, second, reason, instance FROM onsale_command.refusals \
                      WHERE second < $1 ORDER BY second LIMIT $2) old \
              WHERE (r.pool, r.second, r.reason, r.instance) = (old.pool, old.second, old.reason, old.instance)",
        )
        .bind(time.to_utc())
        .bind(DELETE_MAX)
        .execute(&self.database);
        in_time(deleting).await.map(drop)
    }

    /// Refusals, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list(&self, asked: &Asked) -> Result<Vec<Refused>, sqlx::Error> {
        let reading = sqlx::query(
            "SELECT second, reason, instance, count, samples::text AS samples FROM onsale_command.refusals \
              WHERE pool = $1 AND ($2::text IS NULL OR reason = $2) \
                AND ($3::timestamptz IS NULL OR second >= $3) AND (second, reason, instance) < ($4, $5, $6) \
              ORDER BY second DESC, reason DESC, instance DESC LIMIT $7",
        )
        .bind(asked.pool.as_ref().map_or("", PoolId::as_str))
        .bind(&asked.reason)
        .bind(asked.from.map(Timestamp::to_utc))
        .bind(asked.before.second.to_utc())
        .bind(&asked.before.reason)
        .bind(&asked.before.instance)
        .bind(i64::try_from(asked.limit).unwrap_or(i64::MAX))
        .fetch_all(&self.database);
        in_time(reading).await?.iter().map(refused).collect()
    }
}

fn refused(row: &PgRow) -> Result<Refused, sqlx::Error> {
    let second: DateTime<Utc> = row.try_get("second")?;
    let samples: Result<Vec<Sample>, _> = serde_json::from_str(row.try_get("samples")?);
    Ok(Refused {
        at: Last {
            second: second.into(),
            reason: row.try_get("reason")?,
            instance: row.try_get("instance")?,
        },
        counted: Counted {
            count: row.try_get("count")?,
            samples: samples.map_err(|error| sqlx::Error::Decode(error.into()))?,
        },
    })
}

async fn in_time<T>(
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let answer = timeout(TIMEOUT, statement).await;
    answer.unwrap_or_else(|elapsed| Err(io::Error::from(elapsed).into()))
}
