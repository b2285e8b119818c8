//! How much of a large table a read looks at: PostgreSQL's own count of the rows, inside the read's transaction.

use onsale_shared::{
    refusals::{self, Selection},
    time::Timestamp,
};
use sqlx::{AssertSqlSafe, PgConnection};

use super::given::Given;
use crate::read_models::snapshot;

/// How many rows of a table this transaction has looked at.
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
                let found = refusals::list(connection, &selection, None, 50).await?;
                Ok((
                    found.len(),
                    looked_at(connection, "onsale_trace.refusals").await,
                ))
            })
        });
        let (found, looked_at) = read.await.expect("a page");
        assert_eq!(found, rows, "{pool:?}");
        assert!(looked_at <= most, "{pool:?}: {looked_at}");
    }
    given.end().await;
}
