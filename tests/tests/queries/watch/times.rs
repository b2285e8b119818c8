//! What changes by time alone.

use onsale_proto::v1::{self, SaleStatus};
use onsale_tests::caller::{a_pool, euros, fixed_price};

use crate::{
    db::Db,
    shared::{fresh_pool, shared},
    subscription::{Subscription, watch_request},
};

const HOUR: i64 = 60 * 60;

const fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

#[tokio::test]
async fn a_sale_that_opens_costs_less_and_ends_is_shown_at_each_moment_though_nothing_happens() {
    let system = shared().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let id = fresh_pool();
    let clock = "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint";
    let opens = db.number(clock).await + 4;
    let [falls, ends] = [opens + 1, opens + 2];
    let last_hour = v1::TimeStep {
        before_show: Some(prost_types::Duration {
            seconds: HOUR,
            nanos: 0,
        }),
        change_basis_points: -1_000,
    };
    let pool = v1::Pool {
        sales_start_time: at(opens),
        sales_end_time: at(ends),
        show_time: at(falls + HOUR),
        pricing: Some(v1::Pricing {
            time_steps: vec![last_hour],
            ..fixed_price(euros(50, 0))
        }),
        ..a_pool(10)
    };
    let created = caller.create(&id, pool).await.unwrap();
    let request = v1::WatchAvailabilityRequest {
        at_least_as_fresh: created.consistency_token,
        ..watch_request(&[&id])
    };
    let mut stream = Subscription::open(&caller.queries, request).await.unwrap();
    for (moment, status, units) in [
        (0, SaleStatus::NotOpen, 50),
        (opens, SaleStatus::Open, 50),
        (falls, SaleStatus::Open, 45),
        (ends, SaleStatus::Ended, 45),
    ] {
        let state = stream.state().await;
        assert_eq!((state.sale_status(), state.version), (status, 1));
        assert_eq!(state.unit_price, Some(euros(units, 0)));
        assert!(db.number(clock).await >= moment, "not before its moment");
    }
    let asked = caller.availability(&id, "").await.unwrap();
    assert_eq!(asked.sale_status(), SaleStatus::Ended);
    assert_eq!(asked.unit_price, Some(euros(45, 0)));
}
