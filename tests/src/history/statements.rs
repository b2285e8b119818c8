//! What a client was told, as a statement that has to hold at one of the versions that were current between its call and
//! the answer. What the server says of the first attempt that it recorded has to hold at exactly that version.

use std::collections::HashSet;

use onsale_command_service::domain;
use onsale_proto::reason::Reason;
use onsale_shared::{
    id::{PoolId, RequestId},
    log::Version,
    time::Timestamp,
};

use super::{
    CLOCKS_APART_MAX, Command, DECISION_ERROR, Finding, Grant, History, Kind, Refusal, Reply,
    SOLD_OUT_AGE_MAX, answers, refusals, replay::Replay, windows::Windows,
};

/// See the module.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    /// The versions that were current; never empty.
    pub(super) from: i64,
    pub(super) to: i64,
    /// When it was decided.
    earliest: Timestamp,
    latest: Timestamp,
    command: &'a Command,
    says: Says<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Says<'a> {
    Refused(&'a Refusal),
    Claim(&'a Grant),
}

/// All statements of a history, those of the earliest versions last. Of a command that is not in the log, which is a
/// finding of its own, there are only refusals.
pub(super) fn of<'a>(
    history: &'a History,
    recorded: &HashSet<RequestId>,
    windows: &Windows<'_>,
) -> Vec<Statement<'a>> {
    let mut statements: Vec<_> = history
        .commands
        .iter()
        .flat_map(|command| of_command(command, windows))
        .filter(|statement| {
            matches!(statement.says, Says::Refused(_)) || recorded.contains(&statement.command.id)
        })
        .collect();
    statements.sort_unstable_by_key(|statement| std::cmp::Reverse(statement.from));
    statements
}

fn of_command<'a>(
    command: &'a Command,
    windows: &Windows<'_>,
) -> impl Iterator<Item = Statement<'a>> {
    let attempts = command.attempts.iter().enumerate();
    attempts.filter_map(move |(index, attempt)| {
        let (says, called) = match &attempt.reply {
            Reply::Granted(grant) if answers::has_claim(&command.asked) => {
                (Says::Claim(grant), attempt.called)
            }
            Reply::Refused(refusal) if refusals::may_be_older(refusal.reason) => (
                Says::Refused(refusal),
                before(attempt.called, SOLD_OUT_AGE_MAX),
            ),
            Reply::Refused(refusal) => (Says::Refused(refusal), attempt.called),
            Reply::Granted(_) | Reply::NotRecorded(_) | Reply::Unknown => return None,
        };
        let mut statement = Statement {
            from: windows.reached_before(called),
            to: windows.not_exceeded_before(attempt.ended),
            earliest: before(called, DECISION_ERROR),
            latest: attempt.ended.plus(DECISION_ERROR),
            command,
            says,
        };
        if let Says::Claim(grant) = says {
            let version = grant.receipt.version;
            statement.from = statement.from.max(version);
            if index == 0 {
                let decided = decided_at(grant);
                (statement.from, statement.to) = (version, version);
                (statement.earliest, statement.latest) = (decided, decided);
            }
        }
        statement.to = statement.to.max(statement.from);
        Some(statement)
    })
}

fn before(moment: Timestamp, span: std::time::Duration) -> Timestamp {
    let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(moment.as_micros().saturating_sub(micros))
}

fn decided_at(grant: &Grant) -> Timestamp {
    let time = grant.receipt.server_time.as_ref();
    time.and_then(|time| Timestamp::from_seconds_and_nanos(time.seconds, time.nanos))
        .unwrap_or_default()
}

impl Statement<'_> {
    /// Whether it holds at the version that was replayed last.
    pub(super) fn holds(&self, name: &PoolId, replay: &Replay, deadlines: &[Timestamp]) -> bool {
        if let Says::Refused(refusal) = self.says
            && !refusals::counts_allow(&replay.naive, self.command, refusal)
        {
            return false;
        }
        // Between two deadlines nothing changes without an event: the first moment, and each deadline that comes after it.
        let first = deadlines.partition_point(|deadline| *deadline <= self.earliest);
        let others = deadlines.iter().skip(first).copied();
        let others = others.take_while(|deadline| *deadline <= self.latest);
        let mut moments = [self.earliest].into_iter().chain(others);
        moments.any(|moment| {
            let at = moment.max(replay.pool.time());
            match self.says {
                Says::Refused(refusal) => {
                    refusals::holds(name, &replay.pool, self.command, refusal, at)
                }
                Says::Claim(grant) => {
                    answers::claim(name, &replay.pool, self.command.id, at) == grant.claim
                }
            }
        })
    }

    /// It held nowhere.
    pub(super) fn finding(&self, replay: &Replay) -> Finding {
        let Self {
            from,
            to,
            command,
            says,
            ..
        } = self;
        let (kind, said) = match says {
            Says::Claim(grant) => (Kind::UntrueAnswer, format!("{:?}", grant.claim)),
            Says::Refused(refusal) if self.denies_a_live_claim(refusal, replay) => {
                (Kind::EarlyDeath, format!("{refusal:?}"))
            }
            Says::Refused(refusal) => (Kind::UntrueRefusal, format!("{refusal:?}")),
        };
        Finding {
            kind,
            version: Version::new(*to).unwrap_or_default(),
            what: format!(
                "from {from} to {to}, {} to {}, nothing makes this true of {:?}: {said}",
                self.earliest, self.latest, command.asked
            ),
        }
    }

    /// Whether it says that a claim had expired that had more than a second left.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "no other command is told so"
    )]
    fn denies_a_live_claim(&self, refusal: &Refusal, replay: &Replay) -> bool {
        let claim = match &self.command.asked {
            domain::Command::BuyTickets(buy) => Some(buy.claim),
            domain::Command::ExtendClaim(extend) => Some(extend.claim),
            _ => None,
        };
        let deadline = claim.and_then(|claim| replay.naive.deadline(claim));
        refusal.reason == Reason::ClaimExpired
            && deadline.is_some_and(|deadline| self.latest.plus(CLOCKS_APART_MAX) < deadline)
    }
}
