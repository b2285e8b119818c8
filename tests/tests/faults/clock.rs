//! The clock of the log changes while an instance records nothing.

use std::time::Duration;

use onsale_proto::{reason::Reason, status::reason_of, v1};
use onsale_tests::{
    caller,
    service::{Kind, Service},
    system::System,
    wait::eventually,
};
use tokio::sync::Mutex;

const LIMIT: Duration = Duration::from_secs(20);

/// What sessions take for `clock_timestamp()` from then on, where the code says only that: the append function names its
/// schemas, and so goes by the real one.
const CLOCK_THAT_CAN_BE_SET: &str = "CREATE SCHEMA set_clock;
    CREATE TABLE set_clock.ahead (by interval NOT NULL);
    INSERT INTO set_clock.ahead VALUES ('0');
    CREATE FUNCTION set_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
        'SELECT pg_catalog.clock_timestamp() + by FROM set_clock.ahead';
    GRANT USAGE ON SCHEMA set_clock TO PUBLIC;
    GRANT SELECT ON set_clock.ahead TO PUBLIC;";

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_refuses_everything_learns_that_the_clock_was_set() {
    let mut system = System::start().await;
    let mut pool = caller::a_pool(10);
    let mut admin = system.database.admin().await;
    let opens: i64 =
        sqlx::query_scalar("SELECT extract(epoch FROM clock_timestamp())::bigint + 1800")
            .fetch_one(&mut admin)
            .await
            .unwrap();
    pool.sales_start_time = Some(prost_types::Timestamp {
        seconds: opens,
        nanos: 0,
    });
    system.caller().await.create("early", pool).await.unwrap();

    sqlx::raw_sql(CLOCK_THAT_CAN_BE_SET)
        .execute(&mut admin)
        .await
        .unwrap();
    let name = system.database.name();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "ALTER DATABASE \"{name}\" SET search_path = set_clock, pg_catalog, public"
    )))
    .execute(&mut admin)
    .await
    .unwrap();
    system.add_command(&[]).await;
    let late = system.caller_of(1).await;
    let refused = late
        .clone()
        .claim("early", "customer", 1)
        .await
        .unwrap_err();
    assert_eq!(reason_of(&refused), Some(Reason::SalesNotOpen));

    sqlx::raw_sql("UPDATE set_clock.ahead SET by = '1 hour'")
        .execute(&mut admin)
        .await
        .unwrap();
    eventually(
        LIMIT,
        "the instance knows that sales have begun",
        || async { late.clone().claim("early", "customer", 1).await.ok() },
    )
    .await;
}

/// An hour ahead for a while, as with a server whose clock is not in step: what was shown by it passes with it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_follows_a_clock_that_was_set_back() {
    let mut system = System::start().await;
    let mut admin = system.database.admin().await;
    let name = system.database.name().to_owned();
    sqlx::raw_sql(CLOCK_THAT_CAN_BE_SET)
        .execute(&mut admin)
        .await
        .unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "UPDATE set_clock.ahead SET by = '1 hour'; \
         ALTER DATABASE \"{name}\" SET search_path = set_clock, pg_catalog, public"
    )))
    .execute(&mut admin)
    .await
    .unwrap();
    let database = system.database.url().to_owned();
    system.query = Service::start(Kind::Query, &database, &[]).await;
    let mut caller = system.caller().await;
    caller.create_pool("early", 10).await.unwrap();
    let sold = caller.purchase("early", "customer", 1).await.unwrap();
    let token = sold.receipt.unwrap().consistency_token;
    // In the tables, too.
    caller.pool("early", &token).await.unwrap();
    let ahead = caller.availability("early", &token).await.unwrap();
    let ahead = ahead.as_of_time.unwrap().seconds;

    sqlx::raw_sql("UPDATE set_clock.ahead SET by = '0'")
        .execute(&mut admin)
        .await
        .unwrap();
    let claimed = caller.claim("early", "customer", 2).await.unwrap();
    let expire_time = claimed.expire_time.unwrap().seconds;
    assert!(
        expire_time < ahead,
        "by the right clock, and gone by the other"
    );
    for _restarted in [false, true] {
        let caller = system.caller().await;
        eventually(LIMIT, "the claim is alive", || async {
            let request = v1::GetClaimRequest {
                name: claimed.name.clone(),
                ..v1::GetClaimRequest::default()
            };
            let read = caller.queries.clone().get_claim(request).await.ok()?;
            let claim = read.into_inner().claim?.claim?;
            (claim.state() == v1::ClaimState::Held).then_some(())
        })
        .await;
        // What is kept for the next process, too, when there is something to keep.
        caller
            .clone()
            .purchase("early", "customer", 1)
            .await
            .unwrap();
        let admin = Mutex::new(&mut admin);
        eventually(LIMIT, "the tables have the time", async || {
            let is_right: bool = sqlx::query_scalar(
                "SELECT bool_and(time < to_timestamp($1)) FROM onsale_query.generations \
                  WHERE projection IN ('claims', 'pools')",
            )
            .bind(ahead)
            .fetch_one(&mut **admin.lock().await)
            .await
            .unwrap();
            is_right.then_some(())
        })
        .await;
        let shown = caller.clone().availability("early", "").await.unwrap();
        assert!(shown.as_of_time.unwrap().seconds < ahead);
        system.query = Service::start(Kind::Query, &database, &[]).await;
    }
}
