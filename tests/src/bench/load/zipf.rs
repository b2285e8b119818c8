//! Which pool is asked for, where some are much more popular than others.

#![expect(
    clippy::float_arithmetic,
    reason = "a distribution for a load; nothing is decided on it"
)]

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// The same order in every run.
const SEED: u64 = 4;

/// `length` numbers below `count`, the n-th as often as 1 / n (Zipf's law with exponent 1).
#[must_use]
pub fn order(count: u32, length: usize) -> Vec<usize> {
    let mut sum = 0.0;
    let mut up_to = Vec::new();
    for n in 1..=count {
        sum += 1.0 / f64::from(n);
        up_to.push(sum);
    }
    let mut random = StdRng::seed_from_u64(SEED);
    (0..length)
        .map(|_| {
            let point = random.random::<f64>() * sum;
            up_to.partition_point(|end| *end < point)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn the_first_comes_as_often_as_the_law_says() {
        let order = order(1_000, 100_000);
        let count = |n| order.iter().filter(|drawn| **drawn == n).count();
        assert!(order.iter().all(|drawn| *drawn < 1_000));
        // The sum of 1 / n up to 1,000 is 7.485.
        assert!((13_000..13_800).contains(&count(0)), "{}", count(0));
        assert!((6_400..7_000).contains(&count(1)), "{}", count(1));
        assert!(count(999) < 40);
    }
}
