//! `query-service rebuild` and `query-service verify`, as operators run them, while the service goes on.

use std::process::Stdio;

use onsale_proto::v1;
use onsale_tests::{
    bench::fill::fill,
    caller::Caller,
    service::{Kind, Service, binary},
    system::{System, migrated_database},
    wait::{eventually, within},
};
use tokio::{
    process::{Child, Command},
    task::JoinSet,
};

use super::{
    db::{Db, LIMIT},
    reader::{Reader, Replicas},
    storm::{Storm, pools},
};

/// The live generation of `pools`.
const LIVE: &str = "SELECT generation::bigint FROM onsale_query.generations \
                     WHERE projection = 'pools' AND state = 'live'";
/// How far what is being built is.
const BUILT: &str = "SELECT coalesce(max(position), 0) FROM onsale_query.generations \
                      WHERE projection = 'pools' AND state IN ('building', 'scratch')";

fn start(url: &str, arguments: &[&str]) -> Child {
    Command::new(binary(Kind::Query))
        .args(arguments)
        .env("DATABASE_URL", url)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it runs")
}

/// Whether it went well, what was printed, and what was said beside it.
pub(crate) async fn run(url: &str, arguments: &[&str]) -> (bool, String, String) {
    let ending = start(url, arguments).wait_with_output();
    let output = within(LIMIT * 3, "an end", ending).await.expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_built_anew_in_a_storm_and_nobody_goes_back_in_time() {
    let system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "anew", 4).await;
    let replicas = Replicas::of(&[&system.query]);
    let readers: Vec<_> = names
        .iter()
        .map(|pool| Reader::start(&replicas, pool))
        .collect();
    let storm = Storm::start(&caller, &names, 4);
    storm.go_on(20).await;
    for round in 1..=3 {
        let (went_well, printed, said) = run(system.database.url(), &["rebuild", "pools"]).await;
        assert!(went_well, "{printed}{said}");
        assert!(printed.contains("pools: no row differs"), "{printed}");
        assert!(printed.ends_with("the new tables are live\n"), "{printed}");
        assert_eq!(db.number(LIVE).await, round + 1);
        for reader in &readers {
            reader.go_on(3).await;
        }
        storm.go_on(20).await;
    }
    let last = storm.end().await;
    for reader in readers {
        reader.end().await;
    }
    for (pool, receipt) in &last {
        let shown = caller.pool(pool, &receipt.consistency_token).await.unwrap();
        assert_eq!(shown.etag, receipt.etag);
    }
    db.assert_table_is_fold().await;
    let (is_sound, printed, said) = run(system.database.url(), &["verify"]).await;
    assert!(is_sound, "{printed}{said}");
    assert!(printed.contains("pools: no row differs"), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_projection_can_be_built_anew_and_equals_the_log() {
    let database = migrated_database().await;
    let mut admin = database.admin().await;
    fill(&mut admin, 3, 12_000).await.expect("an empty log");
    let commands = Service::start(Kind::Command, database.url(), &[]).await;
    let query = Service::start(Kind::Query, database.url(), &[]).await;
    let mut caller = Caller::new(commands.channel().await, query.channel().await);
    let names = pools(&mut caller, "each", 3).await;
    let told = caller
        .queries
        .get_projections(v1::GetProjectionsRequest::default());
    let told = told.await.expect("they are told").into_inner().projections;
    assert!(!told.is_empty());
    let storm = Storm::start(&caller, &names, 3);
    for projection in &told {
        let (went_well, printed, said) = run(database.url(), &["rebuild", &projection.name]).await;
        assert!(went_well, "{printed}{said}");
        assert!(!printed.contains("differ\n"), "{printed}");
    }
    storm.end().await;
    let (is_sound, printed, said) = run(database.url(), &["verify"]).await;
    assert!(is_sound, "{printed}{said}");
    for projection in &told {
        let heading = format!("{}, at position ", projection.name);
        assert!(printed.contains(&heading), "{printed}");
    }
}

#[tokio::test]
async fn a_planted_difference_is_named_and_keeps_new_tables_from_being_live() {
    let system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let names = pools(&mut caller, "planted", 3).await;
    for pool in &names {
        caller.purchase(pool, "customer", 2).await.unwrap();
    }
    db.projected().await;
    let url = system.database.url();
    db.execute(&format!(
        "UPDATE onsale_read.pools SET sold = sold + 1 WHERE pool = '{}'",
        names[1]
    ))
    .await;
    let (is_sound, printed, said) = run(url, &["verify", "pools"]).await;
    assert!(!is_sound, "{printed}");
    assert!(printed.contains("pools: 1 row differs"), "{printed}");
    let first = format!("first: {}", names[1]);
    assert!(printed.contains(&first), "{printed}");
    assert!(
        said.contains("the read models are not what the log says"),
        "{said}"
    );

    let (went_well, _, said) = run(url, &["rebuild", "pools"]).await;
    assert!(!went_well);
    assert!(said.contains(&first), "{said}");
    assert_eq!(db.number(LIVE).await, 1);
    let (went_well, printed, said) = run(url, &["rebuild", "pools", "--accept-differences"]).await;
    assert!(went_well, "{printed}{said}");
    // The second was that of the verification.
    assert_eq!(db.number(LIVE).await, 3);
    db.assert_table_is_fold().await;

    let (went_well, _, said) = run(url, &["rebuild", "poodles"]).await;
    assert!(!went_well);
    assert!(said.contains("there is no projection"), "{said}");
}

/// Ends when a replica shows an older state than it has shown.
async fn never_goes_back(mut caller: Caller, pool: String) {
    let mut newest = 0;
    loop {
        let shown = caller.availability(&pool, "").await.unwrap().version;
        if shown < newest {
            return;
        }
        newest = shown;
    }
}

/// Memory was loaded from the wrong table, and would write it again.
#[tokio::test]
async fn what_a_rebuild_has_mended_stays_so_and_memory_learns_it() {
    let mut system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    let pool = pools(&mut caller, "mended", 1).await.remove(0);
    caller.purchase(&pool, "customer", 2).await.unwrap();
    db.projected().await;
    let url = system.database.url().to_owned();
    system.query.kill().await;
    db.execute("UPDATE onsale_read.pools SET sold = sold + 1")
        .await;
    system.query = Service::start(Kind::Query, &url, &[]).await;
    let other = Service::start(Kind::Query, &url, &[]).await;
    let mut slow = Caller::new(system.command_channel(0).await, other.channel().await);
    let mut caller = system.caller().await;
    for caller in [&mut caller, &mut slow] {
        assert_eq!(caller.availability(&pool, "").await.unwrap().sold, 3);
    }
    let storm = Storm::start(&caller, std::slice::from_ref(&pool), 1);
    let mut forwards = JoinSet::new();
    forwards.spawn(never_goes_back(caller.clone(), pool.clone()));
    other.signal("STOP").await;

    let (went_well, printed, said) = run(&url, &["rebuild", "pools", "--accept-differences"]).await;
    assert!(went_well, "{printed}{said}");
    // More than a page: when the other one reads its next page, the new tables are ahead of its memory.
    for _ in 0..300 {
        caller.purchase(&pool, "customer", 4).await.unwrap();
    }
    db.projected().await;
    other.signal("CONT").await;
    forwards.spawn(never_goes_back(slow.clone(), pool.clone()));
    for (caller, whose) in [(&mut caller, "its writer's"), (&mut slow, "the other's")] {
        eventually(LIMIT, format!("{whose} memory is right"), || async {
            let shown = caller.clone().availability(&pool, "").await.unwrap();
            // A purchase of one ticket is two events; the first was of two tickets, after the creation.
            (2 * shown.sold == shown.version - 1).then_some(())
        })
        .await;
    }
    storm.go_on(20).await;
    let last = storm.end().await;
    let token = &last[&pool].consistency_token;
    assert!(forwards.try_join_next().is_none(), "memory went back");
    for caller in [&mut caller, &mut slow] {
        let shown = caller.pool(&pool, token).await.unwrap();
        let live = caller.availability(&pool, token).await.unwrap();
        assert_eq!(shown.availability.unwrap().sold, live.sold);
        assert_eq!(2 * live.sold, live.version - 1);
    }
    db.assert_table_is_fold().await;
}

#[tokio::test]
async fn a_rebuild_that_was_killed_is_gone_on_with_and_a_verify_leaves_nothing_behind() {
    let database = migrated_database().await;
    let mut admin = database.admin().await;
    fill(&mut admin, 20, 120_000).await.expect("an empty log");
    let db = Db::of(&database).await;
    let query = Service::start(Kind::Query, database.url(), &[]).await;
    eventually(LIMIT * 3, "the table includes the log", || async {
        (db.checkpoint().await == 120_000).then_some(())
    })
    .await;
    for (command, left) in [("verify", 1), ("rebuild", 2)] {
        let mut killed = start(database.url(), &[command, "pools"]);
        eventually(LIMIT, "it has begun", || async {
            (db.number(BUILT).await > 0).then_some(())
        })
        .await;
        killed.kill().await.expect("it runs");
        let reached = db.number(BUILT).await;
        assert!(reached < 120_000, "{reached}");
        // The server notes the end of a session when its statement has ended.
        let builders = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' \
                           AND objid::bigint = (hashtext('build pools')::bigint & 4294967295)";
        eventually(LIMIT, "nobody builds", || async {
            (db.number(builders).await == 0).then_some(())
        })
        .await;
        let (went_well, printed, said) = run(database.url(), &[command, "pools"]).await;
        assert!(went_well, "{printed}{said}");
        assert!(printed.contains("pools: no row differs"), "{printed}");
        if command == "rebuild" {
            assert!(said.contains("going on with what was begun"), "{said}");
        }
        let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'onsale_query_pools_%'";
        assert_eq!(db.number(schemas).await, left, "{command}");
    }
    drop(query);
}
