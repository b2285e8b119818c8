//! The state of a pool: its parts, folded from its events.

use onsale_shared::{
    log::{Position, Version},
    time::Timestamp,
};

use super::{
    fact::Entry,
    journal::{Cell, Journaled, Mark},
    partials::{
        Claims, Contradiction, Customers, Limits, Pricing, Refused, Requests, Sale, Sales,
        Schedule, Stock,
    },
};

/// Everything that a rule of sale reads, and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    progress: Cell<Progress>,
    /// Whether the pool exists, and what one order and one customer may have.
    pub limits: Limits,
    /// How many tickets are sold and held.
    pub stock: Stock,
    /// Which claims hold and bought which tickets.
    pub claims: Claims,
    /// How many tickets each customer has.
    pub customers: Customers,
    /// What a ticket costs.
    pub pricing: Pricing,
    /// Whether the pool sells.
    pub sale: Sale,
    /// When the pool sells.
    pub schedule: Schedule,
    /// When tickets were bought.
    pub sales: Sales,
    /// Which commands were recorded.
    pub requests: Requests,
    /// Which commands were refused for good.
    pub refused: Refused,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    version: Version,
    time: Timestamp,
    corrupted_at: Option<Version>,
}

impl Pool {
    /// A pool without parts, at a version.
    pub(super) fn at(version: Version, time: Timestamp) -> Self {
        let progress = Progress {
            version,
            time,
            corrupted_at: None,
        };
        Self {
            progress: Cell::new(progress),
            ..Self::default()
        }
    }

    /// The version of the last event folded; [`Version::START`] if the pool does not exist.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.progress.get().version
    }

    /// The time of the last event folded.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.progress.get().time
    }

    /// The version of the first event that contradicts the pool. Its numbers are not to be trusted from there on.
    #[must_use]
    pub const fn corrupted_at(&self) -> Option<Version> {
        self.progress.get().corrupted_at
    }

    /// Folds one event. Never fails and holds no rule: what happened has happened. An event that cannot have happened
    /// marks the pool as corrupted, and its parts stay as they are.
    pub fn evolve(&mut self, entry: &Entry<'_>) {
        let mut progress = *self.progress.get();
        if progress.corrupted_at.is_none() && self.evolve_parts(entry).is_err() {
            progress.corrupted_at = Some(entry.version);
        }
        progress.version = entry.version;
        progress.time = progress.time.max(entry.time);
        self.progress.set(progress);
        // A repeat is recognised even by a pool that sells no more.
        self.requests.evolve(entry);
        self.refused.evolve(entry);
    }

    fn evolve_parts(&mut self, entry: &Entry<'_>) -> Result<(), Contradiction> {
        // Who contradicts does so before anything is changed: each of the first four folds kinds of events that no later
        // part looks at, and what claims let pass fits the customers.
        let counts = self.stock.after(entry.event)?;
        self.limits.evolve(entry)?;
        self.sale.evolve(entry)?;
        self.pricing.evolve(entry)?;
        self.schedule.evolve(entry)?;
        self.claims.evolve(entry)?;
        self.customers.evolve(entry, &self.claims)?;
        self.stock.evolve(entry, counts);
        self.sales.evolve(entry);
        Ok(())
    }

    /// Marks the pool as corrupted by an event that cannot even be read.
    pub fn mark_corrupted(&mut self, at: Version) {
        let mut progress = *self.progress.get();
        progress.corrupted_at.get_or_insert(at);
        progress.version = at;
        self.progress.set(progress);
    }

    /// From now on events belong to the batch `mark`, which may have to be undone; with none they are in the log.
    pub fn begin(&mut self, mark: Option<Mark>) {
        self.each_part(|part| part.begin(mark));
    }

    /// The batch `mark` is in the log: its events, after `base` up to `last`, stand densely from `first_position`.
    pub fn keep(&mut self, mark: Mark, base: Version, last: Version, first_position: Position) {
        self.each_part(|part| part.keep(mark));
        self.requests.settle(base, last, first_position);
    }

    /// The batch `mark` is not in the log: it and all after it have never been.
    pub fn undo(&mut self, mark: Mark) {
        self.each_part(|part| part.undo(mark));
        self.begin(None);
    }

    fn each_part(&mut self, mut visit: impl FnMut(&mut dyn Journaled)) {
        visit(&mut self.progress);
        visit(&mut self.limits);
        visit(&mut self.stock);
        visit(&mut self.claims);
        visit(&mut self.customers);
        visit(&mut self.pricing);
        visit(&mut self.sale);
        visit(&mut self.schedule);
        visit(&mut self.sales);
        visit(&mut self.requests);
        visit(&mut self.refused);
    }
}

#[cfg(test)]
mod tests;
