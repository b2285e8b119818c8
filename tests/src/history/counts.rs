//! What a history has hit. One that hit too little shows nothing.

use std::collections::{BTreeMap, HashMap};

use onsale_shared::{event::EventType, id::RequestId, log::RecordedEvent, time::Timestamp};

use super::{Command, History, MOMENT_ERROR, Reply};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Commands.
    pub commands: usize,
    /// Attempts that were answered with success.
    pub granted: usize,
    /// Attempts that were refused, by reason.
    pub refused: BTreeMap<&'static str, usize>,
    /// Attempts that recorded nothing, and said so.
    pub not_recorded: usize,
    /// Attempts without a definite answer whose command was decided before it was asked for again.
    pub unknown_recorded: usize,
    /// Attempts without a definite answer whose command was decided later or never.
    pub unknown_not_recorded: usize,
    /// Commands that were refused for good.
    pub refused_for_good: usize,
    /// Successes that rest on an earlier attempt.
    pub repeats: usize,
}

impl Counts {
    /// Of a history and its log.
    #[must_use]
    pub fn of(history: &History, log: &[RecordedEvent]) -> Self {
        let mut decided: HashMap<RequestId, Timestamp> = HashMap::new();
        let mut counts = Self::default();
        for event in log {
            let request = event.metadata().ok().and_then(|known| known.request_id);
            if event.kind == EventType::CommandRefused.as_str() {
                counts.refused_for_good += 1;
            } else {
                decided.extend(request.map(|id| (id, event.time)));
            }
        }
        for command in &history.commands {
            counts.commands += 1;
            counts.add(command, decided.get(&command.id).copied());
        }
        counts
    }

    fn add(&mut self, command: &Command, decided: Option<Timestamp>) {
        let is_before =
            |moment: Timestamp| decided.is_some_and(|decided| decided.plus(MOMENT_ERROR) < moment);
        for (index, attempt) in command.attempts.iter().enumerate() {
            let next = command.attempts.get(index + 1);
            match &attempt.reply {
                Reply::Granted(_) => {
                    self.granted += 1;
                    self.repeats += usize::from(index > 0 && is_before(attempt.called));
                }
                Reply::Refused(refusal) => {
                    *self.refused.entry(refusal.reason.as_str()).or_default() += 1;
                }
                Reply::NotRecorded(_) => self.not_recorded += 1,
                Reply::Unknown => {
                    let was_recorded = match next {
                        Some(next) => is_before(next.called),
                        None => decided.is_some(),
                    };
                    self.unknown_recorded += usize::from(was_recorded);
                    self.unknown_not_recorded += usize::from(!was_recorded);
                }
            }
        }
    }
}
