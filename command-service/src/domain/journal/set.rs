//! An ordered set.

use std::collections::BTreeSet;

use super::{Journaled, Mark, Undo};

/// An ordered set.
#[derive(Clone, Debug)]
pub struct Set<T> {
    items: BTreeSet<T>,
    pub(super) undo: Undo<Change<T>>,
}

#[derive(Clone, Debug)]
pub(super) enum Change<T> {
    Added(T),
    Removed(T),
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self {
            items: BTreeSet::new(),
            undo: Undo::default(),
        }
    }
}

impl<T: Ord> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self {
            items: items.into_iter().collect(),
            undo: Undo::default(),
        }
    }
}

impl<T: Ord + Clone> Set<T> {
    /// The items, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    /// The items from one on, in order.
    pub fn iter_from(&self, first: &T) -> impl Iterator<Item = &T> {
        self.items.range(first..)
    }

    /// Adds an item.
    pub fn add(&mut self, item: T) {
        let added = self.undo.is_on().then(|| item.clone());
        if self.items.insert(item)
            && let Some(added) = added
        {
            self.undo.note(Change::Added(added));
        }
    }

    /// Removes an item.
    pub fn remove(&mut self, item: &T) {
        if let Some(removed) = self.items.take(item) {
            self.undo.note(Change::Removed(removed));
        }
    }
}

impl<T: Ord + Clone> Journaled for Set<T> {
    fn begin(&mut self, mark: Option<Mark>) {
        self.undo.mark = mark;
    }

    fn keep(&mut self, mark: Mark) {
        self.undo.keep(mark);
    }

    fn undo(&mut self, mark: Mark) {
        while let Some(change) = self.undo.next(mark) {
            match change {
                Change::Added(item) => self.items.remove(&item),
                Change::Removed(item) => self.items.insert(item),
            };
        }
    }
}
