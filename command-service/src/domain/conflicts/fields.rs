//! Settings as field names and texts, as the contract has them, so that old and new can be shown side by side.

use std::{fmt::Display, sync::Arc, time::Duration};

use onsale_shared::{
    event::{Limits, Schedule, StopMode},
    money::{Amount, Minor},
    pricing::{DemandBasis, Interpolation, Pricing},
    time::Timestamp,
};

use crate::domain::partials::SaleState;

/// A setting in fields; the same names in the same order for every value.
pub(super) trait Fields {
    fn fields(&self) -> Vec<(&'static str, String)>;
}

impl Fields for u32 {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("capacity", self.to_string())]
    }
}

impl Fields for Arc<Pricing> {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let amount = |minor: Minor| {
            Amount {
                currency: self.currency,
                minor,
            }
            .to_string()
        };
        let demand_steps = self.demand_steps.iter();
        let demand_steps = demand_steps
            .map(|step| format!("{} %: +{} bp", step.sold_percent, step.change_basis_points));
        let time_steps = self.time_steps.iter();
        let time_steps = time_steps.map(|step| {
            format!(
                "{} s: {} bp",
                step.before_show.as_secs(),
                step.change_basis_points
            )
        });
        vec![
            ("base_price", amount(self.base_price)),
            ("floor_price", amount(self.floor_price)),
            ("cap_price", or_unset(self.cap_price.map(amount))),
            ("demand_steps", list(demand_steps)),
            (
                "demand_basis",
                match self.demand_basis {
                    DemandBasis::Sold => "SOLD".to_owned(),
                    DemandBasis::Committed => "COMMITTED".to_owned(),
                },
            ),
            ("time_steps", list(time_steps)),
            (
                "interpolation",
                match self.interpolation {
                    Interpolation::Step => "STEP".to_owned(),
                    Interpolation::Linear => "LINEAR".to_owned(),
                },
            ),
        ]
    }
}

impl Fields for Schedule {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let time = |time: Option<Timestamp>| or_unset(time);
        vec![
            ("show_time", time(self.show_time)),
            ("sales_start_time", time(self.sales_start_time)),
            ("sales_end_time", time(self.sales_end_time)),
        ]
    }
}

impl Fields for Limits {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let seconds = |span: Duration| format!("{} s", span.as_secs());
        vec![
            (
                "max_tickets_per_order",
                self.max_tickets_per_order.to_string(),
            ),
            (
                "max_tickets_per_customer",
                self.max_tickets_per_customer.to_string(),
            ),
            ("claim_duration", seconds(self.claim_duration)),
            ("late_purchase_window", seconds(self.late_purchase_window)),
        ]
    }
}

impl Fields for SaleState {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let status = match self {
            Self::Selling => "ACTIVE",
            Self::Stopped(StopMode::FinishClaims) => "STOPPED (STOP_MODE_FINISH_CLAIMS)",
            Self::Stopped(StopMode::VoidClaims) => "STOPPED (STOP_MODE_VOID_CLAIMS)",
            Self::Cancelled => "CANCELLED",
        };
        vec![("state", status.to_owned())]
    }
}

fn or_unset<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "unset".to_owned(), |value| value.to_string())
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() {
        "none".to_owned()
    } else {
        items.join(", ")
    }
}
