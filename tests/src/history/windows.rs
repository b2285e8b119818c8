//! Which versions were current between two moments: as far as somebody who looked at the log can tell.

use onsale_shared::{
    log::{RecordedEvent, Version},
    time::Timestamp,
};

use super::{Look, MOMENT_ERROR};

/// See the module.
#[derive(Debug)]
pub(super) struct Windows<'a> {
    looks: &'a [Look],
    /// When each version was written, from 1.
    written: Vec<Timestamp>,
}

impl<'a> Windows<'a> {
    pub(super) fn new(looks: &'a [Look], log: &[RecordedEvent]) -> Self {
        let written = log.iter().map(|event| event.recorded_at).collect();
        Self { looks, written }
    }

    /// A version that was reached before the moment.
    pub(super) fn reached_before(&self, moment: Timestamp) -> i64 {
        let before = self.looks.partition_point(|look| look.received < moment);
        let last = before.checked_sub(1).and_then(|last| self.looks.get(last));
        last.map_or(0, |look| look.version.get())
    }

    /// A version that was not exceeded before the moment: nobody saw a later one who looked after it, and what was
    /// written after it was not there yet.
    pub(super) fn not_exceeded_before(&self, moment: Timestamp) -> i64 {
        let known = self
            .written
            .partition_point(|at| *at <= moment.plus(MOMENT_ERROR));
        let written = i64::try_from(known).unwrap_or(i64::MAX);
        self.seen_after(moment)
            .map_or(written, |seen| seen.get().min(written))
    }

    /// What the first saw who looked after the moment.
    pub(super) fn seen_after(&self, moment: Timestamp) -> Option<Version> {
        let first = self.looks.partition_point(|look| look.sent <= moment);
        self.looks.get(first).map(|look| look.version)
    }
}
