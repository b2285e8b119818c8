//! What a customer can expect of a pool at a moment, and when time alone changes that. Moments are the log's.

use onsale_shared::{money::Amount, pricing::Demand, time::Timestamp};

use super::{Pool, Sale};

/// What a customer can expect who comes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SaleStatus {
    /// Its sales window has not begun.
    NotOpen,
    Open,
    Stopped,
    SoldOutForNow,
    SoldOut,
    /// Its sales window is over.
    Ended,
    Cancelled,
}

impl Pool {
    /// The moment of an answer that includes all that was in the log at `as_of`; not before the pool's last event, so
    /// that nobody sees his own claim in a sale that has not begun.
    pub(crate) fn moment(&self, as_of: Timestamp) -> Timestamp {
        as_of.max(self.update_time)
    }

    /// The first that applies: what the promoter wants, the sales window, the counts.
    pub(crate) fn sale_status(&self, at: Timestamp) -> SaleStatus {
        match self.sale {
            Sale::Cancelled => return SaleStatus::Cancelled,
            Sale::Stopped(_) => return SaleStatus::Stopped,
            Sale::Selling if self.corrupted => return SaleStatus::Stopped,
            Sale::Selling => {}
        }
        let [start, end] = self.sales_window();
        if start.is_some_and(|start| at < start) {
            SaleStatus::NotOpen
        } else if end.is_some_and(|end| end <= at) {
            SaleStatus::Ended
        } else if self.counts.sold() == self.counts.capacity() {
            SaleStatus::SoldOut
        } else if self.counts.available() == 0 {
            SaleStatus::SoldOutForNow
        } else {
            SaleStatus::Open
        }
    }

    /// What one ticket costs; none if the log does not say what the pool sells.
    pub(crate) fn unit_price(&self, at: Timestamp) -> Option<Amount> {
        let details = self.details.as_deref()?;
        let show_time = details.schedule.show_time;
        Some(details.pricing.unit_price(self.demand(), at, show_time))
    }

    /// The first moment after `at` from which on the status or the price is another one although nothing happens.
    pub(crate) fn next_change_after(&self, at: Timestamp) -> Option<Timestamp> {
        let status = self.sale_status(at);
        let window = self.sales_window().into_iter().flatten();
        let window = window.filter(|&time| time > at && self.sale_status(time) != status);
        window.chain(self.next_price_change_after(at)).min()
    }

    fn next_price_change_after(&self, at: Timestamp) -> Option<Timestamp> {
        let details = self.details.as_deref()?;
        let show_time = details.schedule.show_time;
        details
            .pricing
            .next_time_change(self.demand(), at, show_time)
    }

    /// What the price depends on.
    pub(crate) const fn demand(&self) -> Demand {
        Demand {
            capacity: self.counts.capacity(),
            sold: self.counts.sold(),
            held: self.counts.held(),
        }
    }

    /// From when on, and from when on no more, tickets can be claimed.
    fn sales_window(&self) -> [Option<Timestamp>; 2] {
        let schedule = self.details.as_deref().map(|details| details.schedule);
        let schedule = schedule.unwrap_or_default();
        [schedule.sales_start_time, schedule.sales_end_time]
    }
}

#[cfg(test)]
mod tests;
