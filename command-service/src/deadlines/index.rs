//! Which pools hold tickets until when, folded from the log.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;
use onsale_shared::{
    event::{PoolEvent, ReleaseCause, StopMode},
    id::PoolId,
    log::Position,
    time::Timestamp,
};

/// A tenth of a second, numbered since 1970: claims whose deadline lies in the tenth before it end with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub i64);

impl Slot {
    const MICROS: i64 = 100_000;
    /// Voided by a stop: due at once.
    pub const VOIDED: Self = Self(0);

    /// The slot at whose time a deadline has surely passed.
    #[must_use]
    pub const fn of(deadline: Timestamp) -> Self {
        let micros = deadline.as_micros();
        let floor = micros.div_euclid(Self::MICROS);
        Self(if micros.rem_euclid(Self::MICROS) == 0 {
            floor
        } else {
            floor + 1
        })
    }

    /// The time of the slot.
    #[must_use]
    pub const fn time(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(Self::MICROS))
    }
}

/// Where a number of held tickets belongs.
pub type Key = (PoolId, Slot);

/// How many tickets each pool holds until when.
#[derive(Clone, Debug, Default)]
pub struct Index {
    held: HashMap<PoolId, BTreeMap<Slot, u32>, RandomState>,
    /// Each pool that holds tickets, by its first slot: to look who is due costs as much as there are, not as many pools
    /// as sell.
    next: BTreeSet<(Slot, PoolId)>,
    /// What changed, and at which position last; what the store has already is dropped.
    changed: HashMap<Key, Position, RandomState>,
}

impl Index {
    /// Sets what the store knows.
    pub fn restore(&mut self, (pool, slot): Key, held: u32) {
        self.set(&pool, slot, |_| held);
    }

    /// Folds one event. An event that contradicts its pool counts as if nothing were held: the pool is not sold on.
    pub fn fold(&mut self, pool: &PoolId, event: &PoolEvent, position: Position) {
        match event {
            PoolEvent::TicketClaimed(claimed) => {
                self.change(pool, Slot::of(claimed.expire_time), position, |held| {
                    held.saturating_add(1)
                });
            }
            PoolEvent::TicketBought(bought) => {
                self.take(pool, Slot::of(bought.expire_time), position);
            }
            PoolEvent::TicketReleased(released) => {
                let own = Slot::of(released.expire_time);
                let slot = match released.cause {
                    ReleaseCause::Stopped | ReleaseCause::Cancelled => Slot::VOIDED,
                    ReleaseCause::Customer | ReleaseCause::Operator => own,
                    // All slots were voided, also those that were past. What was claimed since has a later one.
                    ReleaseCause::Expired if self.held(&(pool.clone(), own)) == 0 => Slot::VOIDED,
                    ReleaseCause::Expired => own,
                };
                self.take(pool, slot, position);
            }
            PoolEvent::SalesStopped(stop) => match stop.mode {
                StopMode::VoidClaims => self.void(pool, position),
                StopMode::FinishClaims => {}
            },
            PoolEvent::PoolCancelled(_) => self.void(pool, position),
            PoolEvent::ClaimExtended(extended) => {
                let held = extended.held;
                self.change(
                    pool,
                    Slot::of(extended.old_expire_time),
                    position,
                    |there| there.saturating_sub(held),
                );
                self.change(pool, Slot::of(extended.expire_time), position, |there| {
                    there.saturating_add(held)
                });
            }
            PoolEvent::PoolCreated(_)
            | PoolEvent::TicketRefunded(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::CapacityChanged(_)
            | PoolEvent::PricingChanged(_)
            | PoolEvent::PoolRescheduled(_)
            | PoolEvent::LimitsChanged(_)
            | PoolEvent::CommandRefused(_) => {}
        }
    }

    /// The pools that hold tickets until `now` or earlier, the longest due first.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = &PoolId> {
        self.next
            .iter()
            .take_while(move |(slot, _)| slot.time() <= now)
            .map(|(_, pool)| pool)
    }

    /// How many tickets are held under a key.
    #[must_use]
    pub fn held(&self, (pool, slot): &Key) -> u32 {
        self.held
            .get(pool)
            .and_then(|slots| slots.get(slot))
            .copied()
            .unwrap_or(0)
    }

    /// What changed since the store's position, with what is held there now.
    pub fn changes(&self) -> impl Iterator<Item = (&Key, u32)> {
        self.changed.keys().map(|key| (key, self.held(key)))
    }

    /// The store has everything up to `position`, from this instance or another.
    pub fn stored(&mut self, position: Position) {
        self.changed.retain(|_, changed_at| *changed_at > position);
    }

    fn take(&mut self, pool: &PoolId, slot: Slot, position: Position) {
        self.change(pool, slot, position, |held| held.saturating_sub(1));
    }

    fn change(
        &mut self,
        pool: &PoolId,
        slot: Slot,
        position: Position,
        change: impl FnOnce(u32) -> u32,
    ) {
        self.set(pool, slot, change);
        self.changed.insert((pool.clone(), slot), position);
    }

    fn set(&mut self, pool: &PoolId, slot: Slot, change: impl FnOnce(u32) -> u32) {
        let slots = match self.held.get_mut(pool) {
            Some(slots) => slots,
            None => self.held.entry(pool.clone()).or_default(),
        };
        let first_before = slots.keys().next().copied();
        let held = change(slots.get(&slot).copied().unwrap_or(0));
        if held > 0 {
            slots.insert(slot, held);
        } else {
            slots.remove(&slot);
        }
        let first = slots.keys().next().copied();
        if first.is_none() {
            self.held.remove(pool);
        }
        if first != first_before {
            if let Some(slot) = first_before {
                self.next.remove(&(slot, pool.clone()));
            }
            self.next.extend(first.map(|slot| (slot, pool.clone())));
        }
    }

