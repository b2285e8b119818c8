//! The bytes of snapshots come and go in pieces.

use std::time::Duration;

use onsale_command_service::{
    domain::snapshot::Snapshot,
    pools::pace::Pace,
    snapshots::{Store, store::Part},
};
use onsale_shared::{
    id::{EventId, PoolId},
    log::Version,
    time::Timestamp,
};
use onsale_tests::{database::TestDatabase, system::migrated_database, wait::eventually};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::{
    IGNORED, LIMIT, OF_SNAPSHOTS, POOL, a_long_pool, execute, is_as_it_was, pieces_are, start,
};

/// Bytes of a piece at most.
const PIECE: usize = 512 * 1024;

fn snapshot(version: i64, sizes: [usize; 3]) -> Snapshot {
    let mut byte = 0_u8;
    let [lasting, claims, requests] = sizes.map(|size| {
        let bytes = std::iter::repeat_with(|| {
            byte = byte.wrapping_mul(5).wrapping_add(7);
            byte
        });
        bytes.take(size).collect()
    });
    Snapshot {
        version: Version::new(version).unwrap(),
        lasting,
        claims,
        requests,
        recent_until: Timestamp::default(),
    }
}

async fn store(database: &TestDatabase) -> (Store, PoolId) {
    let database = PgPool::connect(database.url()).await.unwrap();
    (Store::new(database), PoolId::parse(POOL).unwrap())
}

#[tokio::test]
async fn an_older_snapshot_does_not_take_the_place_of_a_newer_one() {
    let database = migrated_database().await;
    let (store, pool) = store(&database).await;
    for (written, kept) in [(20, 20), (10, 20), (20, 20), (30, 30)] {
        let (last_event, now) = (EventId(Uuid::from_u128(1)), Timestamp::default());
        let small = snapshot(written, [1, 0, 0]);
        store
            .write(&pool, &small, last_event, now, &Pace::at_once())
            .await
            .unwrap();
        let header = store.header(&pool).await.unwrap().unwrap();
        assert_eq!(header.version.get(), kept, "after {written}");
        pieces_are(&mut database.admin().await, OF_SNAPSHOTS).await;
    }
}

#[tokio::test]
async fn bytes_are_kept_in_pieces_and_come_back_as_they_were() {
    let database = migrated_database().await;
    let (store, pool) = store(&database).await;
    let mut admin = database.admin().await;
    let last_event = EventId(Uuid::from_u128(1));
    let rest = Duration::from_millis(1);
    // What is written together has as many bytes as a piece at most, and four pieces are removed together; a rest before
    // each of the others.
    for (version, sizes, pieces, rests) in [
        (1, [5 * PIECE + 1, PIECE, PIECE - 1], 8, 7),
        (2, [9 * PIECE, 0, 3], 10, 9 + 2),
        (3, [1, 1, 1], 3, 2),
        (4, [1, 1, 1], 3, 0),
    ] {
        let written = snapshot(version, sizes);
        let pace = Pace::with_rests(Handle::current(), rest);
        store
            .write(&pool, &written, last_event, Timestamp::default(), &pace)
            .await
            .unwrap();
        assert_eq!(pace.rested(), rest * rests, "writing {sizes:?}");
        let (number, largest): (i64, i32) = sqlx::query_as(
            "SELECT count(*), max(octet_length(bytes)) FROM onsale_command.snapshot_pieces",
        )
        .fetch_one(&mut admin)
        .await
        .unwrap();
        assert_eq!(number, pieces, "of {sizes:?} and nothing else");
        assert!(usize::try_from(largest).unwrap() <= PIECE, "{largest}");
        let header = store.header(&pool).await.unwrap().unwrap();
        let parts = [written.lasting, written.claims, written.requests];
        for (part, bytes) in Part::ALL.into_iter().zip(parts) {
            let pace = Pace::with_rests(Handle::current(), rest);
            let rests = bytes.len().div_ceil(PIECE).saturating_sub(1);
            let read = store.bytes(&header, part, &pace).await.unwrap();
            assert!(read == Some(bytes), "{part:?} of {sizes:?}");
            let rested = rest * u32::try_from(rests).unwrap();
            assert_eq!(pace.rested(), rested, "reading {part:?} of {sizes:?}");
        }
    }
}

#[tokio::test]
async fn all_of_it_may_take_longer_than_the_session_gives_a_statement() {
    let database = migrated_database().await;
    let options = PgPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move {
            let hasty = sqlx::raw_sql("SET statement_timeout = '200ms'");
            hasty.execute(connection).await.map(drop)
        })
    });
    let store = Store::new(options.connect(database.url()).await.unwrap());
    let pool = PoolId::parse(POOL).unwrap();
    // More than a socket takes ahead.
    let written = snapshot(1, [64 * PIECE, 0, 0]);
    let last_event = EventId(Uuid::from_u128(1));
    let pace = Pace::with_rests(Handle::current(), Duration::from_millis(10));
    store
        .write(&pool, &written, last_event, Timestamp::default(), &pace)
        .await
        .unwrap();
    let header = store.header(&pool).await.unwrap().unwrap();
    let written = Some(written.lasting);
    for pace in [pace, Pace::at_once()] {
        let read = store.bytes(&header, Part::Lasting, &pace).await.unwrap();
        assert!(read == written, "{pace:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_abandoned_is_removed_and_what_is_being_written_is_not() {
    let (database, order, claim) = a_long_pool().await;
    let mut admin = database.admin().await;
    execute(
        &mut admin,
        "INSERT INTO onsale_command.snapshot_pieces (snapshot, part, number, bytes, written_at)
         SELECT CASE WHEN n < 10 THEN md5('old') ELSE md5('young') END::uuid, 'lasting', n, 'abandoned',
                now() - CASE WHEN n < 10 THEN interval '2 hours' ELSE interval '1 minute' END
           FROM generate_series(0, 19) AS n;
         UPDATE onsale_command.snapshot_pieces SET written_at = now() - interval '1 day' WHERE bytes <> 'abandoned'",
    )
    .await;
    let (service, mut caller) = start(&database).await;
    let admin = tokio::sync::Mutex::new(admin);
    eventually(LIMIT, "the old ones are gone", || async {
        let left: Vec<i32> = sqlx::query_scalar(
            "SELECT number FROM onsale_command.snapshot_pieces WHERE bytes = 'abandoned' ORDER BY number",
        )
        .fetch_all(&mut *admin.lock().await)
        .await
        .unwrap();
        (left == (10..20).collect::<Vec<_>>()).then_some(())
    })
    .await;
    // The snapshot's own are old as well.
    is_as_it_was(&mut caller, &order, &claim).await;
    assert_eq!(service.logged(IGNORED), 0);
}
