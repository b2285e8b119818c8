//! What `verify` found of the stored snapshots.

use std::fmt;

use onsale_shared::log::{StreamName, Version};

/// How many snapshots were compared with the replay, and which differ.
#[derive(Debug, Default)]
pub struct Compared {
    /// How many are what the log gives.
    pub equal: usize,
    /// How many are not.
    pub different: usize,
    /// How many have a layout that this program does not read, and were not compared.
    pub other_layout: usize,
    /// How many were replaced or removed before they were compared.
    pub replaced: usize,
    /// How many are of pools that could not be replayed so far.
    pub unknown: usize,
    /// Why the others, or all, could not be read.
    pub unreadable: Option<String>,
    told: Vec<WrongSnapshot>,
}

/// A snapshot that is not what the log gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongSnapshot {
    /// The stream of its pool.
    pub stream: StreamName,
    /// Of the last event folded, as it says.
    pub version: Version,
    /// What differs.
    pub wrong: String,
}

/// What became of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is what the log gives.
    Equal,
    /// It is not, and this differs.
    Differs(String),
    /// It has a layout that this program does not read.
    OtherLayout,
    /// Another one has taken its place, or it was removed.
    Replaced,
    /// The pool could not be replayed so far.
    Unknown,
}

impl Compared {
    /// So many that differ are told; of more, how many there are.
    pub const TOLD_MAX: usize = 100;

    /// Those that are told, by the name of the pool.
    #[must_use]
    pub fn told(&self) -> &[WrongSnapshot] {
        &self.told
    }

    /// Adds what became of the snapshot of a stream at a version.
    pub(super) fn add(&mut self, stream: StreamName, version: Version, outcome: Outcome) {
        match outcome {
            Outcome::Equal => self.equal += 1,
            Outcome::OtherLayout => self.other_layout += 1,
            Outcome::Replaced => self.replaced += 1,
            Outcome::Unknown => self.unknown += 1,
            Outcome::Differs(wrong) => {
                self.different += 1;
                if self.told.len() < Self::TOLD_MAX {
                    self.told.push(WrongSnapshot {
                        stream,
                        version,
                        wrong,
                    });
                }
            }
        }
    }
}

impl fmt::Display for WrongSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "snapshot of {} at version {}: {}",
            self.stream, self.version, self.wrong
        )
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for wrong in &self.told {
            writeln!(f, "{wrong}")?;
        }
        let untold = self.different - self.told.len();
        if untold > 0 {
            writeln!(f, "and {untold} more snapshots")?;
        }
        let count = self.equal + self.different;
        if let (0, Some(reason)) = (count, &self.unreadable) {
            return write!(f, "no snapshots compared: {reason}");
        }
        let verdict = match self.different {
            0 => "none differs from what the log gives".to_owned(),
            1 => "one differs from what the log gives".to_owned(),
            more => format!("{more} differ from what the log gives"),
        };
        write!(f, "{count} snapshots compared: {verdict}")?;
        for (count, why) in [
            (self.other_layout, "of another layout"),
            (self.replaced, "replaced meanwhile"),
            (
                self.unknown,
                "of pools that cannot have become what they are",
            ),
        ] {
            if count > 0 {
                write!(f, "; {count} not compared, {why}")?;
            }
        }
        match &self.unreadable {
            Some(reason) => write!(f, "; the others cannot be read: {reason}"),
            None => Ok(()),
        }
    }
}
