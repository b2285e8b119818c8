//! How much of a large table a read looks at, by PostgreSQL's own count of rows.

use onsale_shared::{
    id::PoolId,
    log::Position,
    refusals::{self, Selection},
    time::Timestamp,
};
use sqlx::{AssertSqlSafe, PgConnection};

use super::given::Given;
use crate::{
    projections::claims::CLAIMS,
    queries::Page,
    read_models::{
        claims::{
            ClaimState,
            read::{self, ClaimFilter},
        },
        generations, snapshot,
    },
};

const TRACE: &str = "onsale_trace.refusals";

/// How many rows of a table this session has looked at, since it last told the server.
async fn looked_at(connection: &mut PgConnection, table: &str) -> i64 {
    let looked_at = AssertSqlSafe(format!(
        "SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables \
          WHERE relid = '{table}'::regclass"
    ));
    let looked_at = sqlx::query_scalar(looked_at).fetch_one(connection);
    looked_at.await.expect("a count")
}

#[tokio::test]
async fn the_trace_of_one_pool_is_found_among_those_of_all() {
    let mut given = Given::new().await;
    given
        .execute(
            "INSERT INTO onsale_trace.refusals (second, pool, reason, instance, count, samples) \
             SELECT to_timestamp(n / 10), CASE WHEN n % 500 = 0 THEN 'rare' ELSE 'busy-' || n % 10 END, 'SOLD_OUT', 'i', 1, '[]' \
               FROM generate_series(10, 20009) n; \
             ANALYZE onsale_trace.refusals",
        )
        .await;
    let mut session = given.database.session().await.expect("a session");
    for (pool, rows, most) in [(Some("rare"), 40, 45), (None, 50, 100)] {
        let selection = Selection {
            pool: pool.map(str::to_owned),
            reason: None,
            start: Timestamp::default(),
            end: Timestamp::MAX,
        };
        let read = snapshot::read_beside(&mut session, move |connection| {
            Box::pin(async move {
                let before = looked_at(connection, TRACE).await;
                let found = refusals::list(connection, &selection, None, 50).await?;
                let looked_at = looked_at(connection, TRACE).await - before;
                Ok((found.len(), looked_at))
            })
        });
        let (found, looked_at) = read.await.expect("a page");
        assert_eq!(found, rows, "{pool:?}");
        assert!(looked_at <= most, "{pool:?}: {looked_at}");
    }
    given.end().await;
}

const TABLE: &str = "onsale_query_claims_1.claims";

/// When claims are looked at, in seconds.
const NOW: i64 = 1_080;

/// In pool `small` everything that tickets, deadlines and voids can make of a claim, a void among them. In pool `large`
/// 20,000 claims that are held, and 50 that are past their deadline. In pool `void` as many that are held since a void,
/// and 50 from before it.
const CLAIMS_SQL: &str = "
    INSERT INTO onsale_query_claims_1.claims
           (position, last_position, alive_position, create_time, update_time, expire_time, unit_price, pricing_version,
            held, bought, refunded, returned, expired, voided, replaced, granted, extended, corrupted, claim, pool,
            customer, state)
    SELECT position, position, alive_position, now(), now(), to_timestamp(expires), 7, 1, held, bought, refunded, 1, expired,
           voided, 0, false, false, false, gen_random_uuid(), pool, 'c',
           CASE WHEN held > 0 THEN 'HELD' WHEN bought + refunded > 0 THEN 'BOUGHT' WHEN voided > 0 THEN 'VOIDED'
                WHEN expired > 0 THEN 'EXPIRED' ELSE 'RELEASED' END
      FROM (SELECT 'small' AS pool, n * 10 AS position, n * 10 + CASE WHEN n % 13 = 0 THEN 5000 ELSE 0 END AS alive_position,
                   1000 + n % 17 * 10 AS expires, n % 2 AS held, (n % 3 = 0)::int AS bought, (n % 7 = 0)::int AS refunded,
                   (n % 5 = 0)::int AS expired, (n % 11 = 0)::int AS voided
              FROM generate_series(1, 700) n
             UNION ALL
            SELECT 'large', 10000 + n, 10000 + n, CASE WHEN n % 401 = 0 THEN 1 ELSE 2000 END, 1, 0, 0, 0, 0
              FROM generate_series(1, 20050) n
             UNION ALL
            SELECT 'void', 50000 + n, 50000 + n, 2000, 1, 0, 0, 0, 0
              FROM generate_series(1, 20050) n) claims;
    INSERT INTO onsale_query_claims_1.claim_voids
    VALUES (100, to_timestamp(990), 'small', 'STOPPED'), (3001, to_timestamp(1050), 'small', 'STOPPED'),
           (50051, to_timestamp(1050), 'void', 'STOPPED');
    ANALYZE onsale_query_claims_1.claims, onsale_query_claims_1.claim_voids";

/// A page of claims in a state as key and state, and how many rows were looked at for it.
async fn claims(
    session: &mut PgConnection,
    pool: &str,
    state: Option<ClaimState>,
    page: Page<Position>,
) -> (Vec<(Position, ClaimState)>, i64) {
    let filter = ClaimFilter {
        pool: Some(PoolId::parse(pool).expect("a name")),
        state,
        ..ClaimFilter::default()
    };
    let now = Timestamp::from_seconds_and_nanos(NOW, 0).expect("a time");
    let read = snapshot::read(
        session,
        &CLAIMS,
        Position::START,
        move |connection, _table| {
            let (filter, page) = (filter.clone(), page.clone());
            Box::pin(async move {
                let before = looked_at(connection, TABLE).await;
                let rows = read::claims(connection, &filter, &page, now).await?;
                let looked_at = looked_at(connection, TABLE).await - before;
                let rows = rows.iter().map(|claim| (claim.row.position, claim.state));
                Ok((rows.collect(), looked_at))
            })
        },
    )
    .await;
    read.expect("a page").1.expect("as fresh as nothing")
}

const fn page(size: usize, after: Option<Position>) -> Page<Position> {
    Page { size, after }
}

#[tokio::test]
async fn claims_that_are_over_are_found_among_all_that_are_held() {
    let mut given = Given::new().await;
    let mut session = given.database.session().await.expect("a session");
    generations::ensure_live(&mut session, &CLAIMS, Position::START)
        .await
        .expect("tables");
    given.execute(CLAIMS_SQL).await;
    // Page by page what all claims are shown as.
    let (all, _) = claims(&mut session, "small", None, page(1_000, None)).await;
    assert_eq!(all.len(), 700);
    for &state in ClaimState::ALL {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let (mut rows, _) = claims(&mut session, "small", Some(state), page(7, after)).await;
            rows.truncate(7);
            let Some(&(last, _)) = rows.last() else {
                break;
            };
            after = Some(last);
            seen.extend(rows);
        }
        let expected = all.iter().copied().filter(|(_, shown)| *shown == state);
        let expected: Vec<_> = expected.collect();
        assert!(expected.len() > 20, "{state}: {}", expected.len());
        assert_eq!(seen, expected, "{state}");
    }
    for (pool, state, found) in [
        ("large", ClaimState::Expired, 50),
        ("large", ClaimState::Voided, 0),
        ("large", ClaimState::Bought, 0),
        ("void", ClaimState::Expired, 0),
        ("void", ClaimState::Voided, 50),
        ("void", ClaimState::Bought, 0),
    ] {
        let (rows, looked_at) = claims(&mut session, pool, Some(state), page(50, None)).await;
        assert_eq!(rows.len(), found, "{pool} {state}");
        assert!(looked_at <= 60, "{pool} {state}: {looked_at}");
    }
    given.end().await;
}
