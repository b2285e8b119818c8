//! Times: which events were decided in a range, though times rise with positions only nearly.

use onsale_proto::v1;

use super::asking::{all, of_pool, positions};
use crate::{db::Db, shared::fresh_pool};

fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

#[tokio::test]
async fn an_event_that_was_decided_long_before_its_neighbours_is_found_by_its_time() {
    let system = onsale_tests::system::System::start().await;
    let db = Db::of(&system.database).await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 100).await.expect("a new name");
    // Blocks of 4,096 positions: this one is in the second, between events of today.
    db.execute(&format!(
        "INSERT INTO onsale_log.events (position, version, event_id, time, recorded_at, schema, stream, type, data, metadata) \
         SELECT n, n, gen_random_uuid(), \
                CASE n WHEN 5000 THEN timestamptz '2020-05-05Z' \
                       WHEN 5001 THEN '2020-05-06Z' ELSE '2021-01-01Z'::timestamptz + n * interval '1 second' END, \
                now(), 1, 'pools/{id}', 'SalesResumed', '{{}}', '{{}}' FROM generate_series(2, 9000) n"
    ))
    .await;
    let token = onsale_shared::token::ConsistencyToken::new(
        onsale_shared::log::Position::new(9_000).expect("a position"),
    )
    .encode();
    let mut found = async |start_time, end_time, newest_first| {
        let request = v1::ReadEventsRequest {
            start_time,
            end_time,
            newest_first,
            page_size: 500,
            ..of_pool(&id, &token)
        };
        positions(&all(&mut caller, &request).await)
    };
    let (may_5, may_6) = (at(1_588_636_800), at(1_588_723_200));
    let new_year = 1_609_459_200;
    for newest_first in [false, true] {
        assert_eq!(found(None, may_6, newest_first).await, [5_000]);
        assert_eq!(found(may_5, may_6, newest_first).await, [5_000]);
        assert_eq!(found(may_6, at(new_year), newest_first).await, [5_001]);
        assert_eq!(found(at(0), may_5, newest_first).await, [0; 0]);
        assert_eq!(found(at(4_000_000_000), None, newest_first).await, [0; 0]);
        let seconds = found(at(new_year + 4_090), at(new_year + 4_100), newest_first).await;
        let mut expected: Vec<_> = (4_090..4_100).collect();
        if newest_first {
            expected.reverse();
        }
        assert_eq!(seconds, expected);
        let after = found(at(new_year + 4_000), at(new_year + 6_000), newest_first).await;
        assert_eq!(after.len(), 1_998, "all but the two of long before");
        // The one of today is the creation of the pool.
        assert_eq!(found(at(new_year + 100_000), None, newest_first).await, [1]);
    }
}
