//! `command-service verify`, as operators run it.

mod snapshots;

use std::process::Command;

use onsale_tests::{
    bench::fill::fill,
    database::TestDatabase,
    service::{Kind, binary},
};
use serde_json::json;
use uuid::Uuid;

use crate::{log, shop::Shop};

/// Whether the log is sound, and what was printed.
fn verify(database: &TestDatabase) -> (bool, String) {
    let output = Command::new(binary(Kind::Command))
        .arg("verify")
        .env("DATABASE_URL", database.url())
        .output()
        .expect("it runs");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    (output.status.success(), printed)
}

#[tokio::test]
async fn it_names_the_first_event_that_cannot_have_happened() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    for id in ["sound", "planted"] {
        caller.create_pool(id, 10).await.expect("a new name");
        caller.purchase(id, "customer", 2).await.expect("places");
    }
    let (is_sound, printed) = verify(&shop.database);
    assert!(is_sound, "{printed}");
    assert_eq!(
        printed,
        "10 events of 2 pools, up to position 10: all of it can have happened\n\
         0 snapshots compared: none differs from what the log gives\n"
    );

    let stranger = "00000000-0000-7000-8000-00000000000a";
    let bought = json!({
        "claim": stranger, "ticket": stranger, "customer": "c", "unit_price": 1,
        "expire_time": "2030-01-01T00:00:00Z",
    });
    let version = log::plant(&shop.database, "planted", "TicketBought", &bought).await;
    let id = id_at(&shop.database, 11).await;
    let (is_sound, printed) = verify(&shop.database);
    assert!(!is_sound, "{printed}");
    assert_eq!(
        printed,
        format!(
            "position 11, pools/planted version {version}, TicketBought {id}: the ticket was not claimed before\n\
             11 events of 2 pools, up to position 11: one pool cannot have become what it is\n\
             0 snapshots compared: none differs from what the log gives\n"
        )
    );
}

#[tokio::test]
async fn what_is_missing_is_named_and_the_rest_is_read() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    for id in ["torn", "whole"] {
        caller.create_pool(id, 10).await.expect("a new name");
        caller.purchase(id, "customer", 2).await.expect("places");
    }
    let mut admin = shop.database.admin().await;
    sqlx::raw_sql("DELETE FROM onsale_log.events WHERE position IN (3, 4)")
        .execute(&mut admin)
        .await
        .expect("a superuser may delete");
    let id = id_at(&shop.database, 5).await;
    let (is_sound, printed) = verify(&shop.database);
    assert!(!is_sound, "{printed}");
    assert_eq!(
        printed,
        format!(
            "position 5, pools/torn version 5, TicketBought {id}: positions 3 to 4 are missing before it\n\
             8 events of 2 pools, up to position 10: one pool cannot have become what it is\n\
             0 snapshots compared: none differs from what the log gives\n"
        )
    );
}

/// What the benchmarks fill a log with is what pools would have recorded. It has no table of snapshots.
#[tokio::test]
async fn a_filled_log_is_sound() {
    let database = TestDatabase::create().await;
    let mut admin = database.admin().await;
    fill(&mut admin, 7, 30_000).await.expect("an empty log");
    let (is_sound, printed) = verify(&database);
    assert!(is_sound, "{printed}");
    let expected = "30000 events of 7 pools, up to position 30000: all of it can have happened\n\
         no snapshots compared: the table of snapshots cannot be used: error returned from database: \
         relation \"onsale_command.snapshots\" does not exist";
    assert!(printed.starts_with(expected), "{printed}");
}

async fn id_at(database: &TestDatabase, position: i64) -> Uuid {
    let mut admin = database.admin().await;
    sqlx::query_scalar("SELECT event_id FROM onsale_log.events WHERE position = $1")
        .bind(position)
        .fetch_one(&mut admin)
        .await
        .expect("it is there")
}
