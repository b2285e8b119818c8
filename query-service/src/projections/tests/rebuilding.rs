//! Tables built anew beside the live ones: what reads see meanwhile, what a kill leaves behind, and what a comparison finds.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use onsale_shared::log::Position;
use sqlx::{PgConnection, Row as _};
use tokio::time::{Duration, Instant, timeout};

use super::given::{Given, LIMIT, SAMPLE, SAMPLE_2, SAMPLE_MENDED, eventually};
use crate::{
    database::Database,
    projections::{
        ApplyError, Entry, Projection, Projector, Table,
        rebuild::{RebuildError, RebuildOptions},
    },
    read_models::snapshot,
};

const USUAL: RebuildOptions = RebuildOptions {
    accept_differences: false,
    anew: false,
};

static NEWER: &[&Projection] = &[&SAMPLE_2];

/// Beside the sample, a projection that nothing stands in the way of.
static OTHER: Projection = Projection {
    name: "other",
    tables_sql: "CREATE TABLE others (pool text COLLATE \"C\" PRIMARY KEY)",
    indexes_sql: "CREATE INDEX others_idx ON others (pool)",
    tables: &[Table {
        name: "others",
        key: "pool",
    }],
    projector: || Box::new(Nothing),
    ..SAMPLE
};

static OTHER_2: Projection = Projection {
    version: 2,
    ..OTHER
};

/// The first one cannot be built.
static FIRST_FAILS: &[&Projection] = &[&SAMPLE_2_STRICT, &OTHER_2];

static SAMPLE_2_STRICT: Projection = Projection {
    version: 2,
    ..SAMPLE
};

struct Nothing;

