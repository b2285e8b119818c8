//! What tickets of one pool cost, now or at another time, and why: from memory.

use onsale_shared::{
    id::PoolId,
    log::Position,
    money::Amount,
    pricing::{DemandBasis, Explanation, PricePoint, Quote},
    time::Timestamp,
};

use super::{Freshness, Queries, QueryError, WrongField};
use crate::pool::{Details, Pool};

/// What is asked. How much of it there may be does not depend on the pool and is checked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuoteQuery {
    pub(crate) pool: PoolId,
    /// How many tickets.
    pub(crate) quantity: u32,
    /// None: now.
    pub(crate) time: Option<Timestamp>,
    /// For a preview: numbers of tickets sold.
    pub(crate) preview_sold: Vec<u32>,
    /// For a preview: moments.
    pub(crate) preview_times: Vec<Timestamp>,
}

/// What tickets cost, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PriceQuote {
    pub(crate) unit_price: Amount,
    /// None beyond what 64 bits hold.
    pub(crate) total_price: Option<Amount>,
    pub(crate) pricing_version: u32,
    pub(crate) explanation: Explanation,
    /// How many tickets the demand steps count.
    pub(crate) demand_tickets: u64,
    /// Rounded up, below 0 after the show; none without a show time.
    pub(crate) seconds_to_show: Option<i64>,
    pub(crate) preview: Vec<PricePoint>,
    /// The moment that all this is for.
    pub(crate) time: Timestamp,
}

impl Queries {
    /// The quote, and what the answer includes.
    pub(crate) async fn quote_price(
        &self,
        query: &QuoteQuery,
        freshness: Freshness,
    ) -> Result<(PriceQuote, Position), QueryError> {
        let (pool, included) = self.get_availability(&query.pool, freshness).await?;
        let quote = quote(&pool, query, pool.moment(included.time))?;
        Ok((quote, included.position))
    }
}

fn quote(pool: &Pool, query: &QuoteQuery, now: Timestamp) -> Result<PriceQuote, QueryError> {
    let details = pool.details.as_deref();
    let details = details.ok_or_else(|| QueryError::NoPrice {
        pool: pool.id.clone(),
        version: pool.version,
    })?;
    check(pool, details, query)?;
    let (demand, pricing) = (pool.demand(), &details.pricing);
    let show_time = details.schedule.show_time;
    let time = query.time.unwrap_or(now);
    let Quote {
        unit_price,
        explanation,
    } = pricing.quote(demand, time, show_time);
    let total = usize::try_from(query.quantity).ok();
    let total = total.and_then(|quantity| unit_price.minor.times(quantity));
    Ok(PriceQuote {
        unit_price,
        total_price: total.map(|minor| Amount {
            minor,
            ..unit_price
        }),
        pricing_version: details.pricing_version,
        explanation,
        demand_tickets: match pricing.demand_basis {
            DemandBasis::Sold => demand.sold.into(),
            DemandBasis::Committed => u64::from(demand.sold) + u64::from(demand.held),
        },
        seconds_to_show: show_time.map(|show| seconds_between(time, show)),
        preview: preview(pool, details, query, time),
        time,
    })
}

/// What depends on the pool; every violation in one answer.
fn check(pool: &Pool, details: &Details, query: &QuoteQuery) -> Result<(), QueryError> {
    let mut wrong = Vec::new();
    let most = details.limits.max_tickets_per_order;
    if query.quantity > most {
        let text = format!("must be at most {most}, as many as an order may name");
        wrong.push(WrongField::new("quantity", text));
    }
    let capacity = pool.counts.capacity();
    for (index, sold) in query.preview_sold.iter().enumerate() {
        if *sold > capacity {
            let text = format!("must be at most the capacity of {capacity}");
            wrong.push(WrongField::new(format!("preview_sold[{index}]"), text));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(QueryError::Wrong(wrong))
    }
}

/// What one ticket costs with each number sold, at each moment; nothing if neither was asked for.
fn preview(pool: &Pool, details: &Details, query: &QuoteQuery, time: Timestamp) -> Vec<PricePoint> {
    let (now, here) = ([pool.counts.sold()], [time]);
    let (sold, times) = match (&*query.preview_sold, &*query.preview_times) {
        ([], []) => return Vec::new(),
        ([], times) => (&now[..], times),
        (sold, []) => (sold, &here[..]),
        (sold, times) => (sold, times),
    };
    let capacity = pool.counts.capacity();
    let show_time = details.schedule.show_time;
    details.pricing.curve(capacity, sold, times, show_time)
}

/// Whole seconds, rounded up; below 0 if `to` is the earlier one.
fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    let micros = from.as_micros().saturating_sub(to.as_micros());
    -micros.div_euclid(1_000_000)
}

#[cfg(test)]
mod tests;
