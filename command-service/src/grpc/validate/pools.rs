//! What a pool is made of: price rule, times, limits.

use std::time::Duration;

use onsale_proto::{Money, v1};
use onsale_shared::{
    event::{Limits, Schedule},
    money::{Amount, Minor},
    pricing::{DemandBasis, DemandStep, Interpolation, Pricing, STEPS_MAX, TimeStep},
    time::Timestamp,
};
use prost_types::Timestamp as ProtoTimestamp;

use super::{
    CAPACITY_MAX, CLAIM_DURATION_DEFAULT, CLAIM_SECONDS_MAX, CUSTOMER_TICKETS_DEFAULT,
    DISPLAY_NAME_CHARACTERS_MAX, Fields, LATE_PURCHASE_SECONDS_MAX, LATE_PURCHASE_WINDOW_DEFAULT,
    ORDER_TICKETS_DEFAULT, ORDER_TICKETS_MAX,
};
use crate::domain::commands::CreatePool;

impl Fields {
    /// A pool to be created.
    pub fn new_pool(&mut self, pool: Option<&v1::Pool>) -> Option<CreatePool> {
        let Some(pool) = pool else {
            self.violate("pool", "is required");
            return None;
        };
        let display_name = self.optional_sentence(
            "pool.display_name",
            &pool.display_name,
            DISPLAY_NAME_CHARACTERS_MAX,
        );
        let promoter = self.optional_reference("pool.promoter", &pool.promoter);
        let show = self.optional_reference("pool.show", &pool.show);
        let labels = self.labels("pool.labels", &pool.labels);
        let schedule = self.schedule(
            "pool.",
            pool.show_time.as_ref(),
            pool.sales_start_time.as_ref(),
            pool.sales_end_time.as_ref(),
        );
        let limits = self.limits(
            "pool.",
            pool.max_tickets_per_order,
            pool.max_tickets_per_customer,
            pool.claim_duration.as_ref(),
            pool.late_purchase_window.as_ref(),
        );
        let capacity = self.capacity("pool.capacity", pool.capacity);
        let has_show_time = pool.show_time.is_some();
        let pricing = self.pricing("pool.pricing", pool.pricing.as_ref(), has_show_time);
        Some(CreatePool {
            display_name,
            promoter,
            show,
            labels,
            schedule,
            capacity: capacity?,
            pricing: pricing?,
            limits,
        })
    }

    /// A number of tickets of a pool.
    pub fn capacity(&mut self, field: &str, capacity: i64) -> Option<u32> {
        if !(1..=CAPACITY_MAX).contains(&capacity) {
            self.violate(
                field,
                format!("must be 1 to {CAPACITY_MAX}, not {capacity}"),
            );
            return None;
        }
        u32::try_from(capacity).ok()
    }

    /// A price rule.
    pub fn pricing(
        &mut self,
        field: &str,
        pricing: Option<&v1::Pricing>,
        has_show_time: bool,
    ) -> Option<Pricing> {
        let base_field = format!("{field}.base_price");
        let Some((pricing, base)) =
            pricing.and_then(|pricing| Some((pricing, pricing.base_price.as_ref()?)))
        else {
            self.violate(base_field, "is required");
            return None;
        };
        let base = self.price(&base_field, Some(base));
        let floor = self.bound(
            &format!("{field}.floor_price"),
            pricing.floor_price.as_ref(),
            base,
        );
        let cap = self.bound(
            &format!("{field}.cap_price"),
            pricing.cap_price.as_ref(),
            base,
        );
        let demand_steps = self.demand_steps(field, &pricing.demand_steps);
        let time_steps = self.time_steps(field, &pricing.time_steps);
        let demand_basis = self.demand_basis(field, pricing.demand_basis);
        let interpolation = self.interpolation(field, pricing.interpolation);
        let base = base?;
        let rule = Pricing {
            currency: base.currency,
            base_price: base.minor,
            floor_price: floor.unwrap_or_default(),
            cap_price: cap,
            demand_steps: demand_steps?,
            demand_basis: demand_basis?,
            time_steps: time_steps?,
            interpolation: interpolation?,
        };
        let violations = rule.violations(has_show_time);
        if violations.is_empty() {
            return Some(rule);
        }
        for (path, text) in violations {
            self.violate(format!("{field}.{path}"), text);
        }
        None
    }

    /// A floor or cap, in the currency of the base price.
    fn bound(&mut self, field: &str, money: Option<&Money>, base: Option<Amount>) -> Option<Minor> {
        let bound = self.price(field, money)?;
        if let Some(base) = base
            && base.currency != bound.currency
        {
            let text = format!("must be {}, as in base_price", base.currency);
            self.violate(format!("{field}.currency_code"), text);
            return None;
        }
        Some(bound.minor)
    }

    fn demand_steps(&mut self, field: &str, steps: &[v1::DemandStep]) -> Option<Vec<DemandStep>> {
        let read = |step: &v1::DemandStep| {
            Some(DemandStep {
                sold_percent: u8::try_from(step.sold_percent).ok()?,
                change_basis_points: u32::try_from(step.change_basis_points).ok()?,
            })
        };
        let text =
            "must have a sold_percent of 0 to 100 and a change of 0 to 1,000,000 basis points";
        self.steps(&format!("{field}.demand_steps"), steps, read, text)
    }

    fn time_steps(&mut self, field: &str, steps: &[v1::TimeStep]) -> Option<Vec<TimeStep>> {
        let read = |step: &v1::TimeStep| {
            let before_show = step.before_show.filter(|span| span.nanos == 0)?;
            let seconds = u64::try_from(before_show.seconds).ok()?;
            Some(TimeStep {
                before_show: Duration::from_secs(seconds),
                change_basis_points: step.change_basis_points,
            })
        };
        let text = "must have a before_show of whole seconds, 0 to 10 years";
        self.steps(&format!("{field}.time_steps"), steps, read, text)
    }

