//! Is each command in the log as often as its client was told, and where he was told?

use std::collections::HashMap;

use onsale_shared::{
    event::{CommandRefused, PoolEvent},
    id::RequestId,
    log::{RecordedEvent, Version},
    time::Timestamp,
};

use super::{
    Attempt, Command, Finding, Grant, History, Kind, MOMENT_ERROR, Reply, answers,
    decided::Decoded, windows::Windows,
};

/// What is wrong.
pub(super) fn check(history: &History, log: &[Decoded<'_>], windows: &Windows<'_>) -> Vec<Finding> {
    let mut last: HashMap<RequestId, &RecordedEvent> = HashMap::new();
    let mut refused: HashMap<RequestId, &CommandRefused> = HashMap::new();
    for decoded in log {
        let Some(id) = decoded.metadata.request_id else {
            continue;
        };
        if let PoolEvent::CommandRefused(event) = &decoded.event {
            refused.insert(id, event);
        } else {
            last.insert(id, decoded.recorded);
        }
    }
    let mut findings = Vec::new();
    for command in &history.commands {
        let recorded = last.get(&command.id).copied();
        findings.extend(denied(command, recorded));
        let for_good = refused.get(&command.id).copied();
        findings.extend(not_for_good(command, for_good));
        for (index, attempt) in command.attempts.iter().enumerate() {
            if let Reply::Granted(grant) = &attempt.reply {
                let is_first = index == 0;
                findings.extend(granted(
                    command, attempt, is_first, grant, recorded, windows,
                ));
            }
        }
    }
    findings
}

fn finding(kind: Kind, version: i64, what: String) -> Option<Finding> {
    let version = Version::new(version).unwrap_or_default();
    Some(Finding {
        kind,
        version,
        what,
    })
}

/// In the log, and its client was told that it is not: by each attempt, or by a refusal.
fn denied(command: &Command, recorded: Option<&RecordedEvent>) -> Option<Finding> {
    let recorded = recorded?;
    let mut replies = command.attempts.iter().map(|attempt| &attempt.reply);
    let is_given_up = replies.all(|reply| matches!(reply, Reply::NotRecorded(_)));
    if !command.is_refused() && !is_given_up {
        return None;
    }
    let (id, decided, attempts) = (command.id, recorded.time, &command.attempts);
    let what = format!("{id}, decided at {decided}, was answered {attempts:?}");
    finding(Kind::RecordedAfterAll, recorded.version.get(), what)
}

/// A repeat was refused, which is not in the log: an earlier attempt could have come after it.
fn not_for_good(command: &Command, refused: Option<&CommandRefused>) -> Option<Finding> {
    let repeats = command.attempts.iter().skip(1);
    let mut refusals = repeats.filter_map(|attempt| match &attempt.reply {
        Reply::Refused(refusal) => Some(refusal),
        Reply::Granted(_) | Reply::NotRecorded(_) | Reply::Unknown => None,
    });
    let recorded = refused.map(|event| event.reason.as_str());
    let other = refusals.find(|refusal| recorded != Some(refusal.first_reason()))?;
    let what = format!(
        "{} was told {other:?}, and the log says {recorded:?}",
        command.id
    );
    finding(Kind::Lost, 0, what)
}

/// What is wrong with a receipt. Its claim is another matter.
fn granted(
    command: &Command,
    attempt: &Attempt,
    is_first: bool,
    grant: &Grant,
    recorded: Option<&RecordedEvent>,
    windows: &Windows<'_>,
) -> Option<Finding> {
    let (id, told) = (command.id, grant.receipt.version);
    let Some(recorded) = recorded else {
        return finding(Kind::Lost, told, format!("{id} was answered {grant:?}"));
    };
    let expected = answers::receipt(recorded);
    if expected != grant.receipt {
        let what = format!("{id} got {:?} for {expected:?}", grant.receipt);
        return finding(Kind::UntrueAnswer, told, what);
    }
    if is_first && told <= windows.reached_before(attempt.called) {
        let what = format!("{id} was answered from before its first call");
        return finding(Kind::UntrueAnswer, told, what);
    }
    let seen = windows.seen_after(attempt.ended);
    let is_unseen = seen.is_some_and(|seen| seen < recorded.version);
    if is_unseen || is_unwritten(recorded, attempt.ended) {
        let what = format!(
            "{id} was answered at {}, and {seen:?} was seen after it",
            attempt.ended
        );
        return finding(Kind::BeforeCommit, told, what);
    }
    None
}

fn is_unwritten(recorded: &RecordedEvent, moment: Timestamp) -> bool {
    moment.plus(MOMENT_ERROR) < recorded.recorded_at
}
