//! A hash map that grows in small steps. One that doubles puts all of its entries elsewhere at once: with 230,000 commands
//! of a day remembered, that stopped a pool for 0.2 seconds in the middle of its sale.
//!
//! Linear hashing: the entries are spread over parts, and as soon as there are too many for these, one part after the
//! other is split in two. No insertion moves more than the entries of one part.
//! Source: W. Litwin, "Linear Hashing: A New Tool for File and Table Addressing", VLDB 1980.

use std::{
    borrow::Borrow,
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, Hash},
};

use foldhash::fast::RandomState;

/// A hash map in which no insertion moves more than one part of the entries. Its hashes are fast, and seeded anew by each
/// process, so that no caller can prepare keys that collide.
#[derive(Clone)]
pub struct GradualMap<K, V> {
    hasher: RandomState,
    /// Entries by bits of their hash. The first ones were split in this round, as many as were added at the end.
    parts: Vec<HashMap<K, V, RandomState>>,
    len: usize,
}

/// On average a part has no more entries; one that is the next to be split has about twice as many. Both fit tables of
/// the standard library, 512 and 1,024 places of which seven eighths are used, with room for chance.
const PART_ENTRIES: usize = 400;

impl<K, V> Default for GradualMap<K, V> {
    fn default() -> Self {
        Self {
            hasher: RandomState::default(),
            parts: Vec::new(),
            len: 0,
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for GradualMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.parts.iter().flatten()).finish()
    }
}

impl<K: Eq + Hash, V> GradualMap<K, V> {
    /// How many entries there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a key.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.parts.get(self.part_of(key))?.get(key)
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let part = self.part_of(key);
        self.parts.get_mut(part)?.get_mut(key)
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.parts.iter().flatten()
    }

    /// Adds or replaces an entry; returns the value that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        if self.parts.is_empty() {
            self.parts.push(HashMap::with_hasher(self.hasher.clone()));
        }
        let part = self.part_of(&key);
        let old = self.parts.get_mut(part)?.insert(key, value);
        if old.is_none() {
            self.len += 1;
            self.grow(self.len);
        }
        old
    }

    /// Removes an entry; returns its value. The room stays.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let part = self.part_of(key);
        let old = self.parts.get_mut(part)?.remove(key);
        self.len -= usize::from(old.is_some());
        old
    }

    /// Makes room for so many further entries, at once.
    pub fn reserve(&mut self, additional: usize) {
        self.grow(self.len.saturating_add(additional));
    }

    fn grow(&mut self, entries: usize) {
        while entries > self.parts.len() * PART_ENTRIES {
            self.split();
        }
    }

    /// Adds a part: half of the one that is next.
    fn split(&mut self) {
        let added = self.parts.len();
        let round = (added + 1).next_power_of_two();
        let mut half = HashMap::with_hasher(self.hasher.clone());
        if let Some(part) = self.parts.get_mut(added - round / 2) {
            half.reserve(PART_ENTRIES);
            let hasher = &self.hasher;
            half.extend(part.extract_if(|key, _| spread(hasher, key) & (round - 1) == added));
            // What is left needs half the room.
            part.shrink_to(PART_ENTRIES);
        }
        self.parts.push(half);
    }

    fn part_of<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        let parts = self.parts.len();
        let round = parts.next_power_of_two();
        let part = spread(&self.hasher, key) & (round - 1);
        // Not there yet: it is still with the part that it will be split from.
        if part < parts { part } else { part - round / 2 }
    }
}

/// The middle of the hash: a part's table looks at both ends of it.
fn spread<Q: Hash + ?Sized>(hasher: &RandomState, key: &Q) -> usize {
    let middle = (hasher.hash_one(key) >> 24) & 0xffff_ffff;
    usize::try_from(middle).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u16, u32),
        Change(u16, u32),
        Remove(u16),
        Reserve(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let key = || 0..6_000_u16;
        let step = prop_oneof![
            8 => (key(), any::<u32>()).prop_map(|(key, value)| Step::Insert(key, value)),
            2 => (key(), any::<u32>()).prop_map(|(key, value)| Step::Change(key, value)),
            2 => key().prop_map(Step::Remove),
            1 => (0..4_u8).prop_map(Step::Reserve),
        ];
        prop::collection::vec(step, 0..8_000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn it_holds_what_a_map_holds_that_doubles(steps in steps()) {
            let (mut gradual, mut doubling) = (GradualMap::default(), HashMap::new());
            for step in steps {
                match step {
                    Step::Insert(key, value) => {
                        prop_assert_eq!(gradual.insert(key, value), doubling.insert(key, value));
                    }
                    Step::Change(key, value) => {
                        let changed = gradual.get_mut(&key).map(|of| *of = value);
                        prop_assert_eq!(changed, doubling.get_mut(&key).map(|of| *of = value));
                    }
                    Step::Remove(key) => {
                        prop_assert_eq!(gradual.remove(&key), doubling.remove(&key));
                    }
                    Step::Reserve(thousands) => gradual.reserve(usize::from(thousands) * 1_000),
                }
                prop_assert_eq!(gradual.len(), doubling.len());
            }
            for key in 0..6_000 {
                prop_assert_eq!(gradual.get(&key), doubling.get(&key));
            }
            let all: HashMap<_, _> = gradual.iter().map(|(key, value)| (*key, *value)).collect();
            prop_assert_eq!(all, doubling);
        }
    }

    /// Entries that find a place without another table.
    fn room<K, V>(map: &GradualMap<K, V>) -> usize {
        map.parts.iter().map(HashMap::capacity).sum()
    }

    /// An insertion splits one part at most, and a part's own table moves when that part outgrows it.
    #[test]
    fn no_insertion_moves_more_than_a_part() {
        let mut map = GradualMap::default();
        let mut parts = 0;
        for key in 0..300_000_u32 {
            map.insert(key, ());
            assert!(map.parts.len() <= parts + 1, "{key}");
            if map.parts.len() > parts {
                parts = map.parts.len();
                let largest = map.parts.iter().map(HashMap::len).max();
                assert!(
                    largest <= Some(2 * PART_ENTRIES + PART_ENTRIES / 4),
                    "{key}: {largest:?}"
                );
            }
        }
        assert_eq!(parts, 300_000 / PART_ENTRIES);
        let room = room(&map);
        assert!(
            room < 480_000,
            "parts that were split give room back: {room}"
        );
    }

    #[test]
    fn what_was_reserved_is_not_made_again() {
        let mut map = GradualMap::default();
        map.reserve(100_000);
        let (parts, before) = (map.parts.len(), room(&map));
        assert!(before >= 100_000);
        for key in 0..100_000 {
            map.insert(key, ());
        }
        assert_eq!(map.parts.len(), parts);
        assert!(room(&map) < 2 * before, "{} after {before}", room(&map));
    }
}
