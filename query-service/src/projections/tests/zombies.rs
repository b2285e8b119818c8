//! Two that both believe to lead, leaders that are killed at any step, and leaders that are silent.

use std::{sync::Arc, time::Duration};

use onsale_shared::log::Position;
use sqlx::Connection as _;
use tokio::{
    sync::Barrier,
    time::{Instant, sleep, timeout},
};

use super::given::{Given, LIMIT, SAMPLE};
use crate::{
    availability::Progress,
    projections::{
        Entry,
        pages::Pages,
        session::{leads, open},
        writer::{Step, Writer},
    },
    read_models::generations::{self, Moved, advance},
};

/// How soon somebody else leads.
const TAKE_OVER: Duration = Duration::from_secs(5);

/// How long something has to stay away.
const NEVER: Duration = Duration::from_millis(500);

/// How often each of the two writes at least.
const PART: usize = 10;

#[tokio::test]
async fn of_two_that_believe_to_lead_each_event_is_counted_once() {
    let mut given = Given::new().await;
    given.append_many("pool", 0, "SalesResumed", 600).await;
    drop(given.run(&SAMPLE).await);
    let both = Arc::new(Barrier::new(2));
    let turns = (0..2).map(|_| {
        let (database, log) = (given.database.clone(), given.log.clone());
        let both = Arc::clone(&both);
        tokio::spawn(async move {
            use onsale_shared::log::EventLog as _;
            let mut session = open(&database).await.unwrap();
            let mut writer = Writer::new(&SAMPLE, 7, LIMIT);
            let (mut moved, mut replaced) = (0, 0);
            loop {
                let mut live = generations::live(&mut session, SAMPLE.name).await.unwrap();
                generations::use_schema(&mut session, &live.schema())
                    .await
                    .unwrap();
                // Both begin with the same belief.
                if moved + replaced == 0 {
                    both.wait().await;
                }
                // He goes on with what he believes, until he is refused.
                loop {
                    let events = log.read(live.progress.position, 20).await.unwrap();
                    let entries: Vec<_> = events.into_iter().map(Entry::new).collect();
                    let entries: Vec<_> = entries.iter().collect();
                    if entries.is_empty() {
                        return (moved, replaced);
                    }
                    let written = writer.write(&mut session, &live, &entries, Progress::default());
                    match written.await.unwrap() {
                        Step::Moved(to) => {
                            moved += 1;
                            live.progress = to;
                            // Whoever is faster leaves the other one his part.
                            if moved == PART {
                                both.wait().await;
                            }
                        }
                        Step::Replaced => {
                            replaced += 1;
                            break;
                        }
                        Step::Blocked(blocked) => unreachable!("{blocked}"),
                    }
                }
            }
        })
    });
    let mut refused = 0;
    for turn in turns.collect::<Vec<_>>() {
        let (his, replaced) = timeout(LIMIT, turn).await.unwrap().unwrap();
        assert!(his >= PART, "one of them wrote {his} times");
        refused += replaced;
    }
    assert!(refused > 0, "nobody was in the other's way");
    assert_eq!(given.counted("pool").await, 600);
    given.end().await;
}

#[tokio::test]
async fn who_has_moved_the_checkpoint_and_is_heard_no_more_writes_nothing_and_holds_nobody_up() {
    let mut given = Given::new().await;
    given.append_many("pool", 0, "SalesResumed", 10).await;
    let mut running = given.run(&SAMPLE).await;
    running.reach(given.log_head().await).await;
    let mut zombie = open(&given.database).await.unwrap();
    let live = generations::live(&mut zombie, SAMPLE.name).await.unwrap();
    let last = given.append_many("other", 0, "SalesResumed", 10).await;
    running.reach(last).await;
    // Replaced meanwhile: his write is refused.
    let to = Progress {
        position: last,
        ..live.progress
    };
    let mut transaction = zombie.begin().await.unwrap();
    assert_eq!(
        advance(&mut transaction, &live, to).await.unwrap(),
        Moved::No
    );
    transaction.rollback().await.unwrap();

    // In time, and then silent: the row is his, until the server gives him up.
    let live = generations::live(&mut zombie, SAMPLE.name).await.unwrap();
    let to = Progress {
        position: last.next(),
        ..live.progress
    };
    let mut transaction = zombie.begin().await.unwrap();
    assert_eq!(
        advance(&mut transaction, &live, to).await.unwrap(),
        Moved::Yes
    );
    let start = Instant::now();
    let next = given.append("other", 10, "SalesResumed").await;
    running.reach(next).await;
    assert!(start.elapsed() < TAKE_OVER, "{:?}", start.elapsed());
    assert!(transaction.commit().await.is_err(), "his write is refused");
    assert_eq!(given.counted("other").await, 11);
    drop(running);
    given.end().await;
}

