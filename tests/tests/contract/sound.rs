//! Whether what the log says could have happened, asked in SQL: the rules told a second time.

use onsale_tests::database::TestDatabase;
use serde_json::json;

use crate::{log, shop::Shop};

/// One row for each pool that sold more than it had, after any event, and for each ticket that lived as no ticket lives.
const VIOLATIONS: &str = "
WITH e AS (
    SELECT stream, version, type, data ->> 'ticket' AS ticket,
           CASE WHEN type IN ('PoolCreated', 'CapacityChanged') THEN (data ->> 'capacity')::bigint END AS capacity,
           CASE type WHEN 'TicketClaimed' THEN 1 WHEN 'TicketReleased' THEN -1 WHEN 'TicketRefunded' THEN -1 ELSE 0 END
               AS places
      FROM onsale_log.events
), counted AS (
    SELECT stream, version, sum(places) OVER w AS committed, capacity, count(capacity) OVER w AS era
      FROM e WINDOW w AS (PARTITION BY stream ORDER BY version)
), held_to AS (
    SELECT stream, version, committed, max(capacity) OVER (PARTITION BY stream, era) AS capacity FROM counted
), lives AS (
    SELECT stream, ticket, string_agg(type, ' ' ORDER BY version) AS life
      FROM e WHERE ticket IS NOT NULL GROUP BY stream, ticket
)
SELECT DISTINCT ON (stream) stream || ': ' || committed || ' of ' || capacity || ' after ' || version
  FROM held_to WHERE committed > capacity OR committed < 0 OR capacity IS NULL
 UNION ALL
SELECT stream || ': ' || ticket || ': ' || life
  FROM lives
 WHERE life NOT IN ('TicketClaimed', 'TicketClaimed TicketBought', 'TicketClaimed TicketReleased',
                    'TicketClaimed TicketBought TicketRefunded')
 UNION ALL
SELECT stream || ': a version is missing' FROM e GROUP BY stream HAVING max(version) <> count(*)
 UNION ALL
SELECT 'a position is missing' FROM onsale_log.events HAVING max(position) <> count(*)";

/// What cannot have happened; nothing, if all is well.
pub(crate) async fn violations(database: &TestDatabase) -> Vec<String> {
    sqlx::query_scalar(VIOLATIONS)
        .fetch_all(&mut database.admin().await)
        .await
        .expect("the log can be asked")
}

#[tokio::test]
async fn what_cannot_have_happened_is_found() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    for id in ["oversold", "shrunk", "sold-twice", "sound-one"] {
        caller.create_pool(id, 2).await.expect("a new name");
        caller.purchase(id, "c", 2).await.expect("places");
    }
    assert_eq!(violations(&shop.database).await, Vec::<String>::new());

    let of_two = log::events(&shop.database, "sold-twice").await;
    let bought = of_two.iter().find(|event| event.kind == "TicketBought");
    let bought = bought.expect("a sale").data.clone();
    let claimed = json!({ "ticket": "f3ed2f11-5ff5-4a31-a4a4-1d4b4a4b4a4b" });
    for (id, kind, data) in [
        ("oversold", "TicketClaimed", claimed),
        ("shrunk", "CapacityChanged", json!({ "capacity": 1 })),
        ("sold-twice", "TicketBought", bought),
    ] {
        log::plant(&shop.database, id, kind, &data).await;
        let found = violations(&shop.database).await;
        let found = found.iter().filter(|text| text.contains(id));
        assert_eq!(found.count(), 1, "{id}");
    }
    assert_eq!(violations(&shop.database).await.len(), 3);
}
