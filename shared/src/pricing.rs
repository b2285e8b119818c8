//! What a ticket costs: the rule of a pool, the price that it gives, and why.
//!
//! - [`Pricing`]: the rule, as events keep it, and [what it must hold to](Pricing::violations).
//! - [`Pricing::unit_price`]: the price; [`Pricing::quote`]: the price with its [`Explanation`].
//! - [`Pricing::next_time_change`], [`Pricing::next_demand_change`]: when the price is another one.
//! - [`Pricing::curve`]: a preview of the rule.
//!
//! Everything here is pure and total: the same rule, counts and moment give the same price everywhere, and no rule and
//! no counts make it fail.

mod change;
mod curve;
mod explain;
mod limits;
mod next;
mod quote;
mod rule;
#[cfg(test)]
mod testing;

pub use change::Change;
pub use curve::PricePoint;
pub use explain::{Clamp, DemandPart, Explanation, TimePart};
pub use limits::{
    BEFORE_SHOW_MAX, DEMAND_CHANGE_MAX, SOLD_PERCENT_MAX, STEPS_MAX, TIME_CHANGE_MIN,
};
pub use next::NextDemandChange;
pub use quote::{Demand, Quote};
pub use rule::{DemandBasis, DemandStep, Interpolation, Pricing, TimeStep};
