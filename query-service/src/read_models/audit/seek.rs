//! Finding events that meet several filters at once, with bounded work.
//!
//! Each filter has an index that ends in the position, so what meets it is a list in the order of positions, and what
//! meets all of them is where the lists meet. They are walked together: the first list is asked for its next position,
//! the next list for its first one from there on, and so on round. Where lists are sparse the walk leaps, whatever else
//! is asked for; no statistics are needed, and no plan can be a bad one. Two lists that are both long and never meet are
//! walked to their end all the same: after so many steps the page ends, and says where the next one goes on.

#[cfg(test)]
pub(crate) mod explained;

use std::net::IpAddr;

use onsale_shared::{
    event::EventType,
    id::{ClaimId, EventId, PoolId, RequestId, TicketId},
    log::Position,
    text::Reference,
    time::Timestamp,
};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, postgres::PgRow, types::Uuid};

use super::times;
use crate::queries::{Page, Paged};

/// How many looks into indexes one page may cost; each takes about 15 microseconds.
pub(crate) const LOOKS_MAX: usize = 10_000;

/// In which order events are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) enum Direction {
    /// As they were recorded.
    #[default]
    Forwards,
    /// The newest first.
    Backwards,
}

/// Which events are asked for: all that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Filter {
    pub(crate) pool: Option<PoolId>,
    pub(crate) customer: Option<Reference>,
    pub(crate) claim: Option<ClaimId>,
    pub(crate) ticket: Option<TicketId>,
    #[serde(serialize_with = "name")]
    pub(crate) kind: Option<EventType>,
    pub(crate) actor: Option<Reference>,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) request: Option<RequestId>,
    pub(crate) correlation: Option<Reference>,
    pub(crate) cause: Option<EventId>,
    /// The first time.
    pub(crate) from: Option<Timestamp>,
    /// The first time that is too late.
    pub(crate) until: Option<Timestamp>,
}

#[expect(clippy::ref_option, reason = "serde asks for it")]
fn name<S: serde::Serializer>(kind: &Option<EventType>, serializer: S) -> Result<S::Ok, S::Error> {
    kind.map(EventType::as_str).serialize(serializer)
}

/// What a column must be.
enum Value<'a> {
    Text(&'a str),
    Id(Uuid),
    Ip(IpAddr),
}

impl Filter {
    /// The columns that must have a value. Each has an index of its own, which ends in the position.
    fn columns(&self) -> Vec<(&'static str, Value<'_>)> {
        let columns = [
            ("request_id", self.request.map(|id| Value::Id(id.0))),
            ("ticket", self.ticket.map(|id| Value::Id(id.0))),
            ("claim", self.claim.map(|id| Value::Id(id.0))),
            ("causation_id", self.cause.map(|id| Value::Id(id.0))),
            (
                "correlation_id",
                self.correlation
                    .as_ref()
                    .map(|correlation| Value::Text(correlation.as_str())),
            ),
            (
                "customer",
                self.customer
                    .as_ref()
                    .map(|customer| Value::Text(customer.as_str())),
            ),
            ("ip", self.ip.map(Value::Ip)),
            (
                "actor",
                self.actor.as_ref().map(|actor| Value::Text(actor.as_str())),
            ),
            (
                "pool",
                self.pool.as_ref().map(|pool| Value::Text(pool.as_str())),
            ),
            ("type", self.kind.map(|kind| Value::Text(kind.as_str()))),
        ];
        let set = columns.into_iter();
        set.filter_map(|(column, value)| Some((column, value?)))
            .collect()
    }
}

/// An event that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) position: Position,
    /// The position of the first event of the same command.
    pub(crate) first: Position,
    /// The event that caused it: where it is in the log.
    pub(crate) cause: Option<Position>,
}

/// Looks for a page of events. `start` is where to begin, at the earliest or, backwards, at the latest.
pub(crate) async fn look(
    connection: &mut PgConnection,
    filter: &Filter,
    direction: Direction,
    start: Option<Position>,
    page: &Page<Position>,
) -> Result<Paged<Found, Position>, sqlx::Error> {
    let Some((low, high)) = range(connection, filter, direction, start, page.after).await? else {
        return Ok(Paged {
            rows: Vec::new(),
            next: None,
        });
    };
    let columns = filter.columns();
    let steps = i32::try_from(LOOKS_MAX / columns.len().max(1)).unwrap_or(i32::MAX);
    let (begin, end) = match direction {
        Direction::Forwards => (low, high),
        Direction::Backwards => (high, low),
    };
    // Safe: built of names of columns alone.
    let mut query = sqlx::query(AssertSqlSafe(statement(&columns, direction)))
        .bind(begin)
        .bind(end)
        .bind(steps)
        .bind(filter.from.map(Timestamp::to_utc))
        .bind(filter.until.map(Timestamp::to_utc))
        .bind(page.limit());
    for (_, value) in columns {
        query = match value {
            Value::Text(text) => query.bind(text),
            Value::Id(id) => query.bind(id),
            Value::Ip(ip) => query.bind(ip.to_string()),
        };
    }
    let rows = query.fetch_all(connection).await?;
    Ok(Looked::of(&rows, steps)?.page(page, direction))
}

