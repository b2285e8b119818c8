//! One pass over the log. What has to hold at an event is looked at there; what clients were told is held against the
//! versions that were current, as the pass comes by them.

use std::collections::{HashMap, HashSet};

use onsale_shared::{
    event::{PoolEvent, ReleaseCause},
    id::RequestId,
    log::{Position, RecordedEvent, Version},
    time::Timestamp,
};

use super::{
    CLOCKS_APART_MAX, Command, Finding, History, Kind, commands, decided,
    decided::Decoded,
    replay::Replay,
    statements::{self, Statement},
    windows::Windows,
};

/// Everything that is wrong with a history and the whole log of its pool, which has nothing else in it.
#[must_use]
pub fn check(history: &History, log: &[RecordedEvent]) -> Vec<Finding> {
    let decoded = match decode(log) {
        Ok(decoded) => decoded,
        // Nothing can be said of what stands behind it.
        Err(finding) => return vec![finding],
    };
    let windows = Windows::new(&history.looks, log);
    let facts = decoded.iter().filter(|event| !event.is_refusal());
    let recorded = facts.filter_map(|event| event.metadata.request_id);
    let recorded = recorded.collect();
    let mut pass = Pass {
        history,
        by_id: history.commands.iter().map(|c| (c.id, c)).collect(),
        deadlines: deadlines(&decoded),
        replay: Replay::default(),
        seen: HashSet::new(),
        open: Vec::new(),
        waiting: statements::of(history, &recorded, &windows),
        findings: Vec::new(),
    };
    pass.hold_statements_against(Version::START);
    for (index, event) in decoded.iter().enumerate() {
        if let Some(run) = run_from(&decoded, index) {
            pass.decision(run);
        }
        pass.event(event);
        pass.hold_statements_against(event.recorded.version);
    }
    pass.close_the_rest();
    let mut findings = pass.findings;
    findings.extend(commands::check(history, &decoded, &windows));
    findings
}

fn finding(kind: Kind, version: Version, what: impl Into<String>) -> Finding {
    let what = what.into();
    Finding {
        kind,
        version,
        what,
    }
}

/// The events, if they are dense and can be read.
fn decode(log: &[RecordedEvent]) -> Result<Vec<Decoded<'_>>, Finding> {
    let (mut position, mut version) = (Position::START, Version::START);
    let mut decoded = Vec::with_capacity(log.len());
    for recorded in log {
        (position, version) = (position.next(), version.next());
        if (recorded.position, recorded.version) != (position, version) {
            let what = format!(
                "position {} and version {} stand where {position} and {version} belong",
                recorded.position, recorded.version
            );
            return Err(finding(Kind::Gap, version, what));
        }
        let foreign = |error: String| finding(Kind::Foreign, version, error);
        decoded.push(Decoded {
            recorded,
            event: recorded.decode().map_err(|e| foreign(e.to_string()))?,
            metadata: recorded.metadata().map_err(|e| foreign(e.to_string()))?,
        });
    }
    Ok(decoded)
}

/// Every deadline that a claim ever had, in order: at these moments a state changes without an event.
fn deadlines(decoded: &[Decoded<'_>]) -> Vec<Timestamp> {
    let mut deadlines: Vec<_> = decoded
        .iter()
        .filter_map(|decoded| deadline_of(&decoded.event))
        .collect();
    deadlines.sort_unstable();
    deadlines.dedup();
    deadlines
}

const fn deadline_of(event: &PoolEvent) -> Option<Timestamp> {
    if let PoolEvent::TicketClaimed(claimed) = event {
        return Some(claimed.expire_time);
    }
    if let PoolEvent::ClaimExtended(extended) = event {
        return Some(extended.expire_time);
    }
    None
}

/// The events that one decision about a command has recorded, if they begin here.
fn run_from<'d, 'l>(decoded: &'d [Decoded<'l>], index: usize) -> Option<&'d [Decoded<'l>]> {
    let (before, run) = decoded.split_at_checked(index)?;
    let first = run.first()?;
    let request = first.metadata.request_id?;
    let goes_on = before
        .last()
        .is_some_and(|last| last.metadata.request_id == Some(request))
        && first.metadata.command.is_none();
    let others = run.iter().skip(1).take_while(|next| {
        next.metadata.request_id == Some(request) && next.metadata.command.is_none()
    });
    let length = 1 + others.count();
    (!goes_on).then(|| &run[..length])
}

