//! The formula of the design once more, with naive fractions.

use crate::pricing::{Interpolation, testing::Scene};

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ratio(i128, i128);

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

fn ratio(n: i128, d: i128) -> Ratio {
    let shared = gcd(n, d) * d.signum();
    Ratio(n / shared, d / shared)
}

fn whole(n: impl Into<i128>) -> Ratio {
    Ratio(n.into(), 1)
}

impl Ratio {
    fn add(self, other: Self) -> Self {
        ratio(self.0 * other.1 + other.0 * self.1, self.1 * other.1)
    }

    fn sub(self, other: Self) -> Self {
        self.add(Self(-other.0, other.1))
    }

    fn mul(self, other: Self) -> Self {
        ratio(self.0 * other.0, self.1 * other.1)
    }

    fn div(self, other: Self) -> Self {
        self.mul(ratio(other.1, other.0))
    }

    fn at_least(self, other: Self) -> bool {
        self.sub(other).0 >= 0
    }

    fn half_even(self) -> i128 {
        let below = self.0.div_euclid(self.1);
        let over = self.sub(whole(below));
        let half = Self(1, 2);
        if over == half {
            if below % 2 == 0 { below } else { below + 1 }
        } else if over.at_least(half) {
            below + 1
        } else {
            below
        }
    }
}

/// The change at `x` of steps whose `x` rise.
fn change(steps: &[(Ratio, Ratio)], x: Ratio, interpolation: Interpolation) -> Ratio {
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return whole(0);
    };
    if !x.at_least(first.0) {
        return whole(0);
    }
    for pair in steps.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if x.at_least(from.0) && !x.at_least(to.0) {
            let t = match interpolation {
                Interpolation::Step => whole(0),
                Interpolation::Linear => x.sub(from.0).div(to.0.sub(from.0)),
            };
            return from.1.mul(whole(1).sub(t)).add(to.1.mul(t));
        }
    }
    last.1
}

fn demand(scene: &Scene) -> Ratio {
    let step = |step: &crate::pricing::DemandStep| {
        (whole(step.sold_percent), whole(step.change_basis_points))
    };
    let steps: Vec<_> = scene.rule.demand_steps.iter().map(step).collect();
    let x = whole(100).mul(ratio(scene.counted().into(), scene.demand.capacity.into()));
    change(&steps, x, scene.rule.interpolation)
}

fn time(scene: &Scene) -> Ratio {
    let Some(show_time) = scene.show_time else {
        return whole(0);
    };
    let micros = show_time.as_micros() - scene.at.as_micros();
    let left = if micros > 0 {
        (micros + 999_999) / 1_000_000
    } else {
        micros / 1_000_000
    };
    let step = |step: &crate::pricing::TimeStep| {
        let before = whole(step.before_show.as_secs());
        (whole(0).sub(before), whole(step.change_basis_points))
    };
    let steps: Vec<_> = scene.rule.time_steps.iter().map(step).collect();
    change(&steps, whole(-left), scene.rule.interpolation)
}

/// `unit = min(cap, max(floor, base · (10 000 + demand + time) / 10 000))`
pub(super) fn unit_price(scene: &Scene) -> i128 {
    let rule = &scene.rule;
    let factor = whole(10_000)
        .add(demand(scene))
        .add(time(scene))
        .div(whole(10_000));
    let raw = whole(rule.base_price.get()).mul(factor).half_even();
    let at_least = raw.max(rule.floor_price.get().into());
    rule.cap_price
        .map_or(at_least, |cap| at_least.min(cap.get().into()))
}
