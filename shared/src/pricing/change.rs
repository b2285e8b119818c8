//! A relative change of a price, exact.

use std::cmp::Ordering;

use super::Interpolation;

/// The basis points of a whole.
const WHOLE: i128 = 10_000;

/// A relative change of a price in basis points, as an exact fraction, not reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    numerator: i128,
    /// At least 1.
    denominator: i128,
}

/// A step on its axis: where it begins to count, and the change from there on in basis points.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) position: i128,
    pub(super) change: i128,
}

impl Change {
    /// None at all.
    pub const NONE: Self = Self::whole(0);

    const fn whole(basis_points: i128) -> Self {
        Self {
            numerator: basis_points,
            denominator: 1,
        }
    }

    /// The numerator of the basis points.
    #[must_use]
    pub const fn numerator(self) -> i128 {
        self.numerator
    }

    /// The denominator of the basis points, at least 1.
    #[must_use]
    pub const fn denominator(self) -> i128 {
        self.denominator
    }

    /// In whole basis points, for people: rounded, half to even.
    #[must_use]
    pub fn rounded(self) -> i64 {
        let rounded = round_half_even(self.numerator, self.denominator);
        i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
    }

    /// What `steps` say at `position`: nothing before the first of them, the last one's change after the last.
    ///
    /// Whatever the steps are, a position and a change come from at most 64 bits (a percent times a capacity from 40),
    /// so that nothing here comes near 128.
    pub(super) fn at<S>(
        steps: &[S],
        place: impl Fn(&S) -> Place,
        interpolation: Interpolation,
        position: i128,
    ) -> Self {
        let reached = |step: &S| place(step).position <= position;
        let Some(index) = steps.iter().rposition(reached) else {
            return Self::NONE;
        };
        let last = place(&steps[index]);
        match (interpolation, steps.get(index + 1)) {
            (Interpolation::Linear, Some(next)) => {
                let next = place(next);
                // At least 1: the next step lies after `position`, the last one does not.
                let length = next.position - last.position;
                let way = position - last.position;
                Self {
                    numerator: last.change * length + (next.change - last.change) * way,
                    denominator: length,
                }
            }
            (Interpolation::Step, _) | (Interpolation::Linear, None) => Self::whole(last.change),
        }
    }

    /// Both changes of the same base; `None` beyond 128 bits.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let mine = self.numerator.checked_mul(other.denominator)?;
        let others = other.numerator.checked_mul(self.denominator)?;
        Some(Self {
            numerator: mine.checked_add(others)?,
            denominator: self.denominator.checked_mul(other.denominator)?,
        })
    }

    /// `base` after this change, rounded once, half to even; `None` beyond 128 bits.
    ///
    /// A rule within its limits stays within: the denominator is at most 10⁴ (of basis points) · 10⁹ (100 percent of
    /// 10⁷ tickets) · 3.2·10⁸ (seconds of 10 years) < 3.2·10²¹; times a base of 10¹² and a factor of 101 that is
    /// 3.3·10³⁵, and 128 bits hold 1.7·10³⁸.
    pub(super) fn of(self, base: i64) -> Option<i128> {
        let whole = self.denominator.checked_mul(WHOLE)?;
        let factor = whole.checked_add(self.numerator)?;
        let numerator = factor.checked_mul(base.into())?;
        Some(round_half_even(numerator, whole))
    }
}

/// The whole number next to a fraction, the even one of two equally near. `denominator` is at least 1.
fn round_half_even(numerator: i128, denominator: i128) -> i128 {
    let below = numerator.div_euclid(denominator);
    let over = numerator.rem_euclid(denominator);
    match over.cmp(&(denominator - over)) {
        Ordering::Less => below,
        Ordering::Equal => below + below.rem_euclid(2),
        Ordering::Greater => below + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let rounded = [1, 3, 5, -1, -3, -5].map(|halves| round_half_even(halves, 2));
        assert_eq!(rounded, [0, 2, 2, 0, -2, -2]);
        let thirds = [1, 2, -1, -2, 3].map(|thirds| round_half_even(thirds, 3));
        assert_eq!(thirds, [0, 1, 0, -1, 1]);
    }

    #[test]
    fn what_128_bits_do_not_hold_is_no_number() {
        let huge = Change {
            numerator: i128::MAX,
            denominator: 1,
        };
        assert_eq!(huge.plus(huge), None);
        assert_eq!(huge.of(1), None);
        assert_eq!(huge.rounded(), i64::MAX);
    }
}
