//! Money in whole minor units of a currency; never a float.

mod currency;

pub use currency::{Currency, UnknownCurrency};

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of minor units (cents, yen, fils), at least 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Minor(i64);

impl Minor {
    /// The highest base price of a ticket.
    pub const PRICE_MAX: Self = Self(1_000_000_000_000);

    /// From a number of minor units; `None` below 0.
    #[must_use]
    pub const fn new(units: i64) -> Option<Self> {
        if units < 0 { None } else { Some(Self(units)) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// This price, `quantity` times; `None` beyond what 64 bits hold.
    #[must_use]
    pub fn times(self, quantity: usize) -> Option<Self> {
        self.0.checked_mul(i64::try_from(quantity).ok()?).map(Self)
    }
}

/// An amount in a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Amount {
    /// Of what.
    pub currency: Currency,
    /// How many minor units.
    pub minor: Minor,
}

/// Why units and nanos are not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAmount {
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// Units and nanos of different signs, or nanos out of range.
    #[error("has nanos that are not between 0 and 999,999,999")]
    Nanos,
    /// Finer than the currency goes.
    #[error("is finer than a minor unit; the currency has {decimals} decimals")]
    Fraction {
        /// How many decimals the currency has.
        decimals: u32,
    },
    /// More than 64 bits of minor units.
    #[error("is too large")]
    TooLarge,
}

impl Amount {
    /// From whole units and nanos, as `google.type.Money` has them.
    ///
    /// # Errors
    /// Negative, malformed, finer than the currency, or too large.
    pub fn from_units(currency: Currency, units: i64, nanos: i32) -> Result<Self, InvalidAmount> {
        Self::check_units(units, nanos)?;
        let decimals = currency.decimals();
        let nanos_per_minor = 10_i64.pow(9 - decimals);
        let nanos = i64::from(nanos);
        if nanos % nanos_per_minor != 0 {
            return Err(InvalidAmount::Fraction { decimals });
        }
        let minor = units
            .checked_mul(10_i64.pow(decimals))
            .and_then(|minor| minor.checked_add(nanos / nanos_per_minor))
            .ok_or(InvalidAmount::TooLarge)?;
        Ok(Self {
            currency,
            minor: Minor(minor),
        })
    }

    /// What holds for units and nanos of every currency.
    ///
    /// # Errors
    /// Negative or malformed.
    pub fn check_units(units: i64, nanos: i32) -> Result<(), InvalidAmount> {
        if units < 0 || (units == 0 && nanos < 0) {
            return Err(InvalidAmount::Negative);
        }
        if !(0..=999_999_999).contains(&nanos) {
            return Err(InvalidAmount::Nanos);
        }
        Ok(())
    }

    /// Whole units and nanos, as `google.type.Money` has them.
    #[must_use]
    pub fn to_units(self) -> (i64, i32) {
        self.currency.to_units(self.minor.0)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.currency.decimals();
        let (scale, minor) = (10_u64.pow(decimals), self.minor.0.unsigned_abs());
        let sign = if self.minor.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", minor / scale)?;
        if decimals > 0 {
            let width = usize::try_from(decimals).unwrap_or(0);
            write!(f, ".{:0width$}", minor % scale)?;
        }
        write!(f, " {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    #[test]
    fn each_currency_has_its_own_decimals() {
        let amount = |code, units, nanos| {
            Amount::from_units(currency(code), units, nanos).map(|a| a.minor.get())
        };
        assert_eq!(amount("EUR", 49, 990_000_000), Ok(4_999));
        assert_eq!(amount("JPY", 4_999, 0), Ok(4_999));
        assert_eq!(amount("KWD", 4, 999_000_000), Ok(4_999));
        assert_eq!(
            amount("EUR", 0, 1_000_000),
            Err(InvalidAmount::Fraction { decimals: 2 })
        );
        assert_eq!(
            amount("JPY", 0, 10_000_000),
            Err(InvalidAmount::Fraction { decimals: 0 })
        );
        assert_eq!(amount("EUR", -1, 0), Err(InvalidAmount::Negative));
        assert_eq!(amount("EUR", 1, -1), Err(InvalidAmount::Nanos));
        assert_eq!(amount("EUR", i64::MAX, 0), Err(InvalidAmount::TooLarge));
    }

    #[test]
    fn amounts_are_written_for_people() {
        let show = |code, minor| {
            Amount {
                currency: currency(code),
                minor: Minor(minor),
            }
            .to_string()
        };
        assert_eq!(show("EUR", 4_905), "49.05 EUR");
        assert_eq!(show("JPY", 4_905), "4905 JPY");
        assert_eq!(show("KWD", 5), "0.005 KWD");
        assert_eq!(show("EUR", -5), "-0.05 EUR");
    }

    #[test]
    fn below_zero_units_and_nanos_both_are() {
        assert_eq!(currency("EUR").to_units(-505), (-5, -50_000_000));
        assert_eq!(currency("JPY").to_units(-505), (-505, 0));
        assert_eq!(currency("EUR").to_units(i64::MIN).1, -80_000_000);
    }

    proptest! {
        #[test]
        fn units_and_nanos_come_back(minor in 0..=Minor::PRICE_MAX.get(), code in prop::sample::select(vec!["EUR", "JPY", "KWD"])) {
            let amount = Amount { currency: currency(code), minor: Minor(minor) };
            let (units, nanos) = amount.to_units();
            prop_assert_eq!(Amount::from_units(amount.currency, units, nanos), Ok(amount));
        }
    }
}
