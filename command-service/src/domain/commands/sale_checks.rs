//! Whether the pool takes new claims at all.

use onsale_shared::{event::Schedule, time::Timestamp};

use crate::domain::{Rejection, partials::SaleState};

/// # Errors
/// The promoter has stopped the sale.
pub(super) const fn not_stopped(status: SaleState) -> Result<(), Rejection> {
    match status {
        SaleState::Stopped(mode) => Err(Rejection::SalesStopped { mode }),
        // A cancelled pool is refused before its commands are asked.
        SaleState::Selling | SaleState::Cancelled => Ok(()),
    }
}

/// # Errors
/// The sale has not begun, or is over.
pub(super) fn in_sales_window(schedule: &Schedule, at: Timestamp) -> Result<(), Rejection> {
    if let Some(sales_start_time) = schedule.sales_start_time
        && at < sales_start_time
    {
        return Err(Rejection::SalesNotOpen { sales_start_time });
    }
    if let Some(sales_end_time) = schedule.sales_end_time
        && sales_end_time <= at
    {
        return Err(Rejection::SalesEnded { sales_end_time });
    }
    Ok(())
}
