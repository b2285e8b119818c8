//! A pool as it was: the last state that was kept before, and the events of the log from there on, at most
//! [`KEPT_EVERY`].

use onsale_shared::{
    id::PoolId,
    log::{Position, ReadError, RecordedEvent, StreamName, Version},
    time::Timestamp,
};
use tokio::time::timeout_at;

use super::{Freshness, Queries, QueryError, WrongField};
use crate::{
    availability::{Progress, fold::advance},
    pool::Pool,
    projections::history::{HISTORY, KEPT_EVERY},
    read_models::history::{self, Moment},
};

/// The most events that are folded: the next state is kept then.
const EVENTS_MAX: usize = KEPT_EVERY as usize;

/// A pool as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PoolAsOf {
    pub(crate) pool: Pool,
    /// When it was so.
    pub(crate) time: Timestamp,
    /// What the answer includes.
    pub(crate) included: Position,
}

impl Queries {
    /// The pool after the event of a version, or after all events up to a time.
    pub(crate) async fn get_pool_as_of(
        &self,
        id: &PoolId,
        moment: Moment,
        freshness: Freshness,
    ) -> Result<PoolAsOf, QueryError> {
        self.check_ready()?;
        if let Moment::Time(time) = moment {
            // Whoever has seen an event may ask for its time, by whatever instance's clock it was decided.
            let now = self.clock.now().max(self.hub.progress().time);
            if time > now {
                let text = format!("must not be in the future; it is {now}");
                return Err(wrong("event_time", text));
            }
        }
        let asked = id.clone();
        let reading = self.read(&HISTORY, freshness, move |connection, _as_of| {
            let id = asked.clone();
            Box::pin(async move { history::kept(connection, &id, moment).await })
        });
        let (kept, included) = reading.await?;
        let pool = kept.unwrap_or_else(|| Pool::unknown(id.clone(), Timestamp::default()));
        let events = self.events_after(&pool, moment, freshness).await?;
        let seen = Seen {
            known: pool.version,
            included,
            events,
        };
        let pool = fold(pool, &seen.events, moment)?;
        self.check(&pool, &seen, moment)?;
        Ok(PoolAsOf {
            time: match moment {
                Moment::Version(_) => pool.update_time,
                Moment::Time(time) => time,
            },
            // What was read of the log may lie beyond what the table includes.
            included: included.position.max(pool.position),
            pool,
        })
    }

    /// The events after a state that may lie before the moment: as many as there may be until the next state that is
    /// kept, and one more.
    async fn events_after(
        &self,
        pool: &Pool,
        moment: Moment,
        freshness: Freshness,
    ) -> Result<Vec<RecordedEvent>, QueryError> {
        let stream = StreamName::of_pool(&pool.id);
        let most = EVENTS_MAX.saturating_add(1);
        let limit = match moment {
            Moment::Version(version) => {
                let missing = version.distance_from(pool.version);
                usize::try_from(missing).map_or(most, |missing| missing.min(most))
            }
            Moment::Time(_) => most,
        };
        let reading = self.log.read_stream(&stream, pool.version, limit);
        let read = timeout_at(freshness.deadline, reading).await;
        read.map_err(|_elapsed| QueryError::DatabaseTooSlow)?
            .map_err(|error: ReadError| QueryError::Log(error))
    }

    /// Whether the fold came as far as was asked for; if not, why.
    fn check(&self, pool: &Pool, seen: &Seen, moment: Moment) -> Result<(), QueryError> {
        let first = seen.events.first();
        if pool.version == Version::START && first.is_none() {
            return Err(QueryError::UnknownPool(pool.id.clone()));
        }
        let all = seen.events.last().map_or(seen.known, |last| last.version);
        let has_more = seen.events.len() > EVENTS_MAX;
        match moment {
            Moment::Version(version) if pool.version < version => {
                let newest = self.hub.get(&pool.id).map_or(all, |(now, _)| now.version);
                let newest = newest.max(all);
                if newest >= version {
                    return Err(seen.behind());
                }
                let text = format!("must be at most {newest}, the version of the pool");
                Err(wrong("version", text))
            }
            Moment::Time(_) if pool.version == Version::START => {
                let created = first.map_or_else(Timestamp::default, |first| first.time);
                let text = format!("must not be before {created}, when the pool came into being");
                Err(wrong("event_time", text))
            }
            Moment::Time(_) if has_more && pool.version == all => Err(seen.behind()),
            Moment::Version(_) | Moment::Time(_) => Ok(()),
        }
    }
}

/// What was read.
struct Seen {
    /// The version that was kept.
    known: Version,
    /// How far the table was.
    included: Progress,
    /// Those after it.
    events: Vec<RecordedEvent>,
}

impl Seen {
    /// The table has not kept what it will have kept.
    fn behind(&self) -> QueryError {
        let last = self.events.last();
        QueryError::Behind {
            position: self.included.position,
            required: last.map_or(self.included.position, |last| last.position),
        }
    }
}

/// The state after those events that are not after the moment.
fn fold(mut pool: Pool, events: &[RecordedEvent], moment: Moment) -> Result<Pool, QueryError> {
    for event in events {
        let is_later = match moment {
            Moment::Version(version) => event.version > version,
            Moment::Time(time) => event.time > time,
        };
        if is_later {
            break;
        }
        if pool.version == Version::START {
            pool.create_time = event.time;
        }
        let fact = event.decode();
        let fact =
            fact.map_err(|error| QueryError::Unreadable(sqlx::Error::Decode(error.into())))?;
        // As the projection folds it.
        advance(&mut pool, event, &fact, Ok(()));
    }
    Ok(pool)
}

fn wrong(field: &str, text: String) -> QueryError {
    QueryError::Wrong(vec![WrongField::new(field, text)])
}
