//! What can be wrong with a history and its log.

use std::fmt;

use onsale_shared::log::Version;

/// A kind of wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A position or a version is missing or out of order.
    Gap,
    /// The log holds what cannot be read, or what nobody asked for.
    Foreign,
    /// A command was acknowledged and is not in the log.
    Lost,
    /// A command is in the log more than once.
    Doubled,
    /// A command is in the log though its client was told that it is not.
    RecordedAfterAll,
    /// More was sold and held than there was.
    Oversold,
    /// An order or a customer has more than one may have.
    OverLimit,
    /// Events are not what the rules make of their command on the history before them: it was decided on another one.
    OtherHistory,
    /// A command was answered before it was in the log.
    BeforeCommit,
    /// An answer says what no version gives that was current.
    UntrueAnswer,
    /// A refusal holds at no version that was current.
    UntrueRefusal,
    /// A claim was dead before its deadline.
    EarlyDeath,
    /// A claim was bought after its deadline.
    LateSale,
    /// An event was decided at a time that was not then.
    WrongTime,
}

/// Something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Of this kind.
    pub kind: Kind,
    /// Up to here everything else was looked at when it was found.
    pub version: Version,
    /// What it is.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            version,
            what,
        } = self;
        write!(f, "{kind:?} at version {version}: {what}")
    }
}
