//! A pool's state in bytes, so that it can be loaded without all of its events. Each part writes and reads itself.
//!
//! The bytes are canonical: two pools are equal in everything that a rule reads if and only if their bytes are. What is
//! forgotten is not written, and no journal: a snapshot is taken of a state without anything on its way.

mod codec;
pub(crate) mod frames;

pub use codec::{Damaged, Reader, Unwritable, Writer};

use std::sync::mpsc;

use bytes::Bytes;
use onsale_shared::{log::Version, time::Timestamp};

use self::frames::Frames;
use super::{
    partials::{
        Claims, Customers, Limits, Pricing, Refused, Requests, Sale, Sales, Schedule, Stock,
    },
    pool::Pool,
};

/// Which layout the bytes have, and what `evolve` makes of events. To be raised with every change of either: snapshots
/// of another version are ignored, and made anew.
pub const STATE_VERSION: i32 = 5;

/// A pool's state at a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Of the last event folded.
    pub version: Version,
    /// What counts as long as the pool is there.
    pub lasting: Vec<u8>,
    /// Claims that are over, remembered for a while.
    pub claims: Vec<u8>,
    /// Commands, remembered for a while.
    pub requests: Vec<u8>,
    /// From then on neither `claims` nor `requests` count any more, unless an event after `version` was decided before.
    pub recent_until: Timestamp,
}

impl Pool {
    /// The state in bytes; none of a pool that does not exist, or whose numbers are not to be trusted.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_snapshot(&self) -> Result<Option<Snapshot>, Unwritable> {
        if self.limits.get().is_none() || self.corrupted_at().is_some() {
            return Ok(None);
        }
        let mut lasting = Writer::default();
        lasting.put(&(self.version(), self.time().as_micros()));
        self.limits.write(&mut lasting);
        self.stock.write(&mut lasting);
        self.claims.write(&mut lasting);
        self.customers.write(&mut lasting);
        self.pricing.write(&mut lasting);
        self.sale.write(&mut lasting);
        self.schedule.write(&mut lasting);
        self.sales.write(&mut lasting);
        self.refused.write(&mut lasting, self.time());
        let (claims, claims_until) = self.claims.write_recent()?;
        let (requests, requests_until) = self.requests.write(self.time());
        Ok(Some(Snapshot {
            version: self.version(),
            lasting: lasting.finish()?,
            claims,
            requests,
            recent_until: claims_until.max(requests_until),
        }))
    }

    /// The state that bytes of this [`STATE_VERSION`] tell of. What is remembered for a while may be
    /// [recalled](Self::recall_claims) afterwards.
    ///
    /// # Errors
    /// The bytes are not what [`Self::to_snapshot`] writes.
    pub fn from_snapshot(lasting: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(lasting);
        let (version, time): (Version, i64) = reader.take()?;
        let mut pool = Self::at(version, Timestamp::from_micros(time));
        pool.limits = Limits::read(&mut reader)?;
        pool.stock = Stock::read(&mut reader)?;
        pool.claims = Claims::read(&mut reader)?;
        pool.customers = Customers::read(&mut reader)?;
        pool.pricing = Pricing::read(&mut reader)?;
        pool.sale = Sale::read(&mut reader)?;
        pool.schedule = Schedule::read(&mut reader)?;
        pool.sales = Sales::read(&mut reader)?;
        pool.refused = Refused::read(&mut reader)?;
        reader.finish()?;
        Ok(pool)
    }

    /// Has the pool remember the claims that are over of the snapshot that it was just made from. Reads them as their
    /// bytes come, in pieces of any size, and waits for these.
    ///
    /// # Errors
    /// The bytes are not what [`Self::to_snapshot`] writes.
    pub fn recall_claims(&mut self, pieces: &mpsc::Receiver<Vec<u8>>) -> Result<(), Damaged> {
        let mut frames = Frames::default();
        for piece in pieces {
            frames.push(&piece);
            while let Some(frame) = frames.next() {
                let mut reader = Reader::new(&frame);
                self.claims.read_recent(&mut reader)?;
                reader.finish()?;
            }
        }
        frames.finish()
    }

    /// Has the pool remember the commands of the snapshot that it was just made from.
    ///
    /// # Errors
    /// The bytes are not what [`Self::to_snapshot`] writes.
    pub fn recall_requests(&mut self, requests: Bytes) -> Result<(), Damaged> {
        self.requests = Requests::read(requests)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
