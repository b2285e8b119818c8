//! Collections that can take back what was done since a mark, at a cost in proportion to what was done.
//!
//! A pool decides commands on events that are still on their way into the log. Each batch of events has a [`Mark`]:
//! when the batch is in the log its changes are *kept*, when it is not they are *undone*, and later ones with them.

mod cell;
mod map;
mod queue;
mod set;

use std::collections::VecDeque;

pub use cell::Cell;
pub use map::Map;
pub use queue::Queue;
pub use set::Set;

/// Names a batch; grows with each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u64);

/// Whatever remembers how to take back its changes.
pub trait Journaled {
    /// From now on changes belong to the batch `mark`; with none they are for good.
    fn begin(&mut self, mark: Option<Mark>);
    /// Keeps the changes of the batch `mark` and of those before it.
    fn keep(&mut self, mark: Mark);
    /// Takes back the changes of the batch `mark` and of those after it.
    fn undo(&mut self, mark: Mark);
}

/// How to take back changes, oldest first.
#[derive(Clone, Debug)]
struct Undo<U> {
    mark: Option<Mark>,
    steps: VecDeque<(Mark, U)>,
}

impl<U> Default for Undo<U> {
    fn default() -> Self {
        Self {
            mark: None,
            steps: VecDeque::new(),
        }
    }
}

impl<U> Undo<U> {
    fn note(&mut self, step: U) {
        if let Some(mark) = self.mark {
            self.steps.push_back((mark, step));
        }
    }

    const fn is_on(&self) -> bool {
        self.mark.is_some()
    }

    fn keep(&mut self, mark: Mark) {
        while self.steps.front().is_some_and(|(of, _)| *of <= mark) {
            self.steps.pop_front();
        }
    }

    fn next(&mut self, mark: Mark) -> Option<U> {
        self.steps
            .pop_back_if(|(of, _)| *of >= mark)
            .map(|(_, step)| step)
    }
}

#[cfg(test)]
mod tests;
