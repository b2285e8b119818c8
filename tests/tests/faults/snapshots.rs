//! Pools are loaded from snapshots when these are sound and of the log's history, and from their events otherwise.

mod layouts;
mod pieces;

use std::time::Duration;

use onsale_command_service::verify::verify;
use onsale_proto::v1;
use onsale_tests::{
    caller::{Caller, a_pool, claim_request, request_id},
    database::TestDatabase,
    service::{Kind, Service},
    system::migrated_database,
    wait::{eventually, within},
};
use sqlx::{AssertSqlSafe, PgConnection};

const LIMIT: Duration = Duration::from_secs(20);
const POOL: &str = "long";
/// A snapshot after so many events.
const OPTIONS: &[(&str, &str)] = &[("ONSALE_SNAPSHOT_EVENTS", "100")];
const TAKEN: &str = "snapshot taken";
const REPLACED: &str = "another one took its place meanwhile";
const IGNORED: &str = "a snapshot is ignored: the pool is loaded from its events";

async fn start(database: &TestDatabase) -> (Service, Caller) {
    let service = Service::start(Kind::Command, database.url(), OPTIONS).await;
    let channel = service.channel().await;
    (service, Caller::new(channel.clone(), channel))
}

/// A pool with 409 events, of which a snapshot has been made; a claim that is over; its first order; and nobody who serves it.
async fn a_long_pool() -> (TestDatabase, v1::ClaimTicketsRequest, v1::Claim) {
    let database = migrated_database().await;
    let (service, mut caller) = start(&database).await;
    let pool = v1::Pool {
        max_tickets_per_customer: 4,
        ..a_pool(1_000)
    };
    caller.create(POOL, pool).await.unwrap();
    let over = caller.claim(POOL, "gone", 4).await.unwrap();
    caller.release(&over.name).await.unwrap();
    let order = claim_request(POOL, "customer-0", 4);
    let claimed = caller.commands.claim_tickets(order.clone()).await.unwrap();
    for n in 1..100 {
        caller
            .claim(POOL, &format!("customer-{n}"), 4)
            .await
            .unwrap();
    }
    let mut admin = database.admin().await;
    snapshot_from(&mut admin, 300).await;
    service.stop().await;
    let claim = claimed.into_inner().claim.unwrap();
    (database, order, claim)
}

/// Waits for a snapshot of a version or a later one, and returns its version.
async fn snapshot_from(admin: &mut PgConnection, version: i64) -> i64 {
    let admin = tokio::sync::Mutex::new(admin);
    eventually(
        LIMIT,
        format!("a snapshot from version {version} on"),
        || async {
            sqlx::query_scalar("SELECT version FROM onsale_command.snapshots WHERE version >= $1")
                .bind(version)
                .fetch_optional(&mut **admin.lock().await)
                .await
                .unwrap()
        },
    )
    .await
}

async fn execute(admin: &mut PgConnection, statement: &str) {
    // Safe: constants of this file.
    let statement = AssertSqlSafe(statement.to_owned());
    sqlx::raw_sql(statement).execute(admin).await.unwrap();
}

