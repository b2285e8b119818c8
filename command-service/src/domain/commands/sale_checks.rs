//! Whether the pool takes new claims at all, and whether it ever can.

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
/// The show or the end of sales, named as in the request, does not lie ahead.
pub(super) fn lies_ahead(
    schedule: &Schedule,
    [show_time, sales_end_time]: [&'static str; 2],
    at: Timestamp,
) -> Result<(), Rejection> {
    let times = [
        (show_time, schedule.show_time),
        (sales_end_time, schedule.sales_end_time),
    ];
    let passed = times
        .into_iter()
        .filter(|(_, time)| time.is_some_and(|time| time <= at));
    let fields: Vec<_> = passed.map(|(field, _)| field).collect();
    if fields.is_empty() {
        return Ok(());
    }
    Err(Rejection::TimesPassed { fields, now: at })
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
