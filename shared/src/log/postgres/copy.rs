//! Reading large pages of the events table by `COPY`: rows in binary, one message each, without what a query says of
//! every column of every row. Its statement is planned anew each time, so that it pays for large pages only.

use futures::TryStreamExt as _;
use sqlx::PgConnection;

use super::read::unavailable;
use crate::{
    id::EventId,
    log::{Position, ReadError, RecordedEvent, StreamName, Version, recorded::check_positions},
    time::Timestamp,
};

/// What comes before the first row: a signature, flags, and the length of an extension; the last two are 0.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// How many columns each row says that it has; another number comes after the last row.
const COLUMNS: i16 = 10;
/// In place of the number of columns, after the last row.
const END: i16 = -1;
/// 2000-01-01, from which PostgreSQL counts, in microseconds since 1970.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A page of the log, checked for density.
pub(super) async fn log(
    connection: &mut PgConnection,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, ReadError> {
    let page = copied(connection, after, limit).await;
    let page = page.map_err(unavailable("reading the log"))?;
    check_positions(after, &page)?;
    Ok(page)
}

async fn copied(
    connection: &mut PgConnection,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // COPY takes no parameters; both are numbers.
    let statement = format!(
        "COPY (SELECT position, version, event_id, time, recorded_at, schema, stream, type, data, metadata \
                 FROM onsale_log.events WHERE position > {after} ORDER BY position LIMIT {limit}) \
           TO STDOUT (FORMAT binary)"
    );
    let mut messages = connection.copy_out_raw(&statement).await?;
    let mut page = Vec::new();
    // Neighbours in the log are often of one stream: its name is kept once.
    let mut stream = StreamName::from("");
    while let Some(message) = messages.try_next().await? {
        // The header comes with the first row, or alone if there is none.
        let row = message.strip_prefix(HEADER).unwrap_or(&message);
        let event = Row(row).event(&mut stream);
        page.extend(event.ok_or_else(|| sqlx::Error::Protocol("a row of COPY is damaged".into()))?);
    }
    Ok(page)
}

/// What is left of a row.
struct Row<'m>(&'m [u8]);

impl<'m> Row<'m> {
    /// The event; none where there is no row; nothing if the bytes are not what they should be.
    fn event(mut self, stream: &mut StreamName) -> Option<Option<RecordedEvent>> {
        if self.0.is_empty() {
            return Some(None);
        }
        match i16::from_be_bytes(self.bytes()?) {
            COLUMNS => {}
            END => return Some(None),
            _other => return None,
        }
        let position = Position::new(self.long()?)?;
        let version = Version::new(self.long()?)?;
        let id = EventId(uuid::Uuid::from_bytes(self.column()?.try_into().ok()?));
        let time = self.time()?;
        let recorded_at = self.time()?;
        let schema = i16::from_be_bytes(self.column()?.try_into().ok()?);
        let name = self.text()?;
        if stream.as_str() != name {
            *stream = StreamName::from(name);
        }
        Some(Some(RecordedEvent {
            position,
            stream: stream.clone(),
            version,
            id,
            kind: self.text()?.to_owned(),
            schema,
            time,
            data: self.text()?.to_owned(),
            metadata: self.text()?.to_owned(),
            recorded_at,
        }))
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// A column: its length, then as many bytes. The length of NULL is −1, and no column of an event is.
    fn column(&mut self) -> Option<&'m [u8]> {
        let length = usize::try_from(i32::from_be_bytes(self.bytes()?)).ok()?;
        let (column, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(column)
    }

    fn long(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.column()?.try_into().ok()?))
    }

    fn time(&mut self) -> Option<Timestamp> {
        let micros = self.long()?.checked_add(EPOCH_MICROS)?;
        Some(Timestamp::from_micros(micros))
    }

    fn text(&mut self) -> Option<&'m str> {
        str::from_utf8(self.column()?).ok()
    }
}
