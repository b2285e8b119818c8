//! An ordered set.

use std::collections::BTreeSet;

use super::{Journaled, Mark, Undo};

/// An ordered set.
#[derive(Clone, Debug)]
pub struct Set<T> {
    items: BTreeSet<T>,
    /// The least of them, at hand: it is asked for far more often than it changes.
    first: Option<T>,
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
            first: None,
            undo: Undo::default(),
        }
    }
}

impl<T: Ord + Clone> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let items: BTreeSet<T> = items.into_iter().collect();
        Self {
            first: items.first().cloned(),
            items,
            undo: Undo::default(),
        }
    }
}

impl<T: Ord + Clone> Set<T> {
    /// The least item.
    pub const fn first(&self) -> Option<&T> {
        self.first.as_ref()
    }

    /// The items, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    /// Adds an item.
    pub fn add(&mut self, item: T) {
        let added = self.undo.is_on().then(|| item.clone());
        if self.insert(item)
            && let Some(added) = added
        {
            self.undo.note(Change::Added(added));
        }
    }

    /// Removes an item.
    pub fn remove(&mut self, item: &T) {
        if let Some(removed) = self.take(item) {
            self.undo.note(Change::Removed(removed));
        }
    }

    fn insert(&mut self, item: T) -> bool {
        if self.first.as_ref().is_none_or(|first| item < *first) {
            self.first = Some(item.clone());
        }
        self.items.insert(item)
    }

    fn take(&mut self, item: &T) -> Option<T> {
        let taken = self.items.take(item);
        if taken.is_some() && taken == self.first {
            self.first = self.items.first().cloned();
        }
        taken
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
                Change::Added(item) => drop(self.take(&item)),
                Change::Removed(item) => drop(self.insert(item)),
            }
        }
    }
}