#[async_trait::async_trait]
impl Projector for Nothing {
    async fn apply(
        &mut self,
        _connection: &mut PgConnection,
        _entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_projection_that_cannot_be_renewed_does_not_keep_the_others_old() {
    let mut given = Given::new().await;
    given.append("newer", 0, "TicketTeleported").await;
    let last = given.append_many("good", 0, "SalesResumed", 500).await;
    let mut lenient = given.run(&SAMPLE_MENDED).await;
    let mut other = given.run(&OTHER).await;
    lenient.reach(last).await;
    other.reach(last).await;
    drop((lenient, other));
    let stop = tokio_util::sync::CancellationToken::new();
    let renewed = crate::projections::renew::renew(
        FIRST_FAILS,
        given.database.clone(),
        Arc::clone(&given.log) as _,
        stop.clone(),
    );
    let renewing = tokio::spawn(renewed);
    let version = "SELECT version::bigint FROM onsale_query.generations WHERE state = 'live' AND projection = 'other'";
    eventually(&mut given, version, 2).await;
    let version = version.replace("'other'", "'sample'");
    assert_eq!(given.number(&version).await, 1);
    stop.cancel();
    timeout(LIMIT, renewing).await.unwrap().unwrap();
    given.end().await;
}

/// Reads again and again: the events that the rows count, and the checkpoint that is read with them. Every event of the log
/// is counted once, so the two are equal, or the answer is not exact. Returns how many reads there were.
async fn read_until(database: Database, stop: Arc<AtomicBool>) -> usize {
    let connections = database.connections(2);
    let (mut reads, mut last) = (0, 0);
    while !stop.load(Ordering::SeqCst) {
        let (checkpoint, counted) = connections
            .read_until(Instant::now() + LIMIT, |connection| {
                Box::pin(snapshot::read(
                    connection,
                    &SAMPLE,
                    Position::START,
                    |connection, _table| {
                        Box::pin(async move {
                            let row = sqlx::query(
                                "SELECT coalesce(sum(events), 0)::bigint FROM onsale_read.counted",
                            );
                            row.fetch_one(connection).await?.try_get::<i64, _>(0)
                        })
                    },
                ))
            })
            .await
            .expect("an answer")
            .expect("reads go on");
        let checkpoint = checkpoint.progress.position.get();
        assert_eq!(
            counted,
            Some(checkpoint),
            "rows and checkpoint are not of one moment"
        );
        assert!(checkpoint >= last, "back from {last} to {checkpoint}");
        (reads, last) = (reads + 1, checkpoint);
    }
    reads
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_are_exact_and_never_go_back_while_tables_are_built_anew_and_switched() {
    let mut given = Given::new().await;
    given.append_many("first", 0, "SalesResumed", 700).await;
    let mut running = given.run(&SAMPLE).await;
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| tokio::spawn(read_until(given.database.clone(), Arc::clone(&stop))))
        .collect();
    let writing = async {
        for version in 0..150 {
            given
                .append_many("second", version * 3, "SalesResumed", 3)
                .await;
        }
    };
    let rebuilding = async {
        for _ in 0..5 {
            let compared = given.builder(&SAMPLE).await.rebuild(USUAL).await.unwrap();
            assert!(!compared.differ(), "{compared}");
        }
    };
    let both = Box::pin(async { tokio::join!(writing, rebuilding) });
    timeout(LIMIT, both).await.unwrap();
    let last = given.append("third", 0, "SalesResumed").await;
    running.reach(last).await;
    stop.store(true, Ordering::SeqCst);
    for reader in readers {
        let reads = reader.await.expect("every read was exact");
        assert!(reads > 20, "{reads}");
    }
    assert_eq!(given.counted("second").await, 450);
    assert_eq!(
        given
            .number("SELECT generation::bigint FROM onsale_query.generations WHERE state = 'live'")
            .await,
        6
    );
    given.end().await;
}

#[tokio::test]
async fn a_read_that_has_begun_is_of_one_generation_and_a_switch_waits_for_it() {
    let mut given = Given::new().await;
    let last = given.append_many("pool", 0, "SalesResumed", 40).await;
    let mut running = given.run(&SAMPLE).await;
    running.reach(last).await;
    let mut reader = given.database.session().await.unwrap();
    let included = snapshot::begin(&mut reader, &SAMPLE).await.unwrap();
    assert_eq!(included.progress.position, last);
    // As of a report that takes its time between two statements.
    sqlx::raw_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        .execute(&mut reader)
        .await
        .unwrap();
    let mut builder = given.builder(&SAMPLE).await;
    let rebuilt = tokio::spawn(async move { builder.rebuild(USUAL).await.map(drop) });
    let waits_or_is_done = "SELECT ((SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock') \
                                  + (SELECT count(*) FROM onsale_query.generations WHERE state = 'retired') > 0)::int::bigint";
    eventually(&mut given, waits_or_is_done, 1).await;
    let counted = "SELECT coalesce(sum(events), 0)::bigint FROM onsale_read.counted";
    let counted: i64 = sqlx::query_scalar(counted)
        .fetch_one(&mut reader)
        .await
        .unwrap();
    assert_eq!(
        counted,
        last.get(),
        "rows of another generation than the checkpoint's"
    );
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut reader)
        .await
        .unwrap();
    timeout(LIMIT, rebuilt).await.unwrap().unwrap().unwrap();
    assert_eq!(given.counted("pool").await, 40);
    drop(running);
    given.end().await;
}

#[tokio::test]
async fn a_rebuild_that_was_killed_goes_on_where_it_was() {
    let mut given = Given::new().await;
    for version in 0..60 {
        given
            .append_many("pool", version * 1_000, "SalesResumed", 1_000)
            .await;
    }
    let mut running = given.run(&SAMPLE).await;
    let head = given.log_head().await;
    running.reach(head).await;
    drop(running);
    let building =
        "SELECT coalesce(max(position), 0) FROM onsale_query.generations WHERE state = 'building'";
    {
        let mut builder = given.builder(&SAMPLE).await;
        let killed = tokio::spawn(async move { builder.rebuild(USUAL).await.map(drop) });
        while given.number(building).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        killed.abort();
        assert!(killed.await.is_err(), "it was killed in the middle");
    }
    let reached = given.number(building).await;
    assert!(0 < reached && reached < head.get(), "{reached}");
    // The server notes the end of a session when its statement has ended.
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    eventually(&mut given, locks, 0).await;
    let mut builder = given.builder(&SAMPLE).await;
    builder.verify().await.unwrap();
    let compared = builder.rebuild(USUAL).await.unwrap();
    assert!(!compared.differ(), "{compared}");
    let live = "SELECT generation::bigint FROM onsale_query.generations WHERE state = 'live'";
    // The third was that of the verification.
    assert_eq!(given.number(live).await, 2, "it was not begun again");
    assert_eq!(given.counted("pool").await, 60_000);
    given.end().await;
}

#[tokio::test]
async fn a_planted_difference_is_named_by_verify_and_keeps_new_tables_from_being_live() {
    let mut given = Given::new().await;
    for (pool, count) in [("aaa", 3), ("bbb", 5), ("ccc", 7), ("ddd", 9)] {
        given.append_many(pool, 0, "SalesResumed", count).await;
    }
    let mut running = given.run(&SAMPLE).await;
    running.reach(given.log_head().await).await;
    let sound = given.builder(&SAMPLE).await.verify().await.unwrap();
    assert!(!sound.differ(), "{sound}");
    given
        .execute(
            "UPDATE onsale_query_sample_1.counted SET events = 6 WHERE pool = 'bbb'; \
             DELETE FROM onsale_query_sample_1.counted WHERE pool = 'ccc'; \
             INSERT INTO onsale_query_sample_1.counted VALUES ('eee', 1, 1)",
        )
        .await;
    let found = given.builder(&SAMPLE).await.verify().await.unwrap();
    assert!(found.differ());
    let text = found.to_string();
    assert!(text.contains("counted: 3 rows differ"), "{text}");
    assert!(text.contains("first: bbb"), "{text}");
    assert!(
        text.contains("\"events\": 6") && text.contains("\"events\": 5"),
        "{text}"
    );
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'onsale_query_sample_%'";
    assert_eq!(
        given.number(schemas).await,
        1,
        "what was folded beside is dropped"
    );

    let refused = given
        .builder(&SAMPLE)
        .await
        .rebuild(USUAL)
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, RebuildError::Differs(found) if found.differ()),
        "{refused}"
    );
    assert_eq!(given.counted("bbb").await, 6, "the old tables answer");
    let accepted = RebuildOptions {
        accept_differences: true,
        ..USUAL
    };
    let compared = given
        .builder(&SAMPLE)
        .await
        .rebuild(accepted)
        .await
        .unwrap();
    assert!(compared.differ());
    for (pool, count) in [("bbb", 5), ("ccc", 7), ("eee", 0)] {
        assert_eq!(given.counted(pool).await, count, "{pool}");
    }
    let at = given.append("ddd", 9, "SalesResumed").await;
    running.reach(at).await;
    assert_eq!(given.counted("ddd").await, 10);
    let sound = given.builder(&SAMPLE).await.verify().await.unwrap();
    assert!(!sound.differ(), "{sound}");
    drop(running);
    given.end().await;
}

