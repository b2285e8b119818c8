//! What `command-service verify` says of snapshots.

use std::sync::Arc;

use onsale_tests::{caller::a_pool, database::TestDatabase, wait::eventually};
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::{sync::Mutex, task::spawn_blocking};

use super::verify;
use crate::{log::LIMIT, shop::Shop};

const SOUND: &str = "146 events of 2 pools, up to position 146: all of it can have happened\n";
const EQUAL: &str = "2 snapshots compared: none differs from what the log gives\n";

/// Two pools of 73 events, of which snapshots have been made; and nobody who serves them.
async fn two_pools_with_snapshots() -> TestDatabase {
    let shop = Shop::start(&[("ONSALE_SNAPSHOT_EVENTS", "20")]).await;
    let mut caller = shop.caller().await;
    for id in ["one", "other"] {
        caller.create(id, a_pool(100)).await.expect("a new name");
        for n in 0..18 {
            let customer = format!("customer-{n}");
            caller.claim(id, &customer, 4).await.expect("places");
        }
    }
    let admin = Mutex::new(shop.database.admin().await);
    eventually(LIMIT, "snapshots of both pools", || async {
        let taken: i64 =
            sqlx::query_scalar("SELECT count(*) FROM onsale_command.snapshots WHERE version > 40")
                .fetch_one(&mut *admin.lock().await)
                .await
                .expect("it can be asked");
        (taken == 2).then_some(())
    })
    .await;
    let Shop { command, database } = shop;
    command.stop().await;
    database
}

async fn execute(admin: &mut PgConnection, statement: &str) {
    // Safe: constants of this file.
    let statement = AssertSqlSafe(statement.to_owned());
    sqlx::raw_sql(statement)
        .execute(admin)
        .await
        .expect("a superuser may do it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_differs_from_the_log_is_named() {
    let database = two_pools_with_snapshots().await;
    let (is_sound, printed) = verify(&database);
    assert!(is_sound, "{printed}");
    assert_eq!(printed, format!("{SOUND}{EQUAL}"));

    let mut admin = database.admin().await;
    execute(
        &mut admin,
        "CREATE TABLE kept AS TABLE onsale_command.snapshots;
         CREATE TABLE kept_pieces AS TABLE onsale_command.snapshot_pieces",
    )
    .await;
    let version: i64 = sqlx::query_scalar("SELECT version FROM kept WHERE pool = 'one'")
        .fetch_one(&mut admin)
        .await
        .expect("it is there");
    let of_one = "snapshot = (SELECT snapshot FROM kept WHERE pool = 'one')";
    let of_other = |part| {
        format!(
            "({part}_size, {part}_crc) = (SELECT {part}_size, {part}_crc FROM kept WHERE pool = 'other') \
              WHERE pool = 'one'; \
             UPDATE onsale_command.snapshot_pieces SET bytes = \
                (SELECT bytes FROM kept_pieces JOIN kept USING (snapshot) WHERE pool = 'other' AND part = '{part}') \
              WHERE {of_one} AND part = '{part}'"
        )
    };
    for (spoil, named, wrong) in [
        // Another pool's, with checksums that are right.
        (
            of_other("lasting"),
            format!("one at version {version}"),
            "its state is not the one that the log gives",
        ),
        (
            format!(
                "(claims_size, claims_crc) = (1, 3523407757) WHERE pool = 'one'; \
                 INSERT INTO onsale_command.snapshot_pieces \
                 SELECT snapshot, 'claims', 1, '\\x00' FROM kept WHERE {of_one}"
            ),
            format!("one at version {version}"),
            "the claims that it remembers for a while are not those that the log gives",
        ),
        (
            of_other("requests"),
            format!("one at version {version}"),
            "the commands that it remembers are not those that the log gives",
        ),
        (
            "recent_until = recent_until - interval '1 hour'".to_owned(),
            format!("one at version {version}"),
            "it remembers until another time than the log gives",
        ),
        (
            format!(
                "pool = pool; UPDATE onsale_command.snapshot_pieces \
                    SET bytes = set_byte(bytes, 50, get_byte(bytes, 50) # 1) WHERE {of_one} AND part = 'lasting'"
            ),
            format!("one at version {version}"),
            "the checksum is ",
        ),
        (
            format!("pool = pool; DELETE FROM onsale_command.snapshot_pieces WHERE {of_one}"),
            format!("one at version {version}"),
            "some of its bytes are gone",
        ),
        (
            "last_event = gen_random_uuid()".to_owned(),
            format!("one at version {version}"),
            "its last event is ",
        ),
        (
            "version = 74".to_owned(),
            "one at version 74".to_owned(),
            "the stream ends with version 73",
        ),
        (
            "pool = 'nobody'".to_owned(),
            format!("nobody at version {version}"),
            "the log has no such stream",
        ),
    ] {
        let of_one = if spoil.contains("WHERE") {
            ""
        } else {
            "WHERE pool = 'one'"
        };
        let spoil = format!("UPDATE onsale_command.snapshots SET {spoil} {of_one}");
        execute(&mut admin, &spoil).await;
        let (is_sound, printed) = verify(&database);
        assert!(!is_sound, "{spoil}: {printed}");
        let expected = format!("{SOUND}snapshot of pools/{named}: {wrong}");
        assert!(printed.starts_with(&expected), "{spoil}: {printed}");
        let summary = "\n2 snapshots compared: one differs from what the log gives\n";
        assert!(printed.ends_with(summary), "{spoil}: {printed}");
        execute(
            &mut admin,
            "DELETE FROM onsale_command.snapshots; INSERT INTO onsale_command.snapshots SELECT * FROM kept;
             DELETE FROM onsale_command.snapshot_pieces;
             INSERT INTO onsale_command.snapshot_pieces SELECT * FROM kept_pieces",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_cannot_be_compared_is_counted() {
    let database = Arc::new(two_pools_with_snapshots().await);
    let (mut holder, mut admin) = (database.admin().await, database.admin().await);
    let another_layout =
        "UPDATE onsale_command.snapshots SET state_version = state_version + 1 WHERE pool = 'one'";
    execute(&mut admin, another_layout).await;
    // So that the log is read only after it is known what snapshots there are.
    let lock = "BEGIN; LOCK TABLE onsale_log.events IN ACCESS EXCLUSIVE MODE";
    execute(&mut holder, lock).await;
    let verified = spawn_blocking({
        let database = Arc::clone(&database);
        move || verify(&database)
    });
    let asking = Mutex::new(&mut admin);
    eventually(LIMIT, "verify waits for the log", || async {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'onsale_log.events'::regclass)",
        )
        .fetch_one(&mut **asking.lock().await)
        .await
        .expect("the locks can be asked");
        waits.then_some(())
    })
    .await;
    let replaced = "UPDATE onsale_command.snapshots SET snapshot = gen_random_uuid() WHERE pool = 'other'; \
        DELETE FROM onsale_command.snapshot_pieces WHERE snapshot NOT IN (SELECT snapshot FROM onsale_command.snapshots)";
    execute(&mut holder, &format!("{replaced}; COMMIT")).await;
    let (is_sound, printed) = verified.await.expect("it ends");
    assert!(is_sound, "{printed}");
    let summary = "0 snapshots compared: none differs from what the log gives; \
         1 not compared, of another layout; 1 not compared, replaced meanwhile\n";
    assert_eq!(printed, format!("{SOUND}{summary}"));
}
