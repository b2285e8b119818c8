//! The call of `onsale_log.append_known`.

use chrono::{DateTime, Utc};
use sqlx::{Row as _, postgres::PgDatabaseError, postgres::PgRow, postgres::PgSeverity};

use super::{connections::Session, known::Known};
use crate::{
    id::EventId,
    log::{AppendBatch, AppendError, Appended, GroupOutcome, Position, Version},
    time::Timestamp,
};

/// What the function said.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) appended: Appended,
    /// The log's clock.
    pub(super) time: Timestamp,
}

impl Reply {
    /// The newest event of the batch that is in the log.
    pub(super) fn newest(&self, batch: &AppendBatch) -> Option<(Position, EventId)> {
        let groups = batch.groups().iter().zip(&self.appended.outcomes);
        let writes = groups.filter_map(|(group, outcome)| match outcome {
            GroupOutcome::Appended {
                first_positions, ..
            } => Some(group.writes.iter().zip(first_positions)),
            GroupOutcome::Stale { .. } => None,
        });
        let newest = writes.flatten().max_by_key(|(_, first)| **first)?;
        let (write, first) = newest;
        let behind = i64::try_from(write.events.len()).ok()?.checked_sub(1)?;
        let position = Position::new(first.get().checked_add(behind)?)?;
        Some((position, write.events.last()?.id))
    }
}

/// The batch as the columns that the function takes.
#[derive(Default)]
struct Columns<'a> {
    write_group: Vec<i32>,
    write_stream: Vec<&'a str>,
    write_expected: Vec<i64>,
    write_known: Vec<bool>,
    event_write: Vec<i32>,
    event_version: Vec<i64>,
    event_id: Vec<uuid::Uuid>,
    event_type: Vec<&'a str>,
    event_schema: Vec<i16>,
    event_time: Vec<DateTime<Utc>>,
    event_data: Vec<&'a str>,
    event_metadata: Vec<&'a str>,
    origin_event: Vec<i32>,
    origin_ip: Vec<Option<String>>,
    origin_agent: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a AppendBatch, known: &Known) -> Self {
        let mut columns = Self::default();
        for (group, group_no) in batch.groups().iter().zip(1..) {
            for write in &group.writes {
                columns.write_group.push(group_no);
                columns.write_stream.push(write.stream.as_str());
                columns.write_expected.push(write.expected.get());
                columns.write_known.push(known.has(write));
                let write_no = next_number(columns.event_write.last().copied());
                let mut version = write.expected;
                for event in &write.events {
                    version = version.next();
                    columns.event_write.push(write_no);
                    columns.event_version.push(version.get());
                    columns.event_id.push(event.id.0);
                    columns.event_type.push(event.kind);
                    columns.event_schema.push(event.schema);
                    columns.event_time.push(event.time.to_utc());
                    columns.event_data.push(&event.data);
                    columns.event_metadata.push(&event.metadata);
                    if let Some(origin) = &event.origin {
                        let event_no = i32::try_from(columns.event_id.len()).unwrap_or(i32::MAX);
                        columns.origin_event.push(event_no);
                        columns.origin_ip.push(origin.ip.map(|ip| ip.to_string()));
                        columns.origin_agent.push(origin.user_agent.as_deref());
                    }
                }
            }
        }
        columns
    }
}

/// Writes are numbered from 1; each has at least one event, so the last event's number is that of the write before.
const fn next_number(last: Option<i32>) -> i32 {
    match last {
        Some(last) => last + 1,
        None => 1,
    }
}

// The columns of the answer by number: there may be a row for each stream.
const APPENDED: usize = 0;
const REPEATED: usize = 1;
const ACTUAL: usize = 2;
const FIRST_POSITION: usize = 3;
const HEAD: usize = 4;
const LOG_TIME: usize = 5;