/// The positions that can have events that are asked for; none if none can.
async fn range(
    connection: &mut PgConnection,
    filter: &Filter,
    direction: Direction,
    start: Option<Position>,
    after: Option<Position>,
) -> Result<Option<(i64, i64)>, sqlx::Error> {
    let (mut low, mut high) = (1, i64::MAX);
    if filter.from.is_some() || filter.until.is_some() {
        let Some((first, last)) = times::positions(connection, filter.from, filter.until).await?
        else {
            return Ok(None);
        };
        (low, high) = (low.max(first), last);
    }
    for (position, inclusive) in [(start, 0), (after, 1)] {
        let Some(position) = position else { continue };
        match direction {
            Direction::Forwards => low = low.max(position.get().saturating_add(inclusive)),
            Direction::Backwards => high = high.min(position.get().saturating_sub(inclusive)),
        }
    }
    Ok((low <= high).then_some((low, high)))
}

/// What the walk has brought.
struct Looked {
    found: Vec<Found>,
    /// Where it would have gone on, had it not taken as many steps as it may.
    left_at: Option<i64>,
}

impl Looked {
    fn of(rows: &[PgRow], steps: i32) -> Result<Self, sqlx::Error> {
        let mut looked = Self {
            found: Vec::new(),
            left_at: None,
        };
        for row in rows {
            if row.try_get::<bool, _>("found")? {
                looked.found.push(found(row)?);
            }
            if row.try_get::<i32, _>("walked")? == steps {
                looked.left_at = Some(row.try_get("at")?);
            }
        }
        Ok(looked)
    }

    fn page(self, page: &Page<Position>, direction: Direction) -> Paged<Found, Position> {
        let mut paged = page.of(self.found, |found| found.position);
        if let (None, Some(at)) = (paged.next, self.left_at) {
            // The key after which the next page begins.
            let last = match direction {
                Direction::Forwards => at.saturating_sub(1),
                Direction::Backwards => at.saturating_add(1),
            };
            paged.next = Position::new(last);
        }
        paged
    }
}

/// An event, from the columns `position`, `step` and `cause`.
pub(super) fn found(row: &PgRow) -> Result<Found, sqlx::Error> {
    let position: i64 = row.try_get("position")?;
    let step: i16 = row.try_get("step")?;
    let cause: Option<i64> = row.try_get("cause")?;
    Ok(Found {
        position: Position::new(position).unwrap_or_default(),
        first: Position::new(position.saturating_sub(step.into())).unwrap_or_default(),
        cause: cause.and_then(Position::new),
    })
}

/// The walk. $1 where it begins, $2 where it ends, $3 the most steps, $4 and $5 the times, $6 the most rows; then what each
/// column must be.
///
/// `(column, position) >= ($7, at)` instead of `column = $7 AND position >= at`: rows must come in the order of the index
/// then, so no other index will do, and the planner has nothing to choose.
fn statement(columns: &[(&str, Value<'_>)], direction: Direction) -> String {
    let (from, to, order, next) = match direction {
        Direction::Forwards => (">=", "<=", "", "+ 1"),
        Direction::Backwards => ("<=", ">=", " DESC", "- 1"),
    };
    let mut looks = String::new();
    if columns.is_empty() {
        let look = format!(
            " CROSS JOIN LATERAL (SELECT position FROM onsale_read.audit WHERE position {from} w.at AND position {to} $2 \
               ORDER BY position{order} LIMIT 1) l0"
        );
        looks.push_str(&look);
    }
    for (index, (column, value)) in columns.iter().enumerate() {
        let before = index.checked_sub(1);
        let at = before.map_or_else(|| "w.at".to_owned(), |index| format!("l{index}.position"));
        let cast = match value {
            Value::Text(_) => "text",
            Value::Id(_) => "uuid",
            Value::Ip(_) => "text::inet",
        };
        let value = format!("${}::{cast}", index + 7);
        let look = format!(
            " CROSS JOIN LATERAL (SELECT position FROM onsale_read.audit WHERE {column} IS NOT NULL \
                 AND ({column}, position) {from} ({value}, {at}) AND ({column}, position) {to} ({value}, $2) \
               ORDER BY {column}{order}, position{order} LIMIT 1) l{index}"
        );
        looks.push_str(&look);
    }
    let last = format!("l{}.position", columns.len().saturating_sub(1));
    format!(
        "WITH RECURSIVE walk (walked, at, hit) AS ( \
             SELECT 0, $1::bigint, NULL::bigint \
             UNION ALL \
             SELECT w.walked + 1, CASE WHEN {last} = l0.position THEN {last} {next} ELSE {last} END, \
                    CASE WHEN {last} = l0.position THEN {last} END \
               FROM walk w{looks} WHERE w.walked < $3) \
         SELECT w.walked, w.at, r.step, r.position, c.position AS cause, \
                w.hit IS NOT NULL AND ($4::timestamptz IS NULL OR r.time >= $4) \
                                  AND ($5::timestamptz IS NULL OR r.time < $5) AS found \
           FROM walk w \
           LEFT JOIN LATERAL (SELECT position, time, step, causation_id FROM onsale_read.audit \
                               WHERE position = w.hit LIMIT 1) r ON true \
           LEFT JOIN LATERAL (SELECT position FROM onsale_read.audit \
                               WHERE event_id = r.causation_id LIMIT 1) c ON true \
          WHERE w.hit IS NOT NULL AND ($4::timestamptz IS NULL OR r.time >= $4) \
                                  AND ($5::timestamptz IS NULL OR r.time < $5) \
             OR w.walked = $3 \
          LIMIT $6"
    )
}
