//! Refusals leave a trace: counted by pool, reason and second, with a few samples, and forgotten after a while.

use std::time::Duration;

use onsale_proto::reason::Reason;
use onsale_shared::{
    log::EventLog as _,
    refusals::{self, Key, Refusals, Sample, Selection},
};
use onsale_tests::{caller::claim_request, wait::eventually};
use sqlx::PgConnection;

use crate::{
    log::LIMIT,
    refused::Refused,
    shop::{Shop, fresh_pool, shared},
};

/// All that is written of one pool.
async fn trace_of(database: &mut PgConnection, pool: &str, page: u32) -> Vec<Refusals> {
    let selection = Selection {
        pool: Some(pool.to_owned()),
        reason: None,
        start: onsale_shared::time::Timestamp::default(),
        end: onsale_shared::time::Timestamp::from_micros(i64::MAX / 2),
    };
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let next = refusals::list(database, &selection, after.as_ref(), page).await;
        let next = next.expect("the trace can be read");
        let Some(last) = next.last() else {
            return rows;
        };
        after = Some(Key::of(last));
        rows.extend(next);
    }
}

#[tokio::test]
async fn each_refusal_is_counted_by_reason_and_second_and_the_first_are_kept_whole() {
    let shop = shared().await;
    let (pool, mut caller) = (fresh_pool(), shop.caller().await);
    caller.create_pool(&pool, 1).await.expect("a new name");
    let sale = caller.purchase(&pool, "first", 1).await;
    sale.expect("the only ticket");
    for n in 0..7 {
        let request = claim_request(&pool, &format!("late-{n}"), 1);
        let mut request = tonic::Request::new(request);
        request
            .metadata_mut()
            .insert("x-correlation-id", "cart-1".parse().expect("visible"));
        let status = caller.commands.claim_tickets(request).await;
        let refused = Refused::of(status.expect_err("sold out"));
        assert_eq!(refused.reason, Reason::SoldOut);
    }
    let unknown = fresh_pool();
    let status = caller.claim(&unknown, "nobody", 1).await;
    assert_eq!(
        Refused::of(status.expect_err("no such pool")).reason,
        Reason::PoolNotFound
    );

    let mut database = shop.database.admin().await;
    let database = tokio::sync::Mutex::new(&mut database);
    let rows = eventually(LIMIT, "all are written", || async {
        let rows = trace_of(*database.lock().await, &pool, 1).await;
        let counted: u64 = rows.iter().map(|row| row.count).sum();
        (counted == 7).then_some(rows)
    })
    .await;
    assert!(
        rows.is_sorted_by(|a, b| a.second > b.second),
        "newest first"
    );
    for row in &rows {
        assert_eq!((&*row.pool, &*row.reason), (&*pool, "SOLD_OUT"));
        assert!(!row.instance.is_empty());
        let kept = usize::try_from(row.count).expect("few");
        assert_eq!(row.samples.len(), kept.min(Refusals::SAMPLES_MAX));
        for sample in &row.samples {
            assert_eq!(sample.command, "ClaimTickets");
            assert_eq!(sample.correlation_id.as_deref(), Some("cart-1"));
            assert_eq!(sample.actor, "anonymous");
            assert!(sample.request_id.parse::<uuid::Uuid>().is_ok());
            let customer = sample.customer.as_deref().expect("it was named");
            assert!(customer.starts_with("late-"), "{customer}");
            assert!(sample.message.contains("sold"), "{}", sample.message);
            assert!(row.second <= sample.time);
            assert!(sample.time.since(row.second) < Duration::from_secs(1));
        }
    }
    let all = trace_of(*database.lock().await, &pool, 500).await;
    assert_eq!(all, rows, "page by page it is the same");
    eventually(
        LIMIT,
        "names of pools that are none are not kept",
        || async {
            let rows = trace_of(*database.lock().await, "", 500).await;
            let unknown = rows.iter().find(|row| row.reason == "POOL_NOT_FOUND");
            unknown.map(drop)
        },
    )
    .await;
    let rows = trace_of(*database.lock().await, &unknown, 10).await;
    assert_eq!(rows, []);
}

#[tokio::test]
async fn what_is_written_twice_adds_up_and_what_is_old_is_forgotten() {
    let shop = Shop::start(&[("ONSALE_REFUSALS_KEPT_HOURS", "1")]).await;
    let mut database = shop.database.admin().await;
    let now = shop.database.log().await.clock().now();
    let row = |hours, pool: &str| Refusals {
        second: now.minus(Duration::from_hours(hours)),
        pool: pool.to_owned(),
        reason: "SOLD_OUT".to_owned(),
        instance: "another".to_owned(),
        count: 2,
        samples: vec![Sample {
            time: now,
            command: "ClaimTickets".to_owned(),
            request_id: String::new(),
            correlation_id: None,
            actor: "anonymous".to_owned(),
            customer: None,
            message: "all tickets are sold".to_owned(),
        }],
    };
    for rows in [
        [row(0, "a-pool"), row(2, "an-old-one")],
        [row(0, "a-pool"), row(3, "an-old-one")],
    ] {
        let added = refusals::add(&mut database, &rows).await;
        added.expect("the trace can be written");
    }
    let database = tokio::sync::Mutex::new(&mut database);
    eventually(LIMIT, "what is old is forgotten", || async {
        let rows = trace_of(*database.lock().await, "an-old-one", 10).await;
        rows.is_empty().then_some(())
    })
    .await;
    let kept = trace_of(*database.lock().await, "a-pool", 10).await;
    assert_eq!(kept.iter().map(|row| row.count).collect::<Vec<_>>(), [4]);
}