    /// All that the pool holds is due now.
    fn void(&mut self, pool: &PoolId, position: Position) {
        let slots = self.held.get(pool).cloned().unwrap_or_default();
        for (slot, count) in slots.into_iter().filter(|(slot, _)| *slot != Slot::VOIDED) {
            self.change(pool, slot, position, |_| 0);
            self.change(pool, Slot::VOIDED, position, |held| {
                held.saturating_add(count)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::domain::{Pool, commands::testing::*, properties::each_history};

    fn pool() -> PoolId {
        PoolId::parse("a-pool").unwrap()
    }

    fn folded(events: &[PoolEvent]) -> Index {
        let mut index = Index::default();
        for (event, position) in events.iter().zip(1..) {
            index.fold(&pool(), event, Position::new(position).unwrap());
        }
        index
    }

    fn is_due(index: &Index, minutes: i64) -> bool {
        index.due(minute(minutes)).any(|due| *due == pool())
    }

    #[test]
    fn a_pool_is_due_at_its_first_deadline() {
        let index = folded(&[created(), claimed(1, 1), claimed_until(2, 2, minute(20))]);
        assert!(!is_due(&index, CLAIM_MINUTES - 1));
        assert!(is_due(&index, CLAIM_MINUTES));
    }

    #[test]
    fn what_is_bought_or_released_is_not_due() {
        let index = folded(&[
            created(),
            claimed(1, 1),
            claimed(1, 2),
            claimed(1, 3),
            bought(1, 1),
            released(1, 2, ReleaseCause::Customer),
            released(1, 3, ReleaseCause::Expired),
        ]);
        assert!(!is_due(&index, 1_000));
        assert!(index.changes().all(|(_, held)| held == 0));
    }

    #[test]
    fn voided_claims_are_due_at_once_and_claims_after_them_are_not() {
        let stop = stopped(StopMode::VoidClaims);
        let mut index = folded(&[created(), claimed(1, 1), stop, resumed(), claimed(2, 2)]);
        assert!(is_due(&index, 0));
        index.fold(
            &pool(),
            &released(1, 1, ReleaseCause::Stopped),
            Position::new(6).unwrap(),
        );
        assert!(!is_due(&index, 0));
        assert!(is_due(&index, CLAIM_MINUTES));
    }

    #[test]
    fn what_had_expired_when_all_was_voided_is_due_until_it_is_released() {
        let mut index = folded(&[created(), claimed(1, 1), stopped(StopMode::VoidClaims)]);
        assert!(is_due(&index, 0));
        let release = released(1, 1, ReleaseCause::Expired);
        index.fold(&pool(), &release, Position::new(4).unwrap());
        assert!(!is_due(&index, 1_000));
    }

    /// Whatever happens, as many tickets are held until some time as the pool holds.
    #[test]
    fn as_many_are_counted_as_are_held() {
        each_history(300, |history| {
            let (mut index, mut state) = (Index::default(), Pool::default());
            for ((fact, at, _request), position) in history.iter().zip(1..) {
                index.fold(&pool(), &fact.event, Position::new(position).unwrap());
                fold_one(&mut state, &fact.event, position, *at);
                let counted: u32 = index.changes().map(|(_, held)| held).sum();
                assert_eq!(
                    counted,
                    state.stock.counts().held,
                    "{fact:?} in {history:#?}"
                );
            }
        });
    }

    proptest! {
        #[test]
        fn of_many_pools_those_whose_first_deadline_has_passed_are_due(
            changes in vec((0..9_usize, 0..20_i64, 0..3_u32), 1..200),
        ) {
            let pools = ["a-1", "a-2", "a-3", "b-1", "b-2", "b-3", "c-1", "c-2", "c-3"];
            let pools = pools.map(|name| PoolId::parse(name).unwrap());
            let mut index = Index::default();
            for ((pool, at, held), position) in changes.into_iter().zip(1..) {
                let slot = Slot::of(minute(at));
                if position % 5 == 0 {
                    index.restore((pools[pool].clone(), slot), held);
                } else {
                    index.change(&pools[pool], slot, Position::new(position).unwrap(), |_| held);
                }
                let due: Vec<_> = index.due(minute(7)).collect();
                for pool in &pools {
                    let holds = (0..=7).any(|at| index.held(&(pool.clone(), Slot::of(minute(at)))) > 0);
                    let times = due.iter().filter(|due| **due == pool).count();
                    prop_assert_eq!(times, usize::from(holds));
                }
            }
        }
    }

    #[test]
    fn only_what_changed_after_the_stored_position_is_written() {
        let mut index = folded(&[created(), claimed(1, 1), claimed_until(2, 2, minute(20))]);
        index.stored(Position::new(2).unwrap());
        let slots: Vec<_> = index
            .changes()
            .map(|((_, slot), held)| (*slot, held))
            .collect();
        assert_eq!(slots, [(Slot::of(minute(20)), 1)]);
    }

    #[test]
    fn a_slot_is_never_before_its_deadline() {
        for micros in [0, 1, 99_999, 100_000, 100_001] {
            let deadline = Timestamp::from_micros(micros);
            assert!(Slot::of(deadline).time() >= deadline);
            assert!(
                Slot::of(deadline).time().since(deadline) < std::time::Duration::from_millis(100)
            );
        }
    }
}