struct Pass<'a> {
    history: &'a History,
    by_id: HashMap<RequestId, &'a Command>,
    deadlines: Vec<Timestamp>,
    replay: Replay,
    /// Commands whose events stand before.
    seen: HashSet<RequestId>,
    /// What has to hold at one of the versions from the present one on.
    open: Vec<Statement<'a>>,
    /// What has to hold at later ones, the next last.
    waiting: Vec<Statement<'a>>,
    findings: Vec<Finding>,
}

impl Pass<'_> {
    fn find(&mut self, kind: Kind, version: Version, what: impl Into<String>) {
        self.findings.push(finding(kind, version, what));
    }

    /// A command's events, which stand next.
    fn decision(&mut self, run: &[Decoded<'_>]) {
        let Some(first) = run.first() else { return };
        let version = first.recorded.version;
        let Some(id) = first.metadata.request_id else {
            return;
        };
        let Some(command) = self.by_id.get(&id).copied() else {
            // The pool itself was there before the clients were.
            if !matches!(first.event, PoolEvent::PoolCreated(_)) {
                self.find(Kind::Foreign, version, format!("nobody asked for {id}"));
            }
            return;
        };
        if !self.seen.insert(id) {
            return self.find(Kind::Doubled, version, format!("{id} was recorded before"));
        }
        if first.recorded.time.plus(CLOCKS_APART_MAX) < command.first_called() {
            let what = format!("{id} was decided before it was sent");
            self.find(Kind::WrongTime, version, what);
        }
        if let Some(what) = decided::check(&self.replay.pool, command, run) {
            self.find(Kind::OtherHistory, version, what);
        }
    }

    fn event(&mut self, decoded: &Decoded<'_>) {
        let Decoded {
            recorded,
            event,
            metadata,
        } = decoded;
        let version = recorded.version;
        if recorded.time > recorded.recorded_at.plus(CLOCKS_APART_MAX) {
            self.find(Kind::WrongTime, version, "decided after it was written");
        }
        let is_swept = matches!(event, PoolEvent::TicketReleased(released)
            if !matches!(released.cause, ReleaseCause::Customer | ReleaseCause::Operator));
        if metadata.request_id.is_none() && !is_swept {
            let kind = event.kind().as_str();
            self.find(Kind::Foreign, version, format!("nobody asked for {kind}"));
        }
        if let PoolEvent::TicketBought(bought) = event
            && let Some(command) = metadata.request_id.and_then(|id| self.by_id.get(&id))
            && let Some(deadline) = self.replay.naive.deadline(bought.claim)
            && deadline.plus(CLOCKS_APART_MAX) < command.first_called()
        {
            let what = format!("bought by a call after {deadline}, its deadline");
            self.find(Kind::LateSale, version, what);
        }
        if let Some((kind, what)) = self.replay.fold(recorded, event, metadata) {
            self.find(kind, version, what);
        }
    }

    /// Which of the open statements hold at this version, and which could have held only up to it?
    fn hold_statements_against(&mut self, version: Version) {
        let number = version.get();
        while self.waiting.last().is_some_and(|next| next.from <= number) {
            self.open.extend(self.waiting.pop());
        }
        let (replay, deadlines, name) = (&self.replay, &self.deadlines, &self.history.pool);
        let open = std::mem::take(&mut self.open);
        for statement in open {
            if statement.holds(name, replay, deadlines) {
                continue;
            }
            if statement.to > number {
                self.open.push(statement);
            } else {
                self.findings.push(statement.finding(replay));
            }
        }
    }

    /// What rests on versions that the log does not have.
    fn close_the_rest(&mut self) {
        let left = self.open.drain(..).chain(self.waiting.drain(..));
        let replay = &self.replay;
        self.findings
            .extend(left.map(|statement| statement.finding(replay)));
    }
}
