use super::*;
use proptest::prelude::*;

/// What can be done to all four collections at once.
#[derive(Clone, Debug)]
enum Step {
    Change { key: u8, value: u16 },
    Remove { key: u8 },
    NewBatch,
    KeepOldest,
    UndoFrom { batches_back: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..8_u8, any::<u16>()).prop_map(|(key, value)| Step::Change { key, value }),
        3 => (0..8_u8).prop_map(|key| Step::Remove { key }),
        3 => Just(Step::NewBatch),
        1 => Just(Step::KeepOldest),
        1 => (0..3_u8).prop_map(|batches_back| Step::UndoFrom { batches_back }),
    ];
    prop::collection::vec(step, 0..200)
}

#[derive(Clone, Default)]
struct All {
    cell: Cell<u16>,
    map: Map<u8, u16>,
    set: Set<u8>,
    queue: Queue<u16>,
}

type Contents = (u16, Vec<(u8, u16)>, Vec<u8>, Vec<u16>);

impl All {
    fn each(&mut self, visit: impl FnMut(&mut dyn Journaled)) {
        let parts: [&mut dyn Journaled; 4] = [
            &mut self.cell,
            &mut self.map,
            &mut self.set,
            &mut self.queue,
        ];
        parts.into_iter().for_each(visit);
    }

    fn contents(&self) -> Contents {
        let mut map: Vec<_> = self.map.iter().map(|(k, v)| (*k, *v)).collect();
        map.sort_unstable();
        (
            *self.cell.get(),
            map,
            self.set.iter().copied().collect(),
            self.queue.iter().copied().collect(),
        )
    }

    fn change(&mut self, key: u8, value: u16) {
        self.cell.set(value);
        if self
            .map
            .update(&key, |old| *old = old.wrapping_add(value))
            .is_none()
        {
            self.map.set(key, value);
        }
        self.set.add(key);
        self.queue.push(value);
    }

    fn remove(&mut self, key: u8) {
        self.map.remove(&key);
        self.set.remove(&key);
        self.queue.pop_if(|item| item % 2 == 0);
    }
}

proptest! {
    /// The naive model: a copy of everything at the start of each batch.
    #[test]
    fn undoing_is_as_if_the_batches_had_never_been(steps in steps()) {
        let mut all = All::default();
        let mut next = 1;
        let mut copies: VecDeque<(Mark, Contents)> = VecDeque::new();
        for step in steps {
            match step {
                Step::Change { key, value } => all.change(key, value),
                Step::Remove { key } => all.remove(key),
                Step::NewBatch => {
                    let mark = Mark(next);
                    next += 1;
                    copies.push_back((mark, all.contents()));
                    all.each(|part| part.begin(Some(mark)));
                }
                Step::KeepOldest => {
                    if let Some((mark, _)) = copies.pop_front() {
                        all.each(|part| part.keep(mark));
                        if copies.is_empty() {
                            all.each(|part| part.begin(None));
                        }
                    }
                }
                Step::UndoFrom { batches_back } => {
                    let from = copies.len().saturating_sub(usize::from(batches_back) + 1);
                    let undone = copies.split_off(from);
                    if let Some((mark, before)) = undone.front() {
                        all.each(|part| part.undo(*mark));
                        prop_assert_eq!(&all.contents(), before);
                        let current = copies.back().map(|(mark, _)| *mark);
                        all.each(|part| part.begin(current));
                    }
                }
            }
            prop_assert_eq!(all.set.first(), all.set.iter().next());
        }
    }
}

#[test]
fn what_is_kept_is_not_remembered_any_longer() {
    let mut all = All::default();
    for batch in 1..=3 {
        all.each(|part| part.begin(Some(Mark(batch))));
        all.change(1, 1);
        all.set.add(u8::try_from(batch).unwrap());
    }
    all.each(|part| part.keep(Mark(3)));
    assert!(all.cell.undo.steps.is_empty());
    assert!(all.map.undo.steps.is_empty());
    assert!(all.set.undo.steps.is_empty());
    assert!(all.queue.undo.steps.is_empty());
}

#[test]
fn an_entry_that_changes_often_in_a_batch_is_remembered_once() {
    let mut map: Map<u8, u16> = Map::default();
    map.begin(Some(Mark(1)));
    for value in 0..9 {
        map.set(7, value);
    }
    map.update(&7, |value| *value += 1);
    map.remove(&7);
    assert_eq!(map.undo.steps.len(), 1);
    map.begin(Some(Mark(2)));
    map.set(7, 1);
    assert_eq!(map.undo.steps.len(), 2, "each batch by itself");
}
