//! One value.

use std::collections::VecDeque;

use super::{Journaled, Mark, Undo};

/// One value.
#[derive(Clone, Debug, Default)]
pub struct Cell<T> {
    value: T,
    pub(super) undo: Undo<T>,
}

impl<T> Cell<T> {
    /// A value.
    pub const fn new(value: T) -> Self {
        Self {
            value,
            undo: Undo {
                mark: None,
                steps: VecDeque::new(),
            },
        }
    }
}

impl<T: Clone> Cell<T> {
    /// The value.
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// Replaces the value. A batch remembers only the first of its replacements.
    pub fn set(&mut self, value: T) {
        let old = std::mem::replace(&mut self.value, value);
        let newest = self.undo.steps.back().map(|(mark, _)| *mark);
        if newest.is_none() || newest != self.undo.mark {
            self.undo.note(old);
        }
    }
}

impl<T: Clone> Journaled for Cell<T> {
    fn begin(&mut self, mark: Option<Mark>) {
        self.undo.mark = mark;
    }

    fn keep(&mut self, mark: Mark) {
        self.undo.keep(mark);
    }

    fn undo(&mut self, mark: Mark) {
        while let Some(old) = self.undo.next(mark) {
            self.value = old;
        }
    }
}
