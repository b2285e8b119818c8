//! Reports of sales: what was sold and refunded, in buckets of time, by price, as answers and as tables.

mod export;
mod invalid;
mod money;

use onsale_proto::{
    Money, name,
    v1::{self, sales_selection::Scope},
};
use onsale_tests::{
    caller::{Caller, euros},
    system::System,
};
use tonic::Status;

use super::story::{EPOCH, Story, at};

/// A selection of one pool's sales.
pub(crate) fn of_pool(pool: &str) -> v1::SalesSelection {
    v1::SalesSelection {
        scope: Some(Scope::Pool(name::pool(pool))),
        ..v1::SalesSelection::default()
    }
}

/// A selection in buckets of so many seconds.
pub(crate) fn bucketed(
    selection: v1::SalesSelection,
    [start, end]: [i64; 2],
    size: i64,
) -> v1::SalesSelection {
    v1::SalesSelection {
        start_time: at(start),
        end_time: at(end),
        bucket_size: Some(prost_types::Duration {
            seconds: size,
            nanos: 0,
        }),
        ..selection
    }
}

pub(crate) async fn report(
    caller: &mut Caller,
    selection: v1::SalesSelection,
    by_price: bool,
    token: &str,
) -> Result<v1::GetSalesReportResponse, Status> {
    let request = v1::GetSalesReportRequest {
        selection: Some(selection),
        by_price,
        at_least_as_fresh: token.to_owned(),
    };
    let answer = caller.queries.get_sales_report(request).await?;
    Ok(answer.into_inner())
}

/// Tickets, refunded tickets, revenue and refunds in cents.
type Short = (i64, i64, i64, i64);

fn short(sums: &v1::SalesSums) -> Short {
    let (revenue, refunds) = (cents(sums.revenue.as_ref()), cents(sums.refunds.as_ref()));
    (sums.tickets, sums.refunded_tickets, revenue, refunds)
}

fn cents(money: Option<&Money>) -> i64 {
    let money = money.expect("an amount");
    money.units * 100 + i64::from(money.nanos / 10_000_000)
}

/// Where a bucket begins, in seconds of a story, and its sums.
fn buckets(report: &v1::GetSalesReportResponse) -> Vec<(i64, Short)> {
    let of = |bucket: &v1::SalesBucket| {
        let start = bucket.start_time.expect("a start").seconds - EPOCH;
        (start, short(bucket.sums.as_ref().expect("sums")))
    };
    report.buckets.iter().map(of).collect()
}

const FIXED: &str = r#"{"currency":"EUR","base_price":1000}"#;
const HOUR: i64 = 3_600;

/// Sales in three hours, with a refund two hours after its sale.
fn three_hours(pool: &str) -> Story {
    let mut story = Story::of(pool, 100, FIXED, "");
    story
        .sale(1, 1_000)
        .sale(59, 1_000)
        .sale(60, 1_500)
        .sale(HOUR - 1, 1_000)
        .sale(HOUR, 2_000)
        .refund(2 * HOUR, 2)
        .sale(2 * HOUR + 1, 1_000)
        .grant(2 * HOUR + 2)
        .refund(2 * HOUR + 3, 0);
    story
}

#[tokio::test]
async fn sales_fall_into_buckets_by_the_time_of_their_events() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let token = three_hours("hours").record(&system.database).await;
    let of = |range, size| bucketed(of_pool("hours"), range, size);

    let hours = report(&mut caller, of([0, 3 * HOUR], HOUR), false, &token)
        .await
        .unwrap();
    assert_eq!(
        buckets(&hours),
        [
            (0, (4, 0, 4_500, 0)),
            (HOUR, (1, 0, 2_000, 0)),
            (2 * HOUR, (1, 1, 1_000, 1_500)),
        ]
    );
    assert_eq!(hours.totals.len(), 1);
    assert_eq!(short(&hours.totals[0]), (6, 1, 7_500, 1_500));
    let last = hours.buckets[2].sums.as_ref().unwrap();
    assert_eq!(
        (last.granted_tickets, last.refunded_granted_tickets),
        (1, 1)
    );

    // Buckets begin where the selection does, and end with it.
    let halves = report(&mut caller, of([60, 2 * HOUR + 60], 90 * 60), false, &token)
        .await
        .unwrap();
    assert_eq!(
        buckets(&halves),
        [(60, (3, 0, 4_500, 0)), (60 + 5_400, (1, 1, 1_000, 1_500))]
    );
    assert_eq!(halves.buckets[1].end_time, at(2 * HOUR + 60));
    let minutes = report(&mut caller, of([0, HOUR], 60), false, &token)
        .await
        .unwrap();
    let starts: Vec<_> = buckets(&minutes).iter().map(|bucket| bucket.0).collect();
    assert_eq!(starts, [0, 60, HOUR - 60], "empty ones are left out");

    // Without a size all is one bucket.
    let all = report(&mut caller, of_pool("hours"), true, &token)
        .await
        .unwrap();
    assert_eq!(all.buckets.len(), 1);
    assert_eq!(
        (all.buckets[0].start_time, all.buckets[0].end_time),
        (None, None)
    );
    let prices: Vec<_> = all.buckets[0]
        .prices
        .iter()
        .map(|price| {
            (
                price.unit_price.clone().unwrap(),
                short(price.sums.as_ref().unwrap()),
            )
        })
        .collect();
    assert_eq!(
        prices,
        [
            (euros(0, 0), (0, 0, 0, 0)),
            (euros(10, 0), (4, 0, 4_000, 0)),
            (euros(15, 0), (1, 1, 1_500, 1_500)),
            (euros(20, 0), (1, 0, 2_000, 0)),
        ]
    );
}

#[tokio::test]
async fn a_promoter_and_a_show_have_the_sales_of_their_pools_by_currency() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let yen = r#"{"currency":"JPY","base_price":500}"#;
    let mut token = String::new();
    for (pool, pricing, promoter, show) in [
        ("one", FIXED, "acme", "show-1"),
        ("two", yen, "acme", "show-2"),
        ("three", FIXED, "acme", "show-2"),
        ("four", FIXED, "other", "show-1"),
    ] {
        let more = format!(r#","promoter":"{promoter}","show":"{show}""#);
        let mut story = Story::of(pool, 100, pricing, &more);
        story.sale(10, 500).sale(70, 500);
        token = story.record(&system.database).await;
    }
    let mut totals = async |scope| {
        let selection = v1::SalesSelection {
            scope: Some(scope),
            ..v1::SalesSelection::default()
        };
        let report = report(&mut caller, selection, false, &token).await.unwrap();
        let of = |sums: &v1::SalesSums| {
            let revenue = sums.revenue.clone().unwrap();
            (revenue.currency_code, revenue.units, sums.tickets)
        };
        report.totals.iter().map(of).collect::<Vec<_>>()
    };
    let euros = |units, tickets| ("EUR".to_owned(), units, tickets);
    let yen = ("JPY".to_owned(), 1_000, 2);
    let promoter = |name: &str| Scope::Promoter(name.to_owned());
    let show = |name: &str| Scope::Show(name.to_owned());
    assert_eq!(totals(promoter("acme")).await, [euros(20, 4), yen.clone()]);
    assert_eq!(totals(promoter("other")).await, [euros(10, 2)]);
    assert_eq!(totals(show("show-1")).await, [euros(20, 4)]);
    assert_eq!(totals(show("show-2")).await, [euros(10, 2), yen]);
    assert_eq!(totals(show("nobody")).await, []);
}
