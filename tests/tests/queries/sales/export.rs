//! Sales as a table.

use std::collections::HashMap;

use onsale_proto::v1;
use onsale_tests::{caller::Caller, system::System};

use super::{FIXED, bucketed, of_pool, three_hours};
use crate::story::Story;

/// A line of a table, by column.
#[derive(Debug)]
pub(crate) struct Line(HashMap<String, String>);

impl Line {
    pub(crate) fn text(&self, column: &str) -> &str {
        &self.0[column]
    }

    pub(crate) fn number(&self, column: &str) -> i64 {
        self.text(column).parse().unwrap()
    }

    /// An amount with two decimals.
    pub(crate) fn cents(&self, column: &str) -> i64 {
        self.text(column).replace('.', "").parse().unwrap()
    }
}

/// The pieces of a table; all say the same of what they include.
async fn pieces(caller: &mut Caller, selection: v1::SalesSelection, token: &str) -> Vec<String> {
    let request = v1::ExportSalesReportRequest {
        selection: Some(selection),
        at_least_as_fresh: token.to_owned(),
    };
    let stream = caller.queries.export_sales_report(request).await;
    let mut stream = stream.unwrap().into_inner();
    let (mut pieces, mut tokens) = (Vec::new(), Vec::new());
    while let Some(piece) = stream.message().await.unwrap() {
        pieces.push(piece.csv);
        tokens.push(piece.consistency_token);
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    pieces
}

/// The lines of a table without quotes in it.
pub(crate) async fn exported(
    caller: &mut Caller,
    selection: v1::SalesSelection,
    token: &str,
) -> Vec<Line> {
    let table = pieces(caller, selection, token).await.concat();
    let mut lines = table.strip_suffix("\r\n").unwrap().split("\r\n");
    let columns: Vec<_> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| {
            let fields: Vec<_> = line.split(',').map(str::to_owned).collect();
            assert_eq!(fields.len(), columns.len(), "{line}");
            let names = columns.iter().map(|&column| column.to_owned());
            Line(names.zip(fields).collect())
        })
        .collect()
}

#[tokio::test]
async fn a_table_has_a_header_and_a_line_for_each_bucket_and_price() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let mut story = three_hours("hours");
    story.events[0].2 = story.events[0].2.replace(
        r#""capacity""#,
        r#""promoter":"a,\"b\"","show":"s","capacity""#,
    );
    let token = story.record(&system.database).await;
    let selection = bucketed(of_pool("hours"), [0, 3 * super::HOUR - 60], 2 * super::HOUR);
    let table = pieces(&mut caller, selection, &token).await.concat();
    let line = |start, end, rest: &str| {
        format!(
            "hours,\"a,\"\"b\"\"\",s,2026-01-05T{start}:00.000000Z,2026-01-05T{end}:00.000000Z,EUR,{rest}\r\n"
        )
    };
    let expected = [
        "pool,promoter,show,bucket_start,bucket_end,currency,unit_price,tickets,granted_tickets,refunded_tickets,\
         refunded_granted_tickets,revenue,refunds\r\n".to_owned(),
        line("10:00", "12:00", "10.00,3,0,0,0,30.00,0.00"),
        line("10:00", "12:00", "15.00,1,0,0,0,15.00,0.00"),
        line("10:00", "12:00", "20.00,1,0,0,0,20.00,0.00"),
        line("12:00", "12:59", "0.00,0,1,0,1,0.00,0.00"),
        line("12:00", "12:59", "10.00,1,0,0,0,10.00,0.00"),
        line("12:00", "12:59", "15.00,0,0,1,0,0.00,15.00"),
    ];
    assert_eq!(table, expected.concat());
}

#[tokio::test]
async fn a_long_table_comes_in_pieces_of_whole_lines_and_of_one_snapshot() {
    const MINUTES: i64 = 3_000;
    let system = System::start().await;
    let mut caller = system.caller().await;
    let mut story = Story::of("long", 10_000, FIXED, "");
    for minute in 0..MINUTES {
        story.sale(minute * 60, 1_000);
    }
    let token = story.record(&system.database).await;
    let request = v1::ExportSalesReportRequest {
        selection: Some(of_pool("long")),
        at_least_as_fresh: token,
    };
    let stream = caller.queries.export_sales_report(request).await;
    let mut stream = stream.unwrap().into_inner();
    // It has begun; what is sold from now on is not in it.
    let mut pieces = vec![stream.message().await.unwrap().unwrap()];
    story.sale(MINUTES * 60, 1_000).refund(MINUTES * 60, 5);
    let later = story.record(&system.database).await;
    let now = super::report(&mut caller, of_pool("long"), false, &later)
        .await
        .unwrap();
    assert_eq!(now.totals[0].tickets, MINUTES + 1);
    while let Some(piece) = stream.message().await.unwrap() {
        pieces.push(piece);
    }
    assert!(pieces.len() > 3, "{}", pieces.len());
    let is_whole = |piece: &v1::ExportSalesReportResponse| piece.csv.ends_with("\r\n");
    assert!(pieces.iter().all(is_whole));
    let token = pieces[0].consistency_token.clone();
    assert!(pieces.iter().all(|piece| piece.consistency_token == token));
    let table: String = pieces.into_iter().map(|piece| piece.csv).collect();
    let lines: Vec<_> = table.lines().skip(1).collect();
    assert_eq!(i64::try_from(lines.len()).unwrap(), MINUTES);
    assert!(lines.is_sorted());
    assert!(
        lines
            .iter()
            .all(|line| line.ends_with("EUR,10.00,1,0,0,0,10.00,0.00"))
    );
}
