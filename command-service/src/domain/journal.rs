//! Collections that can take back what was done since a mark, at a cost in proportion to what was done.
//!
//! A pool decides commands on events that are still on their way into the log. Each batch of events has a [`Mark`]:
//! when the batch is in the log its changes are *kept*, when it is not they are *undone*, and later ones with them.

use std::{
    borrow::Borrow,
    collections::{BTreeSet, VecDeque},
    hash::Hash,
};

use onsale_shared::gradual_map::GradualMap;

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

/// One value.
#[derive(Clone, Debug, Default)]
pub struct Cell<T> {
    value: T,
    undo: Undo<T>,
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

/// A hash map that grows in small steps.
#[derive(Clone, Debug)]
pub struct Map<K, V> {
    entries: GradualMap<K, V>,
    undo: Undo<(K, Option<V>)>,
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

/// An ordered set.
#[derive(Clone, Debug)]
pub struct Set<T> {
    items: BTreeSet<T>,
    undo: Undo<Change<T>>,
}

#[derive(Clone, Debug)]
enum Change<T> {
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

/// A queue.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    items: VecDeque<T>,
    undo: Undo<Move<T>>,
}

#[derive(Clone, Debug)]
enum Move<T> {
    Pushed,
    Popped(T),
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            items: VecDeque::new(),
            undo: Undo::default(),
        }
    }
}

impl<T: Copy> Queue<T> {
    /// The items, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    /// Makes room for so many further items.
    pub fn reserve(&mut self, additional: usize) {
        self.items.reserve(additional);
    }

    /// How many items there are.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// The item at a place, from 0.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.items.get(index)
    }

    /// How many items from the oldest on satisfy a condition that no later item satisfies again.
    pub fn partition_point(&self, condition: impl FnMut(&T) -> bool) -> usize {
        self.items.partition_point(condition)
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        self.items.push_back(item);
        self.undo.note(Move::Pushed);
    }

    /// Takes the oldest item out if `condition` holds for it.
    pub fn pop_if(&mut self, condition: impl FnOnce(&T) -> bool) -> Option<T> {
        let item = self.items.pop_front_if(|item| condition(item))?;
        self.undo.note(Move::Popped(item));
        Some(item)
    }
}

impl<T: Copy> Journaled for Queue<T> {
    fn begin(&mut self, mark: Option<Mark>) {
        self.undo.mark = mark;
    }

    fn keep(&mut self, mark: Mark) {
        self.undo.keep(mark);
    }

    fn undo(&mut self, mark: Mark) {
        while let Some(step) = self.undo.next(mark) {
            match step {
                Move::Pushed => drop(self.items.pop_back()),
                Move::Popped(item) => self.items.push_front(item),
            }
        }
    }
}

#[cfg(test)]
mod tests;
