//! Of what promoters change.

use onsale_proto::v1::{self, SaleStatus};
use onsale_tests::caller::{
    capacity_request, limits_request, reschedule_request, resume_request, stop_request,
};

use super::seen;
use crate::shared::{fresh_pool, shared};

const fn time(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

const fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

#[tokio::test]
async fn a_pool_gets_more_tickets_and_fewer() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 4).await.unwrap();
    caller.purchase(&id, "a", 3).await.unwrap();
    caller.claim(&id, "b", 1).await.unwrap();
    for (capacity, available, status) in [
        (9, 5, SaleStatus::Open),
        (4, 0, SaleStatus::SoldOutForNow),
        (10_000_000, 9_999_996, SaleStatus::Open),
    ] {
        let change = caller
            .commands
            .change_capacity(capacity_request(&id, capacity));
        let receipt = change.await.unwrap().into_inner().receipt;
        let seen = seen(&system, &mut caller, &id, receipt).await;
        assert_eq!(seen.counts, [3, 1, available, capacity]);
        assert_eq!(seen.pool.capacity, capacity);
        assert_eq!(seen.status, status);
    }
}

#[tokio::test]
async fn times_are_replaced_and_open_and_close_the_sale() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 4).await.unwrap();
    for (show_time, sales_start_time, sales_end_time, status) in [
        (None, time(4_000_000_000), None, SaleStatus::NotOpen),
        (
            time(4_100_000_000),
            time(1_500_000_000),
            time(4_000_000_000),
            SaleStatus::Open,
        ),
        (None, None, None, SaleStatus::Open),
    ] {
        let times = v1::ReschedulePoolRequest {
            show_time,
            sales_start_time,
            sales_end_time,
            ..reschedule_request(&id)
        };
        let change = caller.commands.reschedule_pool(times).await;
        let receipt = change.unwrap().into_inner().receipt;
        let v1::Pool {
            show_time: show,
            sales_start_time: start,
            sales_end_time: end,
            ..
        } = {
            let seen = seen(&system, &mut caller, &id, receipt).await;
            assert_eq!(seen.status, status);
            seen.pool
        };
        assert_eq!(
            [show, start, end],
            [show_time, sales_start_time, sales_end_time]
        );
        assert_eq!(
            caller.claim(&id, "c", 1).await.is_ok(),
            status == SaleStatus::Open
        );
    }
}

#[tokio::test]
async fn limits_are_replaced_and_hold_for_later_orders() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 100).await.unwrap();
    let before = caller.claim(&id, "c", 4).await.unwrap();
    let limits = v1::ChangeLimitsRequest {
        max_tickets_per_order: 6,
        max_tickets_per_customer: 10,
        claim_duration: seconds(30),
        late_purchase_window: seconds(0),
        ..limits_request(&id)
    };
    let change = caller.commands.change_limits(limits).await.unwrap();
    let pool = seen(&system, &mut caller, &id, change.into_inner().receipt)
        .await
        .pool;
    assert_eq!(
        (pool.max_tickets_per_order, pool.max_tickets_per_customer),
        (6, 10)
    );
    assert_eq!(
        (pool.claim_duration, pool.late_purchase_window),
        (seconds(30), seconds(0))
    );
    let after = caller.claim(&id, "c", 6).await.unwrap();
    let deadline = |claim: &v1::Claim| claim.expire_time.unwrap().seconds;
    assert!(
        deadline(&after) + 500 < deadline(&before),
        "it keeps its deadline"
    );
    assert!(
        caller.claim(&id, "c", 1).await.is_err(),
        "a customer has at most 10"
    );

    let change = caller
        .commands
        .change_limits(limits_request(&id))
        .await
        .unwrap();
    let pool = seen(&system, &mut caller, &id, change.into_inner().receipt)
        .await
        .pool;
    assert_eq!(
        (pool.max_tickets_per_order, pool.max_tickets_per_customer),
        (4, 4)
    );
    assert_eq!(
        (pool.claim_duration, pool.late_purchase_window),
        (seconds(600), seconds(900))
    );
}

#[tokio::test]
async fn an_etag_that_was_read_is_the_state_that_an_edit_is_made_on() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let created = caller.create_pool(&id, 10).await.unwrap();
    let read = caller
        .pool(&id, &created.consistency_token)
        .await
        .unwrap()
        .etag;
    let stop = v1::StopSalesRequest {
        etag: read.clone(),
        ..stop_request(&id, v1::StopMode::FinishClaims)
    };
    let receipt = caller
        .commands
        .stop_sales(stop)
        .await
        .unwrap()
        .into_inner()
        .receipt;
    let seen_stopped = seen(&system, &mut caller, &id, receipt).await;
    assert_eq!(seen_stopped.status, SaleStatus::Stopped);

    let stale = v1::ResumeSalesRequest {
        etag: read.clone(),
        merge: true,
        ..resume_request(&id)
    };
    assert!(
        caller.commands.resume_sales(stale).await.is_err(),
        "it was stopped since"
    );
    let merged = v1::ChangeCapacityRequest {
        etag: read,
        merge: true,
        ..capacity_request(&id, 20)
    };
    let receipt = caller
        .commands
        .change_capacity(merged)
        .await
        .unwrap()
        .into_inner()
        .receipt;
    assert_eq!(
        seen(&system, &mut caller, &id, receipt).await.counts,
        [0, 0, 20, 20]
    );
    let resume = v1::ResumeSalesRequest {
        etag: seen_stopped.pool.etag,
        merge: true,
        ..resume_request(&id)
    };
    let receipt = caller
        .commands
        .resume_sales(resume)
        .await
        .unwrap()
        .into_inner()
        .receipt;
    let resumed = seen(&system, &mut caller, &id, receipt).await;
    assert_eq!(resumed.status, SaleStatus::Open);
    assert_eq!(resumed.pool.etag, "4");
}
