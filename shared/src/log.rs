//! The event log: an append-only, totally ordered, densely numbered record of events, behind one trait.
//!
//! [`EventLog`] is what the code above knows. [`memory`] and [`postgres`] are its engines; one conformance suite holds
//! both to what the trait promises. [`tail`] follows a log, [`clock`] is its clock, which [`keep_clock()`] keeps right, [`batch`] what goes in and
//! [`recorded`] what comes out.

pub mod batch;
pub mod clock;
pub mod keep_clock;
pub mod memory;
pub mod position;
pub mod postgres;
pub mod recorded;
pub mod tail;

pub use batch::{
    AppendBatch, Appended, Group, GroupOutcome, InvalidBatch, NewEvent, Origin, StreamWrite,
};
pub use clock::LogClock;
pub use keep_clock::keep_clock;
pub use position::{Position, Version};
pub use recorded::{RecordedEvent, StreamName};
pub use tail::{Tail, TailError};

use std::fmt;

use async_trait::async_trait;

use crate::{id::EventId, time::Timestamp};

/// An event log. Cheap to share; every method may be called at once from many tasks.
#[async_trait]
pub trait EventLog: fmt::Debug + Send + Sync + 'static {
    /// Appends each group of the batch whose expected versions hold, and rejects each other one by itself.
    ///
    /// Idempotent: a group that is in the log already (by the id of its first event, where it was to stand) is answered
    /// as appended. So whoever got [`AppendError::OutcomeUnknown`] sends the *same* batch again until the answer is
    /// definite; looking into the log would not do, since the first attempt may still be under way.
    /// [`AppendError::NotAppended`] is definite for its own attempt only: it says nothing of an earlier one.
    ///
    /// # Errors
    /// The batch as a whole could not be appended, or it is not known whether it was.
    async fn append(&self, batch: &AppendBatch) -> Result<Appended, AppendError>;

    /// Reads up to `limit` events of a stream after a version, in order, complete at one moment after the call.
    ///
    /// # Errors
    /// The log cannot be read now.
    async fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError>;

    /// Reads up to `limit` events of the log after a position, in order, without gaps.
    ///
    /// # Errors
    /// The log cannot be read now, or breaks its promise of density.
    async fn read(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError>;

    /// Reads the events at these positions, in the order in which they are named; what is not in the log is left out.
    /// How many are named is the caller's business: all of them are held in memory at once.
    ///
    /// # Errors
    /// The log cannot be read now.
    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError>;

    /// Where the commands came from whose first events these are. An origin may never have been kept, and may be erased
    /// at any time: it is left out then. In no order.
    ///
    /// # Errors
    /// The log cannot be read now, or this process may not see origins.
    async fn origins(&self, events: &[EventId]) -> Result<Vec<(EventId, Origin)>, ReadError>;

    /// The position of the last event, and the time of the log's clock.
    ///
    /// # Errors
    /// The log cannot be read now.
    async fn head(&self) -> Result<Head, ReadError>;

    /// Waits, first come first served, until no other writer can append, and keeps it so until the guard appends or is
    /// dropped. For who must not lose another race; everybody else waits meanwhile, so the guard has about a second.
    ///
    /// # Errors
    /// The lock was not to be had in time.
    async fn lock(&self) -> Result<Box<dyn LockedLog>, ReadError>;

    /// Registers for hints that the log grew. Registered before it returns, so who then reads misses nothing.
    ///
    /// # Errors
    /// The log cannot be reached.
    async fn hints(&self) -> Result<Box<dyn Hints>, ReadError>;

    /// The log's clock, as this process knows it.
    fn clock(&self) -> &LogClock;
}

/// The log, with every other writer waiting. Dropping it lets them go on and appends nothing.
#[async_trait]
pub trait LockedLog: Send {
    /// When it was asked for, by the log's clock: whoever appended since then was before in the queue.
    fn asked_at(&self) -> Timestamp;

    /// As [`EventLog::read_stream`]; nothing is appended between it and [`Self::append`].
    ///
    /// # Errors
    /// The log cannot be read, or the lock was lost.
    async fn read_stream(
        &mut self,
        stream: &StreamName,
        after: Version,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError>;

    /// As [`EventLog::append`], and gives the lock back.
    ///
    /// # Errors
    /// As [`EventLog::append`]; an unknown outcome is resolved there, with the same batch.
    async fn append(self: Box<Self>, batch: &AppendBatch) -> Result<Appended, AppendError>;

    /// Gives the lock back; dropping does too, at the price of a connection.
    ///
    /// # Errors
    /// It is not certain that the lock was held until now: what was read under it may have been outdated since.
    async fn release(self: Box<Self>) -> Result<(), LockLost>;
}

/// The lock may have been lost some time ago, to a time-out or with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log's lock may have been lost")]
pub struct LockLost;

/// Hints that the log grew. They may be lost, late or doubled; they are never the truth.
#[async_trait]
pub trait Hints: Send {
    /// Waits for the next hint: the position that the log has reached at least.
    ///
    /// # Errors
    /// Hints may have been lost: read, and register anew.
    async fn next(&mut self) -> Result<Position, HintsLost>;
}

/// Hints may have been lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hints may have been lost")]
pub struct HintsLost;

/// Where a log ends, and its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Of the last event; [`Position::START`] if there is none.
    pub position: Position,
    /// The time of the log's clock.
    pub time: Timestamp,
}

/// What went wrong below, for logs; never for callers.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a batch has no outcomes.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// This attempt appended nothing and never will.
    #[error("the batch was not appended")]
    NotAppended(#[source] Source),
    /// The attempt may have appended the batch, or may still do so.
    #[error("it is not known whether the batch was appended")]
    OutcomeUnknown(#[source] Source),
}

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Try again later.
    #[error("the log cannot be reached while {during}")]
    Unavailable {
        /// What was being done.
        during: &'static str,
        /// What happened.
        #[source]
        source: Source,
    },
    /// The log breaks its promise: a position or version is missing or out of order. Nobody may go on from here.
    #[error("the log is not dense: expected {expected} in {place}, found {found}")]
    NotDense {
        /// A stream, or `the log`.
        place: String,
        /// The number that had to come.
        expected: i64,
        /// The number that came.
        found: i64,
    },
}
