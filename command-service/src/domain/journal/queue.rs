//! A queue.

use std::collections::VecDeque;

use super::{Journaled, Mark, Undo};

/// A queue that grows in small steps: in chunks, since one piece that doubles is copied whole.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    /// None is empty; those between the first and the last are full.
    chunks: VecDeque<VecDeque<T>>,
    pub(super) undo: Undo<Move<T>>,
}

/// A chunk is full when it has so many items.
const CHUNK_ITEMS: usize = 4_096;

#[derive(Clone, Debug)]
pub(super) enum Move<T> {
    Pushed,
    Popped(T),
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            chunks: VecDeque::new(),
            undo: Undo::default(),
        }
    }
}

impl<T: Copy> Queue<T> {
    /// The items, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    /// How many items there are.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        match self.chunks.len() {
            0 => 0,
            chunks => self.items_before(chunks - 1) + self.chunks[chunks - 1].len(),
        }
    }

    /// Of the chunks before this one, which is there.
    fn items_before(&self, chunk: usize) -> usize {
        match chunk {
            0 => 0,
            _ => self.chunks[0].len() + (chunk - 1) * CHUNK_ITEMS,
        }
    }

    /// The item at a place, from 0.
    pub fn get(&self, index: usize) -> Option<&T> {
        let first = self.chunks.front()?;
        match index.checked_sub(first.len()) {
            None => first.get(index),
            Some(after) => {
                let chunk = self.chunks.get(1 + after / CHUNK_ITEMS)?;
                chunk.get(after % CHUNK_ITEMS)
            }
        }
    }

    /// How many items from the oldest on satisfy a condition that no later item satisfies again.
    pub fn partition_point(&self, mut condition: impl FnMut(&T) -> bool) -> usize {
        let satisfies_whole = |chunk: &VecDeque<T>| chunk.back().is_some_and(&mut condition);
        let whole = self.chunks.partition_point(satisfies_whole);
        match self.chunks.get(whole) {
            Some(chunk) => self.items_before(whole) + chunk.partition_point(condition),
            // All do, and the last chunk is rarely full.
            None => self.len(),
        }
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        match self.chunks.back_mut() {
            Some(last) if last.len() < CHUNK_ITEMS => last.push_back(item),
            _none_or_full => self.chunks.push_back(VecDeque::from([item])),
        }
        self.undo.note(Move::Pushed);
    }

    /// Takes the oldest item out if `condition` holds for it.
    pub fn pop_if(&mut self, condition: impl FnOnce(&T) -> bool) -> Option<T> {
        let first = self.chunks.front_mut()?;
        let item = first.pop_front_if(|item| condition(item))?;
        if first.is_empty() {
            self.chunks.pop_front();
        }
        self.undo.note(Move::Popped(item));
        Some(item)
    }

    fn take_back_push(&mut self) {
        if let Some(last) = self.chunks.back_mut() {
            last.pop_back();
            if last.is_empty() {
                self.chunks.pop_back();
            }
        }
    }

    fn take_back_pop(&mut self, item: T) {
        match self.chunks.front_mut() {
            Some(first) if first.len() < CHUNK_ITEMS => first.push_front(item),
            _none_or_full => self.chunks.push_front(VecDeque::from([item])),
        }
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
                Move::Pushed => self.take_back_push(),
                Move::Popped(item) => self.take_back_pop(item),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(u16),
        Pop(u16),
        Undo,
        Keep,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (0..3_000_u16).prop_map(Step::Push),
            4 => (0..3_000_u16).prop_map(Step::Pop),
            2 => Just(Step::Undo),
            1 => Just(Step::Keep),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Many items at once, so that chunks come and go; each step is a batch.
        #[test]
        fn it_holds_what_a_queue_of_one_piece_holds(steps in steps()) {
            let (mut queue, mut piece) = (Queue::default(), VecDeque::new());
            let (mut pieces, mut next, mut mark) = (Vec::new(), 0_u32, Mark(0));
            for step in steps {
                mark = Mark(mark.0 + 1);
                match step {
                    Step::Push(_) | Step::Pop(_) => {
                        pieces.push((mark, piece.clone()));
                        queue.begin(Some(mark));
                    }
                    Step::Undo | Step::Keep => {}
                }
                match step {
                    Step::Push(items) => for _ in 0..items {
                        queue.push(next);
                        piece.push_back(next);
                        next += 1;
                    },
                    Step::Pop(items) => for _ in 0..items {
                        prop_assert_eq!(queue.pop_if(|_| true), piece.pop_front());
                    },
                    Step::Undo => if let Some((undone, before)) = pieces.pop() {
                        queue.undo(undone);
                        piece = before;
                    },
                    Step::Keep => {
                        queue.keep(mark);
                        pieces.clear();
                    }
                }
                prop_assert_eq!(queue.len(), piece.len());
                prop_assert_eq!(queue.chunks.iter().map(VecDeque::len).max() > Some(CHUNK_ITEMS), false);
            }
            prop_assert!(queue.iter().eq(&piece));
            for index in (0..piece.len()).step_by(97).chain([piece.len()]) {
                prop_assert_eq!(queue.get(index), piece.get(index));
                let limit = piece.get(index).copied().unwrap_or(u32::MAX);
                let is_below = |item: &u32| *item < limit;
                prop_assert_eq!(queue.partition_point(is_below), piece.partition_point(is_below));
            }
        }
    }
}
