//! How parts write themselves down: rows in postcard's compact binary, settings in the JSON that events have them in.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The bytes are not what was written.
#[derive(Debug, thiserror::Error)]
#[error("the bytes of a snapshot are damaged")]
pub struct Damaged(#[source] Option<Box<dyn std::error::Error + Send + Sync>>);

impl Damaged {
    /// A value that cannot be.
    pub(crate) const IMPOSSIBLE: Self = Self(None);

    fn because(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Some(error.into()))
    }
}

/// A value has no bytes; none of a pool's has not.
#[derive(Debug, thiserror::Error)]
#[error("a pool's state cannot be written down")]
pub struct Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Unwritable {
    pub(super) fn because(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(error.into())
    }
}

/// Writes one value after the other.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    failed: Option<Unwritable>,
}

impl Writer {
    /// Writes a value.
    pub(crate) fn put<T: Serialize>(&mut self, value: &T) {
        let bytes = std::mem::take(&mut self.bytes);
        match postcard::to_extend(value, bytes) {
            Ok(bytes) => self.bytes = bytes,
            Err(error) => self.fail(error),
        }
    }

    /// Writes a number of values, to be read by [`Reader::rows`].
    pub(crate) fn put_rows<T: Serialize>(&mut self, rows: impl ExactSizeIterator<Item = T>) {
        self.put(&rows.len());
        for row in rows {
            self.put(&row);
        }
    }

    /// Writes a setting.
    pub(crate) fn put_json<T: Serialize>(&mut self, value: &T) {
        match serde_json::to_string(value) {
            Ok(json) => self.put(&json),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: impl std::error::Error + Send + Sync + 'static) {
        self.failed.get_or_insert(Unwritable::because(error));
    }

    /// All that was written.
    pub(crate) fn finish(self) -> Result<Vec<u8>, Unwritable> {
        self.failed.map_or(Ok(self.bytes), Err)
    }
}

/// Reads the values back in the same order.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next value.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self) -> Result<T, Damaged> {
        let (value, rest) = postcard::take_from_bytes(self.0).map_err(Damaged::because)?;
        self.0 = rest;
        Ok(value)
    }

    /// How many rows follow, each to be [taken](Self::take).
    pub(crate) fn rows(&mut self) -> Result<usize, Damaged> {
        let rows: usize = self.take()?;
        // Each has a byte at least: nobody makes room for what cannot be there.
        if rows > self.0.len() {
            return Err(Damaged::IMPOSSIBLE);
        }
        Ok(rows)
    }

    /// The next setting.
    pub(crate) fn take_json<T: DeserializeOwned>(&mut self) -> Result<T, Damaged> {
        let json: &str = self.take()?;
        serde_json::from_str(json).map_err(Damaged::because)
    }

    /// Nothing may be left.
    pub(crate) const fn finish(self) -> Result<(), Damaged> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Damaged::IMPOSSIBLE)
        }
    }
}
