use super::super::tests::fields;
use super::*;

const fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

const fn lasting(seconds: i64, nanos: i32) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos })
}

fn of_pool() -> v1::SalesSelection {
    v1::SalesSelection {
        scope: Some(AskedScope::Pool("pools/abc".into())),
        ..v1::SalesSelection::default()
    }
}

fn report(selection: v1::SalesSelection) -> Result<AskedReport, Vec<String>> {
    let asked = get_sales_report(&v1::GetSalesReportRequest {
        selection: Some(selection),
        ..v1::GetSalesReportRequest::default()
    });
    asked.map_err(fields)
}

#[test]
fn without_buckets_the_times_may_be_open() {
    assert_eq!(report(of_pool()).unwrap().selection.span, Span::default());
    let open = v1::SalesSelection {
        start_time: at(60),
        ..of_pool()
    };
    let span = report(open).unwrap().selection.span;
    assert_eq!(span.start, Some(Timestamp::from_micros(60_000_000)));
}

#[test]
fn with_buckets_their_number_is_bounded() {
    let buckets = |end: i64, size: i64| v1::SalesSelection {
        start_time: at(60),
        end_time: at(60 + end),
        bucket_size: lasting(size, 0),
        ..of_pool()
    };
    assert!(report(buckets(1_500 * 60, 60)).is_ok());
    let refused = report(buckets(1_501 * 60, 60)).unwrap_err();
    assert_eq!(refused, ["selection.bucket_size"]);
    assert!(report(buckets(1_501 * 60, 120)).is_ok());
    let open = v1::SalesSelection {
        bucket_size: lasting(60, 0),
        ..of_pool()
    };
    let refused = report(open.clone()).unwrap_err();
    assert_eq!(refused, ["selection.start_time", "selection.end_time"]);
    // A table has no such limit.
    let table = export_sales_report(&v1::ExportSalesReportRequest {
        selection: Some(open),
        ..v1::ExportSalesReportRequest::default()
    });
    assert_eq!(table.unwrap().selection.span.bucket, Some(MINUTE));
}

#[test]
fn buckets_and_times_are_whole_minutes() {
    for (seconds, nanos) in [
        (0, 0),
        (59, 0),
        (61, 0),
        (60, 1),
        (-60, 0),
        (i64::MAX, 0),
        (366 * 86_400 + 60, 0),
    ] {
        let selection = v1::SalesSelection {
            start_time: at(0),
            end_time: at(60),
            bucket_size: lasting(seconds, nanos),
            ..of_pool()
        };
        assert_eq!(
            report(selection).unwrap_err(),
            ["selection.bucket_size"],
            "{seconds}"
        );
    }
    let between = v1::SalesSelection {
        start_time: at(1),
        end_time: at(61),
        ..of_pool()
    };
    assert_eq!(
        report(between).unwrap_err(),
        ["selection.start_time", "selection.end_time"]
    );
}

#[test]
fn every_violation_is_in_one_answer() {
    let refused = get_sales_report(&v1::GetSalesReportRequest {
        at_least_as_fresh: "x".into(),
        ..v1::GetSalesReportRequest::default()
    });
    assert_eq!(
        fields(refused.unwrap_err()),
        ["selection", "at_least_as_fresh"]
    );
    let upside_down = v1::SalesSelection {
        scope: None,
        start_time: at(60),
        end_time: at(60),
        bucket_size: lasting(1, 0),
    };
    assert_eq!(
        report(upside_down).unwrap_err(),
        [
            "selection.scope",
            "selection.end_time",
            "selection.bucket_size"
        ]
    );
    for (scope, field) in [
        (AskedScope::Pool("abc".into()), "selection.pool"),
        (AskedScope::Promoter(String::new()), "selection.promoter"),
        (AskedScope::Show("a b".into()), "selection.show"),
    ] {
        let selection = v1::SalesSelection {
            scope: Some(scope),
            ..v1::SalesSelection::default()
        };
        assert_eq!(report(selection).unwrap_err(), [field]);
    }
}
