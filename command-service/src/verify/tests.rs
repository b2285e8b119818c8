use onsale_shared::{
    event::{Metadata, ReleaseCause, StopMode, encode},
    id::PoolId,
    log::{AppendBatch, Group, NewEvent, memory::MemoryLog},
};

use super::*;
use crate::domain::commands::testing::*;

/// A log with these events in the stream of a pool.
async fn log_of(pools: &[(&str, Vec<PoolEvent>)]) -> MemoryLog {
    let log = MemoryLog::new(minute(0));
    let mut ids = onsale_shared::id::Ids::from(uuid::Uuid::from_u128(1 << 64));
    for (pool, events) in pools {
        let stream = StreamName::of_pool(&PoolId::parse(pool).unwrap());
        for (event, version) in events.iter().zip(0..) {
            let encoded = encode(event).unwrap();
            let new = NewEvent {
                id: ids.event(),
                kind: encoded.kind,
                schema: encoded.schema,
                time: minute(0),
                data: encoded.data,
                metadata: Metadata::default().to_json().unwrap(),
                origin: None,
            };
            let expected = Version::new(version).unwrap();
            let group = Group::of_stream(stream.clone(), expected, vec![new]);
            log.append(&AppendBatch::new(vec![group]).unwrap())
                .await
                .unwrap();
        }
    }
    log
}

fn a_whole_sale() -> Vec<PoolEvent> {
    let mut events = vec![created(), claimed(1, 1), claimed(1, 2), bought(1, 1)];
    events.extend([
        extended(1, 1, 17),
        released(1, 2, ReleaseCause::Customer),
        refunded(1, 1),
        price_changed(1),
        capacity_changed(20),
        stopped(StopMode::VoidClaims),
        resumed(),
        cancelled(),
    ]);
    events
}

#[tokio::test]
async fn a_log_in_which_everything_can_have_happened_is_sound() {
    let log = log_of(&[("abc", a_whole_sale()), ("xyz", vec![created()])]).await;
    let report = verify_log(&log).await.unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!(
        report.to_string(),
        "13 events of 2 pools, up to position 13: all of it can have happened"
    );
}

#[tokio::test]
async fn the_first_event_of_a_pool_that_cannot_have_happened_is_named_with_the_reason() {
    let full: Vec<_> = [created()].into_iter().chain(sold(CAPACITY)).collect();
    let then = |events: &[PoolEvent], event: PoolEvent| {
        let mut events = events.to_vec();
        events.extend([event, bought(9, 9)]);
        events
    };
    let held = [created(), claimed(1, 1)];
    let limited = created_with(|pool| pool.limits.max_tickets_per_customer = 1);
    let cases = [
        (vec![claimed(1, 1)], "the pool was not created before"),
        (then(&[created()], created()), "the pool was created before"),
        (
            then(&full, claimed(1, 1)),
            "more tickets are sold and held than there are",
        ),
        (
            then(&held, capacity_changed(0)),
            "more tickets are sold and held than there are",
        ),
        (then(&held, claimed(1, 1)), "the ticket was claimed before"),
        (
            then(&held, bought(1, 2)),
            "the ticket was not claimed before",
        ),
        (then(&held, refunded(1, 1)), "the ticket was not sold"),
        (
            then(
                &[created(), claimed(1, 1), bought(1, 1)],
                released(1, 1, ReleaseCause::Expired),
            ),
            "the ticket was not held",
        ),
        (
            then(&[created(), stopped(StopMode::FinishClaims)], claimed(1, 1)),
            "sales were stopped before",
        ),
        (
            then(&[created(), cancelled()], claimed(1, 1)),
            "the pool was cancelled before",
        ),
        (then(&[created()], resumed()), "sales were not stopped"),
        (
            then(&[limited, claimed(1, 1)], claimed(2, 2)),
            "the customer has more tickets than one may have",
        ),
        (
            then(
                &held,
                of_customer("customer-2", released(1, 1, ReleaseCause::Customer)),
            ),
            "it contradicts the pool",
        ),
    ];
    for (events, wrong) in cases {
        let bad = match events.len() {
            1 => 1,
            many => many - 1,
        };
        let log = log_of(&[("sound", a_whole_sale()), ("bad", events)]).await;
        let report = verify_log(&log).await.unwrap();
        let [finding] = report.findings.as_slice() else {
            panic!("{wrong}: {report}")
        };
        assert_eq!(finding.wrong, wrong);
        assert_eq!(finding.stream.as_str(), "pools/bad");
        assert_eq!(
            finding.version.get(),
            i64::try_from(bad).unwrap(),
            "{wrong}"
        );
        assert_eq!(finding.position.get(), finding.version.get() + 12);
    }
}