#[tokio::test]
async fn a_leader_that_is_silent_is_replaced_in_time() {
    let mut given = Given::new().await;
    drop(given.run(&SAMPLE).await);
    // As of a process that was stopped: its connection is there, and nothing comes.
    let mut silent = open(&given.database).await.unwrap();
    while !leads(&mut silent, SAMPLE.name).await.unwrap() {
        sleep(Duration::from_millis(10)).await;
    }
    let last = given.append_many("pool", 0, "SalesResumed", 10).await;
    let mut running = given.run(&SAMPLE).await;
    let start = Instant::now();
    running.reach(last).await;
    assert!(start.elapsed() < TAKE_OVER, "{:?}", start.elapsed());
    assert_eq!(given.counted("pool").await, 10);
    drop(running);
    given.end().await;
}

/// Where a writer waits for a lock that the test holds: when it reads, moves the checkpoint, writes, and commits.
const STEPS: [(&str, &str); 4] = [
    ("read", ""),
    (
        "checkpoint",
        "CREATE TRIGGER step BEFORE UPDATE ON onsale_query.generations \
           FOR EACH STATEMENT EXECUTE FUNCTION step()",
    ),
    (
        "effect",
        "CREATE TRIGGER step AFTER INSERT OR UPDATE ON onsale_query_sample_1.counted \
           FOR EACH STATEMENT EXECUTE FUNCTION step()",
    ),
    (
        "commit",
        "CREATE CONSTRAINT TRIGGER step AFTER INSERT OR UPDATE ON onsale_query_sample_1.counted \
           DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION step()",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_that_are_killed_at_any_step_lose_and_double_nothing() {
    for (step, trigger) in STEPS {
        let mut given = Given::new().await;
        given
            .execute(
                "CREATE FUNCTION step() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1, 1); RETURN NULL; END $$",
            )
            .await;
        let mut replicas = vec![given.run(&SAMPLE).await, given.run(&SAMPLE).await];
        given.execute(trigger).await;
        let mut holder = given.session().await;
        for round in 0..6 {
            let hold = match step {
                "read" => {
                    "SET search_path TO onsale_log; BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE"
                }
                _ => "BEGIN; SELECT pg_advisory_xact_lock(1, 1)",
            };
            let append = given.append_many("pool", round * 5, "SalesResumed", 5);
            // Nothing is appended to a log that nobody can read.
            if step == "read" {
                append.await;
                sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
            } else {
                sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
                append.await;
            }
            let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                        WHERE datname = current_database() AND wait_event_type = 'Lock' \
                          AND application_name = 'query-service' OR pid IN \
                              (SELECT pid FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid() \
                                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
            let deadline = Instant::now() + LIMIT;
            while given.number(end).await == 0 {
                assert!(Instant::now() < deadline, "nobody came to {step}");
                sleep(Duration::from_millis(5)).await;
            }
            sqlx::raw_sql("ROLLBACK")
                .execute(&mut holder)
                .await
                .unwrap();
            let last = given.log_head().await;
            for replica in &mut replicas {
                replica.reach(last).await;
            }
            assert_eq!(given.counted("pool").await, round * 5 + 5, "{step}");
        }
        drop(replicas);
        given.end().await;
    }
}

/// What a failover has lost is in the pages that were read before it.
#[tokio::test]
async fn who_has_read_what_the_log_has_lost_writes_nothing() {
    let (lost, mut given) = (Given::new().await, Given::new().await);
    let last = lost.append_many("pool", 0, "SalesResumed", 10).await;
    let pages = Pages::of(Arc::clone(&lost.log) as _);
    let read = pages.after(Position::START, 100).await.unwrap();
    assert_eq!(read.entries().len(), 10);
    let mut running = given.run_after(&SAMPLE, &lost.log, pages).await;
    let told = timeout(LIMIT, lost.log.lineage().broken()).await.unwrap();
    assert_eq!(told.position, last);
    let written = timeout(NEVER, running.reach(last)).await;
    assert!(written.is_err(), "what was lost is written");
    assert_eq!(given.counted("pool").await, 0);
    drop(running);
    given.end().await;
    lost.end().await;
}
