//! What a promoter does to a pool: creates it, edits its settings, stops and resumes its sale, cancels it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Labels, span::milliseconds};
use crate::{
    pricing::Pricing,
    text::{Reference, Sentence},
    time::Timestamp,
};

/// See [`PoolEvent::PoolCreated`](super::PoolEvent::PoolCreated).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolCreated {
    /// A title for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Sentence>,
    /// Whose pool it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoter: Option<Reference>,
    /// What the tickets admit to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<Reference>,
    /// The caller's labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// When the show is and when the pool sells.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// How many tickets exist: 1 to 10,000,000.
    pub capacity: u32,
    /// What a ticket costs.
    pub pricing: Pricing,
    /// What one order and one customer may have, and for how long.
    #[serde(flatten)]
    pub limits: Limits,
}

/// When the show is and when the pool sells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// When the show begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_time: Option<Timestamp>,
    /// From when on tickets can be claimed; unset: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sales_start_time: Option<Timestamp>,
    /// From when on tickets can be claimed no more; unset: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sales_end_time: Option<Timestamp>,
}

/// What one order and one customer may have, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How many tickets one order may name.
    pub max_tickets_per_order: u32,
    /// How many tickets one customer may have, held and bought together; events of before this limit have none.
    #[serde(default = "unlimited", skip_serializing_if = "is_unlimited")]
    pub max_tickets_per_customer: u32,
    /// How long a claim holds its tickets, in whole milliseconds.
    #[serde(rename = "claim_duration_ms", with = "milliseconds")]
    pub claim_duration: Duration,
    /// How long after its deadline a claim can still be paid, if there are tickets; in whole milliseconds.
    #[serde(
        rename = "late_purchase_window_ms",
        with = "milliseconds",
        default,
        skip_serializing_if = "Duration::is_zero"
    )]
    pub late_purchase_window: Duration,
}

const fn unlimited() -> u32 {
    u32::MAX
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_unlimited(limit: &u32) -> bool {
    *limit == unlimited()
}

/// What a stop does to live claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StopMode {
    /// They may still be bought.
    FinishClaims,
    /// They end. The stronger mode.
    VoidClaims,
}

/// See [`PoolEvent::SalesStopped`](super::PoolEvent::SalesStopped).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesStopped {
    /// What happens to live claims.
    pub mode: StopMode,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sentence>,
}

/// See [`PoolEvent::SalesResumed`](super::PoolEvent::SalesResumed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesResumed {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sentence>,
}

/// See [`PoolEvent::PoolCancelled`](super::PoolEvent::PoolCancelled).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolCancelled {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sentence>,
}

/// See [`PoolEvent::CapacityChanged`](super::PoolEvent::CapacityChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityChanged {
    /// How many tickets exist from now on; at least as many as are sold and held.
    pub capacity: u32,
}

/// See [`PoolEvent::PricingChanged`](super::PoolEvent::PricingChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricingChanged {
    /// What a ticket costs from now on; in the currency of the pool.
    pub pricing: Pricing,
}

/// See [`PoolEvent::PoolRescheduled`](super::PoolEvent::PoolRescheduled).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRescheduled {
    /// All times, replaced.
    #[serde(flatten)]
    pub schedule: Schedule,
}

/// See [`PoolEvent::LimitsChanged`](super::PoolEvent::LimitsChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsChanged {
    /// All limits, replaced.
    #[serde(flatten)]
    pub limits: Limits,
}
