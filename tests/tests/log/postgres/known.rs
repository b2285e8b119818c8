//! A session that was the last to append knows the versions of its streams, and says so to the append function, which does
//! not look at them then. That must never be believed when it is not so.

use onsale_shared::log::{EventLog as _, GroupOutcome};
use onsale_tests::{database::TestDatabase, wait::within};
use sqlx::{AssertSqlSafe, PgConnection};

use super::server::{append_in, run};
use crate::given::{LIMIT, append, appended, batch, group, one, read_all, settle, stale};

#[tokio::test]
async fn what_others_append_in_between_is_met() {
    let database = TestDatabase::create().await;
    let (own, other) = (database.log().await, database.log().await);
    let both = batch([group("pools/a", 0, 2), group("pools/b", 0, 1)]);
    append(&*own, &both).await;
    // To one of the streams: what rests on it is stale, and its neighbour is not.
    append(&*other, &one("pools/a", 2, 1)).await;
    let next = batch([group("pools/a", 2, 1), group("pools/b", 1, 1)]);
    assert_eq!(append(&*own, &next).await, [stale([3]), appended([5])]);
    // And so it is when own appends to others have come in between, and the log ends where they left it.
    append(&*other, &one("pools/b", 2, 1)).await;
    assert_eq!(append(&*own, &one("pools/a", 3, 1)).await, [appended([7])]);
    assert_eq!(append(&*own, &one("pools/b", 2, 1)).await, [stale([3])]);
    // To a third stream: the log goes on for everybody.
    append(&*other, &one("pools/c", 0, 1)).await;
    let next = batch([group("pools/a", 4, 1), group("pools/b", 3, 1)]);
    assert_eq!(append(&*own, &next).await, [appended([9]), appended([10])]);
    assert_eq!(read_all(&*own).await.len(), 10);
}

#[tokio::test]
async fn what_the_session_itself_has_moved_on_is_stale() {
    let database = TestDatabase::create().await;
    let log = database.log().await;
    append(&*log, &one("pools/a", 0, 2)).await;
    for expected in [0, 1, 3] {
        let alone = one("pools/a", expected, 1);
        assert_eq!(append(&*log, &alone).await, [stale([2])]);
        let next = batch([group("pools/a", expected, 1), group("pools/b", 1, 1)]);
        assert_eq!(append(&*log, &next).await, [stale([2]), stale([0])]);
    }
    let last = one("pools/a", 2, 1);
    assert_eq!(append(&*log, &last).await, [appended([3])]);
    let repeat = settle(&*log, &last).await.outcomes;
    assert!(
        matches!(&repeat[..], [GroupOutcome::Appended { repeated: true, .. }]),
        "{repeat:?}"
    );
    assert_eq!(append(&*log, &one("pools/a", 3, 1)).await, [appended([4])]);
}

async fn scans(admin: &mut PgConnection) -> i64 {
    let scans =
        "SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relid = 'onsale_log.events'::regclass";
    let scans = sqlx::query_scalar(scans).fetch_one(admin);
    scans.await.unwrap()
}

/// How often the function has looked into the indexes of events: once for the end of the log, and once for each stream that
/// it does not take as known.
#[tokio::test]
async fn streams_are_looked_at_unless_they_are_known() {
    let database = TestDatabase::create().await;
    let mut admin = database.admin().await;
    for expected in [0, 1] {
        append_in(&mut admin, "pools/a", expected).await.unwrap();
    }
    let looks = async |admin: &mut PgConnection, known: &str| -> i64 {
        let append = format!(
            "SELECT onsale_log.append_known(ARRAY[1], ARRAY['pools/a'], ARRAY[2::bigint], {known}, ARRAY[1], ARRAY[3::bigint], \
                 ARRAY[gen_random_uuid()], ARRAY['SalesResumed'], ARRAY[1::smallint], ARRAY[clock_timestamp()], ARRAY['{{}}'], \
                 ARRAY['{{}}'], '{{}}', '{{}}', '{{}}')"
        );
        run(admin, "BEGIN").await;
        let before = scans(admin).await;
        // Safe: texts of this test.
        let append = sqlx::raw_sql(AssertSqlSafe(append));
        append.execute(&mut *admin).await.unwrap();
        let after = scans(admin).await;
        run(admin, "ROLLBACK").await;
        after - before
    };
    assert_eq!(looks(&mut admin, "ARRAY[true], 2").await, 1);
    assert_eq!(looks(&mut admin, "ARRAY[false], 2").await, 2);
    assert_eq!(
        looks(&mut admin, "ARRAY[true], 1").await,
        2,
        "it ends elsewhere"
    );
    assert_eq!(looks(&mut admin, "ARRAY[true], NULL").await, 2);
}

/// What the session says it knows, written down by a function in the place of the one that is called.
#[tokio::test]
async fn a_session_says_what_it_knows() {
    let database = TestDatabase::create().await;
    let (log, mut admin) = (database.log().await, database.admin().await);
    let arguments: String =
        sqlx::query_scalar("SELECT pg_get_function_arguments('onsale_log.append_known'::regproc) || ') RETURNS ' || pg_get_function_result('onsale_log.append_known'::regproc)")
            .fetch_one(&mut admin)
            .await
            .unwrap();
    let spy = format!(
        "ALTER FUNCTION onsale_log.append_known SET SCHEMA public; \
         CREATE TABLE public.said (known boolean[], head bigint); \
         CREATE FUNCTION onsale_log.append_known({arguments} LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN \
             INSERT INTO public.said VALUES ($4, $5); \
             RETURN QUERY SELECT * FROM public.append_known($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
                 $15, $16); \
         END $$"
    );
    // Safe: what the server says of its own function.
    let spying = sqlx::raw_sql(AssertSqlSafe(spy)).execute(&mut admin);
    spying.await.unwrap();

    let batches: [&[_]; 3] = [
        &[("pools/a", 0), ("pools/b", 0)],
        &[("pools/a", 2), ("pools/c", 0), ("pools/b", 2)],
        // The first is stale.
        &[("pools/b", 2), ("pools/c", 2)],
    ];
    for writes in batches {
        let groups = writes
            .iter()
            .map(|(stream, expected)| group(stream, *expected, 2));
        append(&*log, &batch(groups)).await;
    }
    let said: Vec<(Vec<bool>, Option<i64>)> = sqlx::query_as("SELECT known, head FROM public.said")
        .fetch_all(&mut admin)
        .await
        .unwrap();
    let expected = [
        (vec![false, false], None),
        (vec![true, false, true], Some(4)),
        (vec![false, true], Some(10)),
    ];
    assert_eq!(said, expected);
}

/// A commit that fails takes back what the function had answered; another instance brings the log as far.
#[tokio::test]
async fn what_was_not_committed_is_not_known() {
    let database = TestDatabase::create().await;
    let (log, mut admin) = (database.log().await, database.admin().await);
    run(
        &mut admin,
        "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not committed'; END $$;
         CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON onsale_log.events DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION public.fail()",
    )
    .await;
    log.append(&one("pools/a", 0, 1)).await.unwrap_err();
    // Here the function's answer comes before the commit.
    let locked = within(LIMIT, "the lock", log.lock()).await.unwrap();
    locked.append(&one("pools/a", 0, 1)).await.unwrap_err();
    run(&mut admin, "DROP TRIGGER fail ON onsale_log.events").await;
    append_in(&mut admin, "pools/b", 0).await.unwrap();
    assert_eq!(append(&*log, &one("pools/a", 1, 1)).await, [stale([0])]);
}
