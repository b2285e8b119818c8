//! What a report cannot be asked.

use onsale_proto::{
    reason::Reason,
    v1::{self, sales_selection::Scope},
};

use super::{bucketed, of_pool, report};
use crate::{
    refused::{refused, violates},
    shared::{fresh_pool, shared},
    story::at,
};

#[tokio::test]
async fn a_report_of_what_cannot_be_is_refused_with_the_field() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.unwrap();
    let upside_down = v1::SalesSelection {
        start_time: at(60),
        end_time: at(0),
        ..of_pool(&id)
    };
    let nobody = v1::SalesSelection::default();
    let open = v1::SalesSelection {
        bucket_size: Some(prost_types::Duration {
            seconds: 60,
            nanos: 0,
        }),
        ..of_pool(&id)
    };
    let of = |range, size| bucketed(of_pool(&id), range, size);
    for (selection, fields) in [
        (upside_down, &["selection.end_time"][..]),
        (nobody, &["selection.scope"]),
        (open, &["selection.start_time", "selection.end_time"]),
        (of([0, 1_501 * 60], 60), &["selection.bucket_size"]),
        (of([0, 60], 30), &["selection.bucket_size"]),
        (
            of([1, 61], 60),
            &["selection.start_time", "selection.end_time"],
        ),
        (
            v1::SalesSelection {
                scope: Some(Scope::Pool("nothing".into())),
                ..of_pool(&id)
            },
            &["selection.pool"],
        ),
    ] {
        violates(report(&mut caller, selection, false, "").await, fields);
    }
    violates(
        report(&mut caller, of_pool(&id), false, "?").await,
        &["at_least_as_fresh"],
    );
    let unknown = of_pool(&fresh_pool());
    refused(
        report(&mut caller, unknown.clone(), false, "").await,
        Reason::PoolNotFound,
    );
    let request = v1::ExportSalesReportRequest {
        selection: Some(unknown),
        at_least_as_fresh: String::new(),
    };
    refused(
        caller.queries.export_sales_report(request).await,
        Reason::PoolNotFound,
    );
    let request = v1::ExportSalesReportRequest::default();
    violates(
        caller.queries.export_sales_report(request).await,
        &["selection"],
    );
}
