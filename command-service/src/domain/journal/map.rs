//! A hash map.

use std::{borrow::Borrow, hash::Hash};

use onsale_shared::gradual_map::GradualMap;

use super::{Journaled, Mark, Undo};

/// A hash map that grows in small steps.
#[derive(Clone, Debug)]
pub struct Map<K, V> {
    entries: GradualMap<K, V>,
    pub(super) undo: Undo<(K, Option<V>)>,
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self {
            entries: GradualMap::default(),
            undo: Undo::default(),
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Map<K, V> {
    /// The value of a key.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key)
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter()
    }

    /// Makes room for so many further entries.
    pub fn reserve(&mut self, additional: usize) {
        self.entries.reserve(additional);
    }

    /// Adds or replaces an entry.
    pub fn set(&mut self, key: K, value: V) {
        if self.must_note(&key) {
            let old = self.entries.insert(key.clone(), value);
            self.undo.note((key, old));
        } else {
            self.entries.insert(key, value);
        }
    }

    /// Removes an entry.
    pub fn remove(&mut self, key: &K) {
        let must_note = self.must_note(key);
        if let Some(old) = self.entries.remove(key)
            && must_note
        {
            self.undo.note((key.clone(), Some(old)));
        }
    }

    /// Changes an entry in place; `None` if there is none.
    pub fn update<R>(&mut self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let must_note = self.must_note(key);
        let value = self.entries.get_mut(key)?;
        if must_note {
            self.undo.note((key.clone(), Some(value.clone())));
        }
        Some(change(value))
    }

    /// Whether a change of the entry is to be remembered; not again if the batch has just changed the same one.
    fn must_note(&self, key: &K) -> bool {
        let newest = self.undo.steps.back();
        let is_known =
            newest.is_some_and(|(mark, (of, _))| Some(*mark) == self.undo.mark && of == key);
        self.undo.is_on() && !is_known
    }

    /// Adds to an entry what is for good, whatever becomes of the batches under way.
    pub fn amend(&mut self, key: &K, change: impl FnOnce(&mut V)) {
        if let Some(value) = self.entries.get_mut(key) {
            change(value);
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Journaled for Map<K, V> {
    fn begin(&mut self, mark: Option<Mark>) {
        self.undo.mark = mark;
    }

    fn keep(&mut self, mark: Mark) {
        self.undo.keep(mark);
    }

    fn undo(&mut self, mark: Mark) {
        while let Some((key, old)) = self.undo.next(mark) {
            match old {
                Some(old) => self.entries.insert(key, old),
                None => self.entries.remove(&key),
            };
        }
    }
}
