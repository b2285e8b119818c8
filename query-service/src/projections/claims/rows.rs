//! Rows of one table while a batch is folded: which are new, and which of the known ones have changed.

use std::{collections::HashMap, hash::Hash};

/// Rows of one table by key, each as it was read and as the batch leaves it.
#[derive(Debug)]
pub(super) struct Rows<K, R>(HashMap<K, Slot<R>>);

#[derive(Debug)]
struct Slot<R> {
    row: R,
    is_new: bool,
    is_changed: bool,
}

impl<K: Eq + Hash, R> Rows<K, R> {
    /// Rows as the table has them.
    pub(super) fn stored(rows: impl IntoIterator<Item = R>, key: impl Fn(&R) -> K) -> Self {
        let slot = |row| {
            let slot = Slot {
                is_new: false,
                is_changed: false,
                row,
            };
            (key(&slot.row), slot)
        };
        Self(rows.into_iter().map(slot).collect())
    }

    pub(super) fn get(&self, key: &K) -> Option<&R> {
        self.0.get(key).map(|slot| &slot.row)
    }

    /// The row, to be changed.
    pub(super) fn change(&mut self, key: &K) -> Option<&mut R> {
        let slot = self.0.get_mut(key)?;
        slot.is_changed = true;
        Some(&mut slot.row)
    }

    /// A row that is not there yet.
    pub(super) fn add(&mut self, key: K, row: R) {
        let slot = Slot {
            is_new: true,
            is_changed: true,
            row,
        };
        self.0.insert(key, slot);
    }

    /// The new rows, and the known ones that have changed; each in the order of `order`, which is that of their pages
    /// on the disk too.
    pub(super) fn written<O: Ord>(&self, order: impl Fn(&R) -> O) -> (Vec<&R>, Vec<&R>) {
        let of = |is_new: bool| {
            let slots = self.0.values();
            let slots = slots.filter(|slot| slot.is_changed && slot.is_new == is_new);
            let mut rows: Vec<_> = slots.map(|slot| &slot.row).collect();
            rows.sort_unstable_by_key(|row| order(row));
            rows
        };
        (of(true), of(false))
    }
}