/// A fresh instance knows what was sold, and what it was asked before.
async fn is_as_it_was(caller: &mut Caller, order: &v1::ClaimTicketsRequest, claim: &v1::Claim) {
    let again = caller.commands.claim_tickets(order.clone()).await.unwrap();
    assert_eq!(again.into_inner().claim.as_ref(), Some(claim), "a repeat");
    let refused = caller.claim(POOL, "customer-1", 1).await.unwrap_err();
    assert_eq!(
        refused.code(),
        tonic::Code::FailedPrecondition,
        "at the limit"
    );
    caller.claim(POOL, "customer-new", 4).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_is_loaded_from_its_snapshot_and_not_from_older_events() {
    let (database, order, claim) = a_long_pool().await;
    let mut admin = database.admin().await;
    // Who reads this event takes the pool for corrupted, and sells no more.
    let spoil = "UPDATE onsale_log.events SET type = 'Unheard' WHERE version = 250";
    execute(&mut admin, spoil).await;
    let (service, mut caller) = start(&database).await;
    is_as_it_was(&mut caller, &order, &claim).await;
    assert_eq!(service.logged(IGNORED), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_for_a_while_is_not_even_read_when_it_does_not_count_any_more() {
    let (database, _, claim) = a_long_pool().await;
    let mut admin = database.admin().await;
    // Later events that were decided before would need it.
    execute(
        &mut admin,
        "UPDATE onsale_command.snapshot_pieces SET bytes = 'nonsense' WHERE part <> 'lasting';
         UPDATE onsale_command.snapshots SET recent_until = now() - interval '1 hour'",
    )
    .await;
    let (service, mut caller) = start(&database).await;
    caller.buy(&claim.name).await.unwrap();
    assert_eq!(service.logged(IGNORED), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_cannot_be_used_is_ignored_said_and_replaced() {
    let (database, order, claim) = a_long_pool().await;
    let mut admin = database.admin().await;
    let layout: i32 = sqlx::query_scalar("SELECT state_version FROM onsale_command.snapshots")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    let piece = |part, spoil| format!("snapshot_pieces SET bytes = {spoil} WHERE part = '{part}'");
    let flipped = |byte| format!("set_byte(bytes, {byte}, get_byte(bytes, {byte}) # 1)");
    for spoil in [
        // Damaged, in one of its parts.
        piece("lasting", flipped(200)),
        piece("requests", flipped(200)),
        // Of claims: the length of their frame, and what it holds.
        piece("claims", flipped(1)),
        piece("claims", flipped(30)),
        // Gone, all of them or one.
        "snapshot_pieces SET snapshot = gen_random_uuid()".to_owned(),
        piece("requests", "substring(bytes FROM 2)".to_owned()),
        // Of another layout, older or newer.
        "snapshots SET state_version = state_version - 1".to_owned(),
        "snapshots SET state_version = state_version + 1".to_owned(),
        // The database was restored from a backup: the log is not that long, or became another one.
        "snapshots SET version = version + 1000".to_owned(),
        "snapshots SET last_event = gen_random_uuid()".to_owned(),
    ] {
        let known = snapshot_from(&mut admin, 300).await;
        execute(&mut admin, &format!("UPDATE onsale_command.{spoil}")).await;
        let (service, mut caller) = start(&database).await;
        // First from its events; the instance that gains enough events has a new one made.
        let again = caller.commands.claim_tickets(order.clone()).await.unwrap();
        assert_eq!(again.into_inner().claim.as_ref(), Some(&claim), "{spoil}");
        assert_eq!(service.logged(IGNORED), 1, "{spoil}");
        let admin_ref = tokio::sync::Mutex::new(&mut admin);
        eventually(LIMIT, format!("a snapshot instead of {spoil}"), || async {
            sqlx::query_scalar::<_, i64>(
                "SELECT version FROM onsale_command.snapshots s WHERE state_version = $2 AND version BETWEEN $1 AND 500 \
                    AND last_event = (SELECT event_id FROM onsale_log.events e WHERE e.version = s.version)",
            )
            .bind(known)
            .bind(layout)
            .fetch_optional(&mut **admin_ref.lock().await)
            .await
            .unwrap()
        })
        .await;
        service.stop().await;

        let (service, mut caller) = start(&database).await;
        let again = caller.commands.claim_tickets(order.clone()).await.unwrap();
        assert_eq!(again.into_inner().claim.as_ref(), Some(&claim));
        assert_eq!(service.logged(IGNORED), 0, "after {spoil}");
        service.stop().await;
        let others =
            format!("DELETE FROM onsale_command.snapshots WHERE state_version <> {layout}");
        execute(&mut admin, &others).await;
    }
    let (service, mut caller) = start(&database).await;
    is_as_it_was(&mut caller, &order, &claim).await;
    assert_eq!(service.logged(IGNORED), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_replaced_while_it_is_read_is_followed_by_the_new_one() {
    let (database, order, claim) = a_long_pool().await;
    let mut admin = database.admin().await;
    execute(
        &mut admin,
        "CREATE TABLE kept AS TABLE onsale_command.snapshots",
    )
    .await;
    let (service, mut caller) = start(&database).await;
    let first = snapshot_from(&mut admin, 1).await;
    for n in 0..30 {
        let customer = format!("later-{n}");
        caller.claim(POOL, &customer, 4).await.unwrap();
    }
    snapshot_from(&mut admin, first + 1).await;
    let gone = "NOT EXISTS (SELECT FROM onsale_command.snapshot_pieces JOIN kept USING (snapshot))";
    pieces_are(&mut admin, gone).await;
    service.stop().await;
    // Who asks first sees the first snapshot, whose bytes are gone, and who asks later only the second one.
    execute(
        &mut admin,
        "INSERT INTO kept SELECT * FROM onsale_command.snapshots;
         ALTER TABLE onsale_command.snapshots RENAME TO replaced;
         CREATE SEQUENCE asked;
         CREATE VIEW onsale_command.snapshots AS SELECT * FROM kept WHERE version =
            (SELECT CASE nextval('asked') WHEN 1 THEN min(version) ELSE max(version) END FROM kept);
         GRANT USAGE ON SEQUENCE asked TO PUBLIC;
         GRANT SELECT ON onsale_command.snapshots TO PUBLIC",
    )
    .await;
    let (service, mut caller) = start(&database).await;
    is_as_it_was(&mut caller, &order, &claim).await;
    assert_eq!(service.logged(IGNORED), 0);
    let asked: i64 = sqlx::query_scalar("SELECT last_value FROM asked")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    assert!(asked >= 2, "a header, no bytes, a header: {asked}");
}

/// Waits until a condition on the pieces holds: those that a snapshot took the place of are removed after it.
async fn pieces_are(admin: &mut PgConnection, condition: &str) {
    let admin = tokio::sync::Mutex::new(admin);
    eventually(LIMIT, condition, || async {
        // Safe: constants of this file.
        sqlx::query_scalar::<_, bool>(AssertSqlSafe(format!("SELECT {condition}")))
            .fetch_one(&mut **admin.lock().await)
            .await
            .unwrap()
            .then_some(())
    })
    .await;
}

/// There are no others. Not where an instance ended while it wrote: what it leaves is removed an hour later.
const OF_SNAPSHOTS: &str = "\
    ARRAY(SELECT DISTINCT snapshot FROM onsale_command.snapshot_pieces ORDER BY 1) \
  = ARRAY(SELECT snapshot FROM onsale_command.snapshots ORDER BY 1)";

#[tokio::test(flavor = "multi_thread")]
async fn without_the_table_pools_are_loaded_from_their_events() {
    let (database, order, claim) = a_long_pool().await;
    let mut admin = database.admin().await;
    execute(&mut admin, "DROP TABLE onsale_command.snapshots").await;
    let (service, mut caller) = start(&database).await;
    is_as_it_was(&mut caller, &order, &claim).await;
    assert_eq!(service.logged(IGNORED), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_goes_leaves_a_snapshot_of_its_last_events() {
    let (database, ..) = a_long_pool().await;
    let options = [OPTIONS, &[("ONSALE_POOL_IDLE_MS", "100")]].concat();
    let service = Service::start(Kind::Command, database.url(), &options).await;
    let channel = service.channel().await;
    let mut caller = Caller::new(channel.clone(), channel);
    let claimed = caller
        .commands
        .claim_tickets(claim_request(POOL, "last", 4))
        .await;
    // Fewer events than have a snapshot made of a pool that stays.
    for n in 0..4 {
        caller.claim(POOL, &format!("last-{n}"), 4).await.unwrap();
    }
    claimed.unwrap();
    snapshot_from(&mut database.admin().await, 409 + 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_that_take_snapshots_of_a_pool_at_once_are_harmless() {
    let database = migrated_database().await;
    // Both have a reason after each event.
    let options = &[("ONSALE_SNAPSHOT_EVENTS", "1")];
    let mut instances = Vec::new();
    for _ in 0..2 {
        let service = Service::start(Kind::Command, database.url(), options).await;
        let channel = service.channel().await;
        instances.push((service, Caller::new(channel.clone(), channel)));
    }
    let pool = v1::Pool {
        max_tickets_per_customer: 4,
        ..a_pool(10_000)
    };
    instances[0].1.create(POOL, pool).await.unwrap();
    let order = claim_request(POOL, "customer-1", 4);
    let commands = &mut instances[1].1.commands;
    let claimed = commands.claim_tickets(order.clone()).await.unwrap();
    let both = async {
        for n in 2.. {
            let claims = async {
                for (_, caller) in &mut instances {
                    let customer = request_id();
                    caller.claim(POOL, &customer, 4).await.unwrap();
                }
            };
            let ((), report) = tokio::join!(claims, verify(database.url()));
            let report = report.unwrap();
            assert!(report.is_sound(), "a false alarm: {report}");
            let taken = instances.iter().map(|(service, _)| service.logged(TAKEN));
            // As many events as make it worth looking for a snapshot.
            if n > 30 && taken.min() >= Some(5) {
                return;
            }
        }
    };
    within(LIMIT, "both take snapshots", Box::pin(both)).await;
    pieces_are(&mut database.admin().await, OF_SNAPSHOTS).await;
    for (service, _) in instances {
        assert_eq!(service.logged("a snapshot was not taken"), 0);
        // One may replace what the other is about to read, again and again, which then folds from the first event on.
        for line in service.log() {
            let is_ignored = line["message"] == IGNORED;
            assert!(!is_ignored || line["error"] == REPLACED, "{line}");
        }
        service.stop().await;
    }
    let report = verify(database.url()).await.unwrap();
    let snapshots = report.snapshots.as_ref();
    assert_eq!(
        snapshots.map(|compared| compared.equal),
        Some(1),
        "{report}"
    );
    assert!(report.is_sound(), "{report}");
    let (service, mut caller) = start(&database).await;
    is_as_it_was(&mut caller, &order, &claimed.into_inner().claim.unwrap()).await;
    assert_eq!(service.logged(IGNORED), 0);
}
