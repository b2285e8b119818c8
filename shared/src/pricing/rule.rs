//! The price rule of a pool, as events keep it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::money::{Amount, Currency, Minor};

const NOTHING: Minor = Minor::new(0).expect("0 is not negative");

/// What a ticket costs: a base price that rises with demand and falls as the show comes near.
///
/// Part of the storage format: a field is added with a default, and not written while it has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    /// Of all prices of the pool.
    pub currency: Currency,
    /// The price before every change, at most [`Minor::PRICE_MAX`].
    pub base_price: Minor,
    /// No price is lower; at most the base price.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub floor_price: Minor,
    /// No price is higher; at least the base price. `None`: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_price: Option<Minor>,
    /// How the price rises with demand, the lowest percent first; at most [`STEPS_MAX`](super::STEPS_MAX).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demand_steps: Vec<DemandStep>,
    /// Which tickets the demand steps count.
    #[serde(default, skip_serializing_if = "DemandBasis::is_default")]
    pub demand_basis: DemandBasis,
    /// How the price falls as the show comes near, the longest span first; at most [`STEPS_MAX`](super::STEPS_MAX).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub time_steps: Vec<TimeStep>,
    /// What holds between two steps.
    #[serde(default, skip_serializing_if = "Interpolation::is_default")]
    pub interpolation: Interpolation,
}

/// From a share of the capacity on, the price is higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DemandStep {
    /// The share from which on the step counts, in percent of the capacity: 0 to 100.
    pub sold_percent: u8,
    /// The rise over the base price in basis points: 0 to 1,000,000.
    pub change_basis_points: u32,
}

/// From a moment before the show on, the price is lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeStep {
    /// How long before the show the step begins to count: whole seconds, at most 10 years.
    #[serde(rename = "before_show_s", with = "seconds")]
    pub before_show: Duration,
    /// The fall under the base price in basis points: -10,000 to 0.
    pub change_basis_points: i32,
}

/// Which tickets demand steps count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DemandBasis {
    /// Bought and granted ones.
    #[default]
    Sold,
    /// Held ones too.
    Committed,
}

/// What holds between two steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Interpolation {
    /// The change of the step before.
    #[default]
    Step,
    /// The straight line from one step to the next. Before the first step nothing changes.
    Linear,
}

impl Pricing {
    /// One price at all times.
    #[must_use]
    pub const fn fixed(price: Amount) -> Self {
        Self {
            currency: price.currency,
            base_price: price.minor,
            floor_price: NOTHING,
            cap_price: None,
            demand_steps: Vec::new(),
            demand_basis: DemandBasis::Sold,
            time_steps: Vec::new(),
            interpolation: Interpolation::Step,
        }
    }

    /// So much in the currency of the rule.
    pub(super) const fn amount(&self, minor: Minor) -> Amount {
        Amount {
            currency: self.currency,
            minor,
        }
    }
}

impl DemandBasis {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Interpolation {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

const fn nothing() -> Minor {
    NOTHING
}

fn is_nothing(price: &Minor) -> bool {
    *price == NOTHING
}

/// Whole seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        span: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(span.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::testing::rules;
    use proptest::prelude::*;

    #[test]
    fn a_rule_of_a_base_price_alone_is_written_as_ever() {
        let json = r#"{"currency":"EUR","base_price":4999}"#;
        let rule: Pricing = serde_json::from_str(json).unwrap();
        assert_eq!(
            rule,
            Pricing::fixed(Amount::from_units(rule.currency, 49, 990_000_000).unwrap())
        );
        assert_eq!(serde_json::to_string(&rule).unwrap(), json);
    }

    #[test]
    fn a_full_rule_has_these_words() {
        let json = r#"{"currency":"EUR","base_price":4999,"floor_price":3000,"cap_price":9000,"#
            .to_owned()
            + r#""demand_steps":[{"sold_percent":40,"change_basis_points":500}],"demand_basis":"COMMITTED","#
            + r#""time_steps":[{"before_show_s":3600,"change_basis_points":-500}],"interpolation":"LINEAR"}"#;
        let rule: Pricing = serde_json::from_str(&json).unwrap();
        assert_eq!(rule.time_steps[0].before_show, Duration::from_hours(1));
        assert_eq!(rule.demand_basis, DemandBasis::Committed);
        assert_eq!(rule.interpolation, Interpolation::Linear);
        assert_eq!(serde_json::to_string(&rule).unwrap(), json);
    }

    proptest! {
        #[test]
        fn a_rule_comes_back_from_its_json(rule in rules()) {
            let json = serde_json::to_string(&rule).unwrap();
            prop_assert_eq!(serde_json::from_str::<Pricing>(&json).unwrap(), rule);
        }
    }
}
