//! Sales as lines of CSV, as RFC 4180 has them.

use std::{borrow::Cow, fmt::Write as _};

use futures::{Stream, stream::unfold};
use onsale_proto::v1;
use onsale_shared::{money::Currency, time::Timestamp};
use tonic::Status;

use super::{
    convert::{bounds, token},
    status,
};
use crate::{
    queries::SalesExport,
    read_models::{sales_export::Row, sales_report::Seller},
};

const HEADER: &str = "pool,promoter,show,bucket_start,bucket_end,currency,unit_price,tickets,granted_tickets,\
                      refunded_tickets,refunded_granted_tickets,revenue,refunds\r\n";

/// The pieces of a table, each of whole lines, until it is complete or cannot be completed.
pub(super) fn csv(
    export: SalesExport,
    correlation: String,
) -> impl Stream<Item = Result<v1::ExportSalesReportResponse, Status>> {
    let piece = |export: &SalesExport, csv| v1::ExportSalesReportResponse {
        csv,
        consistency_token: token(export.included),
    };
    let head = piece(&export, HEADER.to_owned());
    let begun = (Some(export), Some(head));
    unfold(begun, move |(export, head)| {
        let correlation = correlation.clone();
        async move {
            let mut export = export?;
            if let Some(head) = head {
                return Some((Ok(head), (Some(export), None)));
            }
            match export.next().await {
                Ok(Some(rows)) => {
                    let lines = lines(&export, &rows);
                    Some((Ok(piece(&export, lines)), (Some(export), None)))
                }
                Ok(None) => None,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        correlation_id = correlation,
                        "an export of sales failed"
                    );
                    Some((Err(status::of_error(&error, &correlation)), (None, None)))
                }
            }
        }
    })
}

fn lines(export: &SalesExport, rows: &[Row]) -> String {
    let mut lines = String::with_capacity(rows.len() * 128);
    for row in rows {
        let found = export
            .sellers
            .binary_search_by(|seller| seller.pool.cmp(&row.pool));
        // Only pools that were asked for are read.
        if let Some(seller) = found.ok().and_then(|at| export.sellers.get(at)) {
            let [_, end] = bounds(Some(row.start), export.span);
            line(&mut lines, seller, row, end.unwrap_or(row.start));
        }
    }
    lines
}

fn line(lines: &mut String, seller: &Seller, row: &Row, end: Timestamp) {
    let text = |text: &Option<String>| field(text.as_deref().unwrap_or_default()).into_owned();
    let amount = |minor| decimal(minor, seller.currency);
    let sums = &row.sums;
    // Writing to a string does not fail.
    write!(
        lines,
        "{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
        seller.pool,
        text(&seller.promoter),
        text(&seller.show),
        row.start,
        end,
        seller.currency,
        amount(row.unit_price.get().into()),
        sums.tickets,
        sums.granted_tickets,
        sums.refunded_tickets,
        sums.refunded_granted_tickets,
        amount(sums.revenue),
        amount(sums.refunds),
    )
    .ok();
}

/// In quotes if it could be taken for something else.
fn field(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}

/// So many minor units as a decimal number, with all decimals of the currency.
fn decimal(minor: i128, currency: Currency) -> String {
    let decimals = currency.decimals();
    let scale = 10_u128.pow(decimals);
    let sign = if minor < 0 { "-" } else { "" };
    let (units, rest) = (minor.unsigned_abs() / scale, minor.unsigned_abs() % scale);
    match usize::try_from(decimals).unwrap_or(0) {
        0 => format!("{sign}{units}"),
        width => format!("{sign}{units}.{rest:0width$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_could_be_taken_for_something_else_are_quoted() {
        for (text, expected) in [
            ("acme/7", "acme/7"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say\"so\"", "\"say\"\"so\"\"\""),
            ("a\r\nb", "\"a\r\nb\""),
        ] {
            assert_eq!(field(text), expected);
        }
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let of = |code, minor| decimal(minor, Currency::parse(code).unwrap());
        assert_eq!(of("EUR", 4_905), "49.05");
        assert_eq!(of("EUR", 5), "0.05");
        assert_eq!(of("EUR", -5), "-0.05");
        assert_eq!(of("JPY", 4_905), "4905");
        assert_eq!(of("KWD", 4_905), "4.905");
        assert_eq!(
            of("EUR", i128::from(i64::MAX) * 1_000),
            "92233720368547758070.00"
        );
    }
}
