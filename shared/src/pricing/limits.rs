//! What a price rule must hold to.

use std::{fmt::Display, time::Duration};

use super::{DemandStep, Pricing, TimeStep};
use crate::money::Minor;

/// How many demand steps, and how many time steps, a rule may have.
pub const STEPS_MAX: usize = 50;

/// The highest share of a demand step, in percent.
pub const SOLD_PERCENT_MAX: u8 = 100;

/// The greatest rise of a demand step, in basis points: to 101 times the base price.
pub const DEMAND_CHANGE_MAX: u32 = 1_000_000;

/// The greatest fall of a time step, in basis points: to nothing.
pub const TIME_CHANGE_MIN: i32 = -10_000;

/// The longest span of a time step: any ten years of the calendar, with up to three leap days.
pub const BEFORE_SHOW_MAX: Duration = Duration::from_secs(3_653 * 24 * 60 * 60);

/// Where a rule is wrong and how, one entry each.
#[derive(Default)]
struct Violations(Vec<(String, String)>);

impl Pricing {
    /// Every way in which this rule is no rule of sale: the path in it, such as `demand_steps[2].sold_percent`, and what
    /// is wrong there, such as "must be higher than the 40 of the step before". Empty: it is one.
    ///
    /// `has_show_time`: the pool says when its show is, so that time steps mean something.
    #[must_use]
    pub fn violations(&self, has_show_time: bool) -> Vec<(String, String)> {
        let mut found = Violations::default();
        self.check_prices(&mut found);
        found.check_length("demand_steps", self.demand_steps.len());
        let mut before = None;
        for (index, step) in self.demand_steps.iter().take(STEPS_MAX).enumerate() {
            step.check(before.replace(step), index, &mut found);
        }
        found.check_length("time_steps", self.time_steps.len());
        if !self.time_steps.is_empty() && !has_show_time {
            found.add("time_steps", "need the pool to have a show time");
        }
        let mut before = None;
        for (index, step) in self.time_steps.iter().take(STEPS_MAX).enumerate() {
            step.check(before.replace(step), index, &mut found);
        }
        found.0
    }

    fn check_prices(&self, found: &mut Violations) {
        let base = self.amount(self.base_price);
        if self.base_price > Minor::PRICE_MAX {
            let most = Minor::PRICE_MAX.get();
            found.add("base_price", format!("must be at most {most} minor units"));
        }
        if self.floor_price > self.base_price {
            let text = format!("must be at most the base price of {base}");
            found.add("floor_price", text);
        }
        if self.cap_price.is_some_and(|cap| cap < self.base_price) {
            let text = format!("must be at least the base price of {base}");
            found.add("cap_price", text);
        }
    }
}

impl DemandStep {
    fn check(&self, before: Option<&Self>, index: usize, found: &mut Violations) {
        let at = |field| format!("demand_steps[{index}].{field}");
        let (percent, change) = (self.sold_percent, self.change_basis_points);
        if percent > SOLD_PERCENT_MAX {
            let text = format!("must be 0 to {SOLD_PERCENT_MAX}, not {percent}");
            found.add(at("sold_percent"), text);
        }
        if change > DEMAND_CHANGE_MAX {
            let text = format!("must be 0 to {DEMAND_CHANGE_MAX}, not {change}");
            found.add(at("change_basis_points"), text);
        }
        let Some(before) = before else { return };
        if percent <= before.sold_percent {
            found.add_order(at("sold_percent"), "higher than", before.sold_percent);
        }
        if change < before.change_basis_points {
            let least = before.change_basis_points;
            found.add_order(at("change_basis_points"), "at least", least);
        }
    }
}

impl TimeStep {
    fn check(&self, before: Option<&Self>, index: usize, found: &mut Violations) {
        let at = |field| format!("time_steps[{index}].{field}");
        let (span, change) = (self.before_show, self.change_basis_points);
        if span.subsec_nanos() != 0 || span > BEFORE_SHOW_MAX {
            let text = "must be whole seconds, 0 seconds to 10 years";
            found.add(at("before_show"), text);
        }
        if !(TIME_CHANGE_MIN..=0).contains(&change) {
            let text = format!("must be {TIME_CHANGE_MIN} to 0, not {change}");
            found.add(at("change_basis_points"), text);
        }
        let Some(before) = before else { return };
        if span >= before.before_show {
            let longest = format!("{}s", before.before_show.as_secs());
            found.add_order(at("before_show"), "shorter than", longest);
        }
        if change > before.change_basis_points {
            let most = before.change_basis_points;
            found.add_order(at("change_basis_points"), "at most", most);
        }
    }
}

impl Violations {
    fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.push((path.into(), text.into()));
    }

    fn add_order(&mut self, path: String, relation: &str, of_before: impl Display) {
        let text = format!("must be {relation} the {of_before} of the step before");
        self.add(path, text);
    }

    fn check_length(&mut self, path: &str, length: usize) {
        if length > STEPS_MAX {
            self.add(path, format!("must be at most {STEPS_MAX}, not {length}"));
        }
    }
}

#[cfg(test)]
mod tests;