/// Appends in one round trip, or in the transaction that the session has open. If that is not committed the session must go:
/// it knows of events then that never were.
pub(super) async fn call(session: &mut Session, batch: &AppendBatch) -> Result<Reply, sqlx::Error> {
    let columns = Columns::of(batch, &session.known);
    let rows = sqlx::query(
        "SELECT appended, repeated, actual, first_position, head, log_time \
           FROM onsale_log.append_known($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(columns.write_group)
    .bind(columns.write_stream)
    .bind(columns.write_expected)
    .bind(columns.write_known)
    .bind(session.known.head().map(Position::get))
    .bind(columns.event_write)
    .bind(columns.event_version)
    .bind(columns.event_id)
    .bind(columns.event_type)
    .bind(columns.event_schema)
    .bind(columns.event_time)
    .bind(columns.event_data)
    .bind(columns.event_metadata)
    .bind(columns.origin_event)
    .bind(columns.origin_ip)
    .bind(columns.origin_agent)
    .fetch_all(&mut session.connection)
    .await?;
    let reply = reply(batch, &rows)?;
    session.known.learn(batch, &reply.appended);
    Ok(reply)
}

fn reply(batch: &AppendBatch, rows: &[PgRow]) -> Result<Reply, sqlx::Error> {
    let last = rows.last().ok_or(sqlx::Error::RowNotFound)?;
    let head = position(last.try_get(HEAD)?)?;
    let time: DateTime<Utc> = last.try_get(LOG_TIME)?;
    let writes: usize = batch.groups().iter().map(|group| group.writes.len()).sum();
    let outcomes = match rows {
        rows if rows.len() == writes => each(batch, rows)?,
        [all] if all.try_get(APPENDED)? => all_appended(batch, all.try_get(FIRST_POSITION)?)?,
        _ => return Err(sqlx::Error::Decode("an answer for some writes".into())),
    };
    Ok(Reply {
        appended: Appended { outcomes, head },
        time: time.into(),
    })
}

/// One row for many writes: all are appended, in their order, from a position on.
fn all_appended(batch: &AppendBatch, first: i64) -> Result<Vec<GroupOutcome>, sqlx::Error> {
    let mut next = first;
    let mut outcomes = Vec::with_capacity(batch.groups().len());
    for group in batch.groups() {
        let mut first_positions = Vec::with_capacity(group.writes.len());
        for write in &group.writes {
            first_positions.push(position(next)?);
            next += i64::try_from(write.events.len()).unwrap_or(i64::MAX);
        }
        outcomes.push(GroupOutcome::Appended {
            first_positions,
            repeated: false,
        });
    }
    Ok(outcomes)
}

/// A row for each write.
fn each(batch: &AppendBatch, rows: &[PgRow]) -> Result<Vec<GroupOutcome>, sqlx::Error> {
    let mut rows = rows.iter();
    let mut outcomes = Vec::with_capacity(batch.groups().len());
    for group in batch.groups() {
        let mut first_positions = Vec::with_capacity(group.writes.len());
        let mut actual = Vec::with_capacity(group.writes.len());
        let mut repeated = false;
        for row in rows.by_ref().take(group.writes.len()) {
            if row.try_get(APPENDED)? {
                first_positions.push(position(row.try_get(FIRST_POSITION)?)?);
                repeated = row.try_get(REPEATED)?;
            } else {
                actual.push(version(row.try_get(ACTUAL)?)?);
            }
        }
        outcomes.push(if actual.is_empty() {
            GroupOutcome::Appended {
                first_positions,
                repeated,
            }
        } else {
            GroupOutcome::Stale { actual }
        });
    }
    Ok(outcomes)
}

fn position(number: i64) -> Result<Position, sqlx::Error> {
    Position::new(number).ok_or_else(|| sqlx::Error::Decode("a position below 0".into()))
}

fn version(number: i64) -> Result<Version, sqlx::Error> {
    Version::new(number).ok_or_else(|| sqlx::Error::Decode("a version below 0".into()))
}

/// Whether a failed call may have appended. An ERROR is the server's word that the statement was rolled back; a FATAL
/// one ends the session, perhaps after the commit; anything else is a connection that broke.
pub(super) fn classify(error: sqlx::Error) -> AppendError {
    let rolled_back = error
        .as_database_error()
        .and_then(|database| database.try_downcast_ref::<PgDatabaseError>())
        .is_some_and(|postgres| matches!(postgres.severity(), PgSeverity::Error));
    if rolled_back {
        AppendError::NotAppended(error.into())
    } else {
        AppendError::OutcomeUnknown(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Group, batch::tests::write};

    /// Of a group at these positions, or of one that is stale.
    fn outcome(first_positions: &[i64]) -> GroupOutcome {
        let positions = first_positions.iter().filter_map(|p| Position::new(*p));
        if first_positions.is_empty() {
            let actual = vec![Version::START];
            GroupOutcome::Stale { actual }
        } else {
            GroupOutcome::Appended {
                first_positions: positions.collect(),
                repeated: first_positions[0] < 10,
            }
        }
    }

    #[test]
    fn the_newest_event_is_the_last_of_the_write_that_is_furthest() {
        let groups = [
            vec![write("a", 0, 2), write("b", 0, 3)],
            vec![write("c", 0, 1)],
            vec![write("d", 0, 2)],
        ];
        let mut groups = groups.map(|writes| Group { writes });
        let writes = groups.iter_mut().flat_map(|group| &mut group.writes);
        for (event, id) in writes.flat_map(|write| &mut write.events).zip(1..) {
            event.id = EventId(uuid::Uuid::from_u128(id));
        }
        let batch = AppendBatch::new(groups.to_vec()).unwrap();
        let newest = |outcomes: [&[i64]; 3]| {
            let appended = Appended {
                outcomes: outcomes.map(outcome).into(),
                head: Position::new(99).unwrap(),
            };
            let reply = Reply {
                appended,
                time: Timestamp::default(),
            };
            reply
                .newest(&batch)
                .map(|(position, id)| (position.get(), id))
        };
        let last = |group: usize, write: usize| {
            let events = &batch.groups()[group].writes[write].events;
            events.last().unwrap().id
        };
        assert_eq!(newest([&[11, 13], &[16], &[17]]), Some((18, last(2, 0))));
        assert_eq!(newest([&[11, 13], &[16], &[]]), Some((16, last(1, 0))));
        // The last one was there already.
        assert_eq!(newest([&[11, 13], &[], &[5]]), Some((15, last(0, 1))));
        assert_eq!(newest([&[], &[], &[]]), None);
    }
}
