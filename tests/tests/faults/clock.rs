//! The clock of the log changes while an instance records nothing.

use std::time::Duration;

use onsale_proto::{reason::Reason, status::reason_of};
use onsale_tests::{caller, system::System, wait::eventually};

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