    /// All steps, or a violation for each that cannot be read.
    fn steps<M, S>(
        &mut self,
        field: &str,
        messages: &[M],
        read: impl Fn(&M) -> Option<S>,
        text: &str,
    ) -> Option<Vec<S>> {
        // What is beyond the limit is not looked at: a limit on the answer.
        if messages.len() > STEPS_MAX {
            let (max, actual) = (STEPS_MAX, messages.len());
            self.violate(field, format!("may have at most {max} steps, not {actual}"));
            return None;
        }
        let steps: Vec<_> = messages.iter().map(read).collect();
        for (step, index) in steps.iter().zip(0..) {
            if step.is_none() {
                self.violate(format!("{field}[{index}]"), text);
            }
        }
        steps.into_iter().collect()
    }

    fn demand_basis(&mut self, field: &str, basis: i32) -> Option<DemandBasis> {
        match v1::DemandBasis::try_from(basis) {
            Ok(v1::DemandBasis::Unspecified | v1::DemandBasis::Sold) => Some(DemandBasis::Sold),
            Ok(v1::DemandBasis::Committed) => Some(DemandBasis::Committed),
            Err(_unknown) => {
                let text = format!("{basis} is not a demand basis");
                self.violate(format!("{field}.demand_basis"), text);
                None
            }
        }
    }

    fn interpolation(&mut self, field: &str, interpolation: i32) -> Option<Interpolation> {
        match v1::Interpolation::try_from(interpolation) {
            Ok(v1::Interpolation::Unspecified | v1::Interpolation::Step) => {
                Some(Interpolation::Step)
            }
            Ok(v1::Interpolation::Linear) => Some(Interpolation::Linear),
            Err(_unknown) => {
                let text = format!("{interpolation} is not an interpolation");
                self.violate(format!("{field}.interpolation"), text);
                None
            }
        }
    }

    /// The times of a pool. Whether they lie ahead is the pool's to say, which knows a repeat.
    pub fn schedule(
        &mut self,
        prefix: &str,
        show_time: Option<&ProtoTimestamp>,
        sales_start_time: Option<&ProtoTimestamp>,
        sales_end_time: Option<&ProtoTimestamp>,
    ) -> Schedule {
        let show_time = self.time(&format!("{prefix}show_time"), show_time);
        let sales_start_time = self.time(&format!("{prefix}sales_start_time"), sales_start_time);
        let end_field = format!("{prefix}sales_end_time");
        let sales_end_time = self.time(&end_field, sales_end_time);
        if let (Some(start), Some(end)) = (sales_start_time, sales_end_time)
            && end <= start
        {
            let text = format!("must be after sales_start_time, {start}");
            self.violate(end_field, text);
        }
        Schedule {
            show_time,
            sales_start_time,
            sales_end_time,
        }
    }

    fn time(&mut self, field: &str, time: Option<&ProtoTimestamp>) -> Option<Timestamp> {
        let time = time?;
        let read = Timestamp::from_seconds_and_nanos(time.seconds, time.nanos);
        if read.is_none() {
            self.violate(field, "is not a time between the years 1 and 9999");
        }
        read
    }

    /// The limits of a pool.
    pub fn limits(
        &mut self,
        prefix: &str,
        per_order: u32,
        per_customer: u32,
        claim_duration: Option<&prost_types::Duration>,
        late_purchase_window: Option<&prost_types::Duration>,
    ) -> Limits {
        let max_tickets_per_order = match per_order {
            0 => ORDER_TICKETS_DEFAULT,
            max => max,
        };
        if max_tickets_per_order > ORDER_TICKETS_MAX {
            self.violate(
                format!("{prefix}max_tickets_per_order"),
                format!("must be 1 to {ORDER_TICKETS_MAX}; unset means {ORDER_TICKETS_DEFAULT}"),
            );
        }
        let max_tickets_per_customer = match per_customer {
            0 => CUSTOMER_TICKETS_DEFAULT.max(max_tickets_per_order),
            max => max,
        };
        if i64::from(max_tickets_per_customer) > CAPACITY_MAX {
            self.violate(
                format!("{prefix}max_tickets_per_customer"),
                format!("must be 1 to {CAPACITY_MAX}"),
            );
        }
        let claim_duration = self.span(
            &format!("{prefix}claim_duration"),
            claim_duration,
            (1, CLAIM_SECONDS_MAX, CLAIM_DURATION_DEFAULT),
            "must be whole seconds, 1 second to 24 hours",
        );
        let late_purchase_window = self.span(
            &format!("{prefix}late_purchase_window"),
            late_purchase_window,
            (0, LATE_PURCHASE_SECONDS_MAX, LATE_PURCHASE_WINDOW_DEFAULT),
            "must be whole seconds, 0 to 7 days",
        );
        Limits {
            max_tickets_per_order,
            max_tickets_per_customer,
            claim_duration,
            late_purchase_window,
        }
    }

    fn span(
        &mut self,
        field: &str,
        span: Option<&prost_types::Duration>,
        (min, max, default): (i64, i64, Duration),
        text: &str,
    ) -> Duration {
        let Some(span) = span else {
            return default;
        };
        if span.nanos != 0 || !(min..=max).contains(&span.seconds) {
            self.violate(field, text);
            return default;
        }
        Duration::from_secs(span.seconds.unsigned_abs())
    }
}
