//! Sums of sales as the contract writes them.

use onsale_proto::{Money, v1};
use onsale_shared::{
    log::Position,
    money::{Amount, Currency},
    time::Timestamp,
};

use super::{money, money_of, timestamp, token};
use crate::{
    projections::sales::Sums,
    queries::SalesReport,
    read_models::sales_report::{Line, Span},
};

/// A report on a span that includes all events up to `included`.
pub(in crate::grpc) fn sales_report(
    report: &SalesReport,
    span: Span,
    included: Position,
) -> v1::GetSalesReportResponse {
    let same = |a: &Line, b: &Line| (a.start, a.currency) == (b.start, b.currency);
    let buckets = report.lines.chunk_by(same);
    let totals = report.totals.iter();
    v1::GetSalesReportResponse {
        buckets: buckets.filter_map(|lines| bucket(lines, span)).collect(),
        totals: totals
            .map(|(currency, total)| sums(total, *currency))
            .collect(),
        consistency_token: token(included),
    }
}

/// The lines of one bucket and currency.
fn bucket(lines: &[Line], span: Span) -> Option<v1::SalesBucket> {
    let Line {
        start, currency, ..
    } = *lines.first()?;
    let mut total = Sums::default();
    for line in lines {
        total.add(&line.sums);
    }
    let [start, end] = bounds(start, span);
    let price = |line: &Line| {
        Some(v1::PriceSums {
            unit_price: Some(money(Amount {
                currency,
                minor: line.unit_price?,
            })),
            sums: Some(sums(&line.sums, currency)),
        })
    };
    Some(v1::SalesBucket {
        start_time: start.map(timestamp),
        end_time: end.map(timestamp),
        sums: Some(sums(&total, currency)),
        prices: lines.iter().filter_map(price).collect(),
    })
}

/// Where a bucket begins and ends. One that is all of the span may be open.
pub(in crate::grpc) fn bounds(start: Option<Timestamp>, span: Span) -> [Option<Timestamp>; 2] {
    let Some((start, length)) = start.zip(span.bucket) else {
        return [span.start, span.end];
    };
    let end = start.plus(length);
    [
        Some(start),
        Some(span.end.map_or(end, |last| end.min(last))),
    ]
}

fn sums(sums: &Sums, currency: Currency) -> v1::SalesSums {
    v1::SalesSums {
        tickets: sums.tickets,
        granted_tickets: sums.granted_tickets,
        refunded_tickets: sums.refunded_tickets,
        refunded_granted_tickets: sums.refunded_granted_tickets,
        revenue: amount(sums.revenue, currency),
        refunds: amount(sums.refunds, currency),
    }
}

/// None beyond what 64 bits hold. What the log says is below zero is told as it is.
fn amount(minor: i128, currency: Currency) -> Option<Money> {
    let minor = i64::try_from(minor).ok()?;
    Some(money_of(minor, currency))
}
