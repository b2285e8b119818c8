//! Deciding what waits: promoters' commands first, then what must be decided again, then the rest; then the sweep.

use std::time::Instant;

use onsale_shared::{log::AppendBatch, pricing::PricePoint, time::Timestamp};

use super::Actor;
use crate::{
    domain::{Command, Decision, Fact, decide},
    pools::{
        batch::{Author, Decided, fold},
        call::{Answer, Call, ClaimView, Failure},
    },
};

impl Actor {
    /// Whether the batch in the making takes further commands.
    pub(super) fn has_room(&self) -> bool {
        let limits = &self.context.limits;
        // Answers cost no event, but memory: a batch holds at most as many as a lane.
        self.pending.events.len() < limits.batch_events
            && self.pending.decided.len() < limits.queue_max
    }

    /// Whether a command that may record very many events fits beside what was decided already.
    fn has_room_for(&self, call: &Call) -> bool {
        let events = self.pending.events.len();
        events == 0 || events + call.request.command.events_max() <= AppendBatch::GROUP_EVENTS_MAX
    }

    /// Decides what waits, as far as the batch takes it.
    pub(super) fn decide_what_waits(&mut self) {
        while self.has_room() {
            let promoter = self.again.next_promoter();
            let promoter = promoter.or_else(|| self.mailbox.next_promoter());
            let next = promoter.or_else(|| self.again.next_other());
            let Some(call) = next.or_else(|| self.mailbox.next_other()) else {
                break;
            };
            if !self.has_room_for(&call) {
                self.again.push_front(call);
                break;
            }
            self.decide_call(call);
        }
        if self.has_dead() {
            self.sweep();
        }
        self.pending.touched |= self.mailbox.take_touch();
    }

    /// The time of a decision: the log's clock, and never before what was decided last.
    pub(super) fn decision_time(&self) -> Timestamp {
        self.context.log.clock().now().max(self.pool.time())
    }

    fn decide_call(&mut self, mut call: Call) {
        if Instant::now() >= call.deadline {
            // Nobody waits any more. Dropped before it is batched, never after.
            return call.answer(Err(Failure::TooLate));
        }
        self.decided = true;
        let at = self.decision_time();
        let (mut ids, mut records) = (self.context.ids.ids(at), false);
        let answer = match decide(&self.pool, &call.request, at, &mut ids) {
            Ok(Decision::Repeat(remembered)) => Ok(Answer {
                version: remembered.version,
                time: remembered.time,
                ..self.answer_now(&call, at)
            }),
            Ok(Decision::SweepFirst) => {
                return self.sweep_before(call);
            }
            Ok(Decision::Record(facts)) if call.validate_only => {
                Ok(self.imagine(&call, &facts, at))
            }
            Ok(Decision::Record(facts)) => {
                let Some(recorded) = self.record(call, facts, at) else {
                    return;
                };
                (call, records) = (recorded, true);
                Ok(self.answer_now(&call, at))
            }
            Ok(Decision::Refuse(facts, rejection)) if !call.validate_only => {
                let Some(recorded) = self.record(call, facts, at) else {
                    return;
                };
                (call, records) = (recorded, true);
                Err(rejection)
            }
            Ok(Decision::Refuse(_, rejection)) | Err(rejection) => Err(rejection),
        };
        let decided = Decided {
            call,
            answer,
            records,
        };
        self.pending.decided.push(decided);
    }

    /// Adds the facts of a command to the batch. None if its caller gave up before, or they cannot be written down.
    fn record(&mut self, call: Call, facts: Vec<Fact>, at: Timestamp) -> Option<Call> {
        if call.stage.is_abandoned() {
            return None;
        }
        let author = Author {
            request: Some((call.request.id, call.request.hash)),
            caller: &call.caller,
            source: &self.context.source,
        };
        if let Err(defect) = self.pending.add(&mut self.pool, facts, at, author) {
            tracing::error!(
                error = &defect as &dyn std::error::Error,
                "facts could not be written down"
            );
            call.answer(Err(Failure::Internal));
            return None;
        }
        Some(call)
    }

    /// What the caller would get: decided and folded under a mark of its own, which is undone.
    fn imagine(&mut self, call: &Call, facts: &[Fact], at: Timestamp) -> Answer {
        let (mark, version) = (self.new_mark(), self.pool.version());
        self.pool.begin(Some(mark));
        let author = Author {
            request: Some((call.request.id, call.request.hash)),
            caller: &call.caller,
            source: &self.context.source,
        };
        fold(&mut self.pool, facts, at, author);
        let answer = Answer {
            version,
            price_preview: self.price_preview(call, at),
            ..self.answer_now(call, at)
        };
        self.pool.undo(mark);
        self.pool.begin(Some(self.pending.mark));
        answer
    }

    /// What the caller gets for what was just folded; its position is known when it is in the log.
    fn answer_now(&self, call: &Call, at: Timestamp) -> Answer {
        Answer {
            version: self.pool.version(),
            position: None,
            time: at,
            claim: self.claim_of(call, at),
            price_preview: Vec::new(),
        }
    }

    /// What tickets would cost by the rule that the command sets.
    fn price_preview(&self, call: &Call, at: Timestamp) -> Vec<PricePoint> {
        let sets_a_rule = matches!(
            call.request.command,
            Command::CreatePool(_) | Command::ChangePricing(_)
        );
        let parts = (self.pool.pricing.rule(), self.pool.schedule.get());
        let (true, (Some(rule), Some(times))) = (sets_a_rule, parts) else {
            return Vec::new();
        };
        let (capacity, show_time) = (self.pool.stock.counts().capacity, times.value.show_time);
        let (sold, moments) = rule.value.preview_points(capacity, at, show_time);
        rule.value.curve(capacity, &sold, &moments, show_time)
    }

    /// The claim that a recorded command was about, as it is now.
    fn claim_of(&self, call: &Call, at: Timestamp) -> Option<ClaimView> {
        let id = self.pool.requests.get(call.request.id)?.claim?;
        let claim = self.pool.claims.get(id)?;
        Some(ClaimView {
            id,
            claim: claim.clone(),
            death: self.pool.claims.death(claim, at),
            currency: self.pool.pricing.rule()?.value.currency,
        })
    }
}
