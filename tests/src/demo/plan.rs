//! What a customer has in mind, drawn by lot from the demo's seed.

use std::{ops::Range, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// Over how long customers come; ever more of them towards the end.
const ARRIVALS_MS: u64 = 11_000;
/// One order in so many loses its connection.
const ORDERS_LOST_ONE_IN: u32 = 12;
/// So does one payment in so many: who has tickets to lose shall often be in doubt.
const PAYMENTS_LOST_ONE_IN: u32 = 3;

/// What he does with the tickets that he gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Claims and buys at once.
    Purchase,
    /// Claims, thinks, and buys all.
    Buy,
    /// Claims, thinks, buys some and gives the others back.
    BuySome,
    /// Claims, thinks, and gives all back.
    GiveBack,
    /// Claims and goes away.
    Forget,
    /// Claims, and wants to buy when it is too late.
    BuyTooLate,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) arrival: Duration,
    pub(super) quantity: u32,
    pub(super) manner: Manner,
    lot: StdRng,
}

impl Plan {
    /// The plan of one of the customers of a seed.
    pub(super) fn draw(seed: u64, customer: u32) -> Self {
        let mut lot = StdRng::seed_from_u64(seed ^ (u64::from(customer) << 32));
        // The later of two: word gets around.
        let arrival = lot
            .random_range(0..ARRIVALS_MS)
            .max(lot.random_range(0..ARRIVALS_MS));
        let quantity = match lot.random_range(0..100) {
            0..40 => 1,
            40..80 => 2,
            80..88 => 3,
            88..98 => 4,
            // More than anybody may have.
            _ => 6,
        };
        let manner = match lot.random_range(0..100) {
            0..15 => Manner::Purchase,
            15..52 => Manner::Buy,
            52..62 => Manner::BuySome,
            62..68 => Manner::GiveBack,
            68..92 => Manner::Forget,
            _ => Manner::BuyTooLate,
        };
        Self {
            arrival: Duration::from_millis(arrival),
            quantity,
            manner,
            lot,
        }
    }

    /// Who has waited for tickets does not let them go so easily.
    pub(super) fn mean_it(&mut self) {
        if matches!(
            self.manner,
            Manner::Forget | Manner::BuyTooLate | Manner::GiveBack
        ) && self.lot.random_ratio(9, 10)
        {
            self.manner = Manner::Buy;
        }
    }

    /// A time to think.
    pub(super) fn pause(&mut self, milliseconds: Range<u64>) -> Duration {
        Duration::from_millis(self.lot.random_range(milliseconds))
    }

    /// Whether, and when, the connection is lost while the next order is under way.
    pub(super) fn order_lost(&mut self) -> Option<Duration> {
        self.lost(ORDERS_LOST_ONE_IN)
    }

    /// The same for the next payment or return.
    pub(super) fn payment_lost(&mut self) -> Option<Duration> {
        self.lost(PAYMENTS_LOST_ONE_IN)
    }

    fn lost(&mut self, one_in: u32) -> Option<Duration> {
        let lost = self.lot.random_ratio(1, one_in);
        lost.then(|| Duration::from_micros(self.lot.random_range(100..4_000)))
    }

    /// Some of so many, but not all; of one, it.
    pub(super) fn some_of(&mut self, count: usize) -> usize {
        if count < 2 {
            count
        } else {
            self.lot.random_range(1..count)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_customers() {
        let plans = |seed| {
            (0..100)
                .map(|customer| Plan::draw(seed, customer))
                .map(|plan| (plan.arrival, plan.manner))
                .collect::<Vec<_>>()
        };
        assert_eq!(plans(7), plans(7));
        assert_ne!(plans(7), plans(8));
    }
}
