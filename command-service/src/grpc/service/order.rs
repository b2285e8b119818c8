//! Commands of one stream for one pool are decided in the order in which they were sent, although pools serve lanes: a
//! command goes into its own lane, or into the last one in which a command of the stream for that pool still waits.

use std::collections::HashMap;

use onsale_shared::id::PoolId;

use crate::domain::commands::Class;

/// How many commands of a stream wait for their answer, by pool and lane.
#[derive(Debug, Default)]
pub(super) struct Order {
    waiting: HashMap<PoolId, [usize; Class::ALL.len()]>,
}

impl Order {
    /// Adds a command, and returns its lane.
    pub(super) fn enter(&mut self, pool: &PoolId, class: Class) -> Class {
        let waiting = self.waiting.entry(pool.clone()).or_default();
        let lanes = Class::ALL.into_iter().rev();
        let last = lanes.take_while(|lane| *lane > class);
        let lane = last
            .filter(|lane| waiting[*lane as usize] > 0)
            .max()
            .unwrap_or(class);
        waiting[lane as usize] += 1;
        lane
    }

    /// A command was answered.
    pub(super) fn leave(&mut self, pool: &PoolId, lane: Class) {
        if let Some(waiting) = self.waiting.get_mut(pool) {
            waiting[lane as usize] = waiting[lane as usize].saturating_sub(1);
            if waiting.iter().all(|number| *number == 0) {
                self.waiting.remove(pool);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_never_overtakes_an_earlier_one_of_its_stream_for_its_pool() {
        let [pool, other] = ["a-pool", "another"].map(|id| PoolId::parse(id).unwrap());
        let mut order = Order::default();
        assert_eq!(order.enter(&pool, Class::Finish), Class::Finish);
        assert_eq!(order.enter(&pool, Class::Claim), Class::Claim);
        assert_eq!(
            order.enter(&pool, Class::Promoter),
            Class::Claim,
            "behind it"
        );
        assert_eq!(order.enter(&other, Class::Promoter), Class::Promoter);
        order.leave(&pool, Class::Claim);
        assert_eq!(
            order.enter(&pool, Class::Finish),
            Class::Claim,
            "one is left"
        );
        order.leave(&pool, Class::Claim);
        order.leave(&pool, Class::Claim);
        assert_eq!(order.enter(&pool, Class::Promoter), Class::Finish);
        order.leave(&pool, Class::Finish);
        order.leave(&pool, Class::Finish);
        assert_eq!(order.enter(&pool, Class::Promoter), Class::Promoter);
        order.leave(&pool, Class::Promoter);
        order.leave(&other, Class::Promoter);
        assert!(order.waiting.is_empty(), "nothing is kept of a pool");
    }
}
