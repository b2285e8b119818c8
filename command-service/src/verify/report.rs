//! What `verify` found.

use std::fmt;

use onsale_shared::{
    id::EventId,
    log::{Position, RecordedEvent, StreamName, Version},
};

use super::compared::Compared;

/// What was read, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Report {
    /// How many events were read.
    pub events: u64,
    /// Of how many pools.
    pub pools: usize,
    /// The last position that was read.
    pub position: Position,
    /// What is wrong.
    pub findings: Findings,
    /// What became of the stored snapshots; none if only a log was verified.
    pub snapshots: Option<Compared>,
}

/// The first event of each pool that cannot have happened, the first of the log first.
#[derive(Debug, Default)]
pub struct Findings {
    told: Vec<Finding>,
    untold: usize,
}

/// An event that cannot have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamName,
    /// Its place in the stream.
    pub version: Version,
    /// Its id.
    pub id: EventId,
    /// The kind of event.
    pub kind: String,
    /// What is wrong.
    pub wrong: String,
}

impl Finding {
    /// This is wrong with the event.
    #[must_use]
    pub fn new(event: &RecordedEvent, wrong: String) -> Self {
        Self {
            position: event.position,
            stream: event.stream.clone(),
            version: event.version,
            id: event.id,
            kind: event.kind.clone(),
            wrong,
        }
    }
}

impl Findings {
    /// So many are told; of more, how many there are.
    pub const TOLD_MAX: usize = 100;

    /// Those that are told, the first of the log first.
    #[must_use]
    pub fn told(&self) -> &[Finding] {
        &self.told
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.told.len() + self.untold
    }

    /// Adds what comes later in the log than what is there.
    pub fn push(&mut self, finding: Finding) {
        match self.told.len() {
            Self::TOLD_MAX.. => self.untold += 1,
            _few => self.told.push(finding),
        }
    }

    /// Adds what was found in other pools.
    pub fn merge(&mut self, other: Self) {
        let count = self.count() + other.count();
        self.told.extend(other.told);
        self.told.sort_by_key(|finding| finding.position);
        self.told.truncate(Self::TOLD_MAX);
        self.untold = count - self.told.len();
    }
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let snapshots = self.snapshots.as_ref();
        self.findings.count() == 0 && snapshots.is_none_or(|compared| compared.different == 0)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "position {}, {} version {}, {} {}: {}",
            self.position, self.stream, self.version, self.kind, self.id, self.wrong
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings.told {
            writeln!(f, "{finding}")?;
        }
        if self.findings.untold > 0 {
            writeln!(f, "and {} more pools", self.findings.untold)?;
        }
        let verdict = match self.findings.count() {
            0 => "all of it can have happened".to_owned(),
            1 => "one pool cannot have become what it is".to_owned(),
            bad => format!("{bad} pools cannot have become what they are"),
        };
        write!(
            f,
            "{} events of {} pools, up to position {}: {verdict}",
            self.events, self.pools, self.position
        )?;
        match &self.snapshots {
            Some(compared) => write!(f, "\n{compared}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(position: u32) -> Finding {
        Finding {
            position: Position::START.plus(position),
            stream: "pools/abc".into(),
            version: Version::START.next(),
            id: EventId(uuid::Uuid::nil()),
            kind: "PoolCreated".to_owned(),
            wrong: "nothing".to_owned(),
        }
    }

    #[test]
    fn of_many_findings_the_first_of_the_log_are_told_and_all_are_counted() {
        let (mut odd, mut even) = (Findings::default(), Findings::default());
        for position in 0..120 {
            odd.push(finding(2 * position + 1));
            even.push(finding(2 * position));
        }
        odd.merge(even);
        assert_eq!(odd.count(), 240);
        let told: Vec<_> = odd.told().iter().map(|told| told.position.get()).collect();
        assert_eq!(told, (0..100).collect::<Vec<_>>());
    }
}