#[tokio::test]
async fn a_newer_version_is_built_beside_the_old_one_and_takes_its_place() {
    let mut given = Given::new().await;
    given.append_many("pool", 0, "SalesResumed", 40).await;
    let mut old = given.run(&SAMPLE).await;
    old.reach(given.log_head().await).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let mut new = given.run(&SAMPLE_2).await;
    let renewed = crate::projections::renew::renew(
        NEWER,
        given.database.clone(),
        Arc::clone(&given.log) as _,
        stop.clone(),
    );
    timeout(LIMIT, renewed).await.expect("it is built anew");
    new.until(|known| known.version == 2).await;
    let twice = "SELECT twice::bigint FROM onsale_read.counted WHERE pool = 'pool'";
    assert_eq!(given.number(twice).await, 80);
    let at = given.append("pool", 40, "SalesResumed").await;
    new.reach(at).await;
    assert_eq!(given.number(twice).await, 82);
    let too_old = crate::projections::rebuild::Builder::begin(
        &SAMPLE,
        &given.database,
        Arc::clone(&given.log) as _,
        indicatif::ProgressBar::hidden(),
    );
    assert!(matches!(
        too_old.await.err(),
        Some(RebuildError::TooOld { live: 2, code: 1 })
    ));
    drop((old, new));
    given.end().await;
}
