//! `command-service verify`, as operators run it.

use std::process::Command;

use onsale_tests::{
    database::TestDatabase,
    service::{Kind, binary},
};
use serde_json::json;

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
        "10 events of 2 pools, up to position 10: all of it can have happened\n"
    );

    let stranger = "00000000-0000-7000-8000-00000000000a";
    let bought = json!({
        "claim": stranger, "ticket": stranger, "customer": "c", "unit_price": 1,
        "expire_time": "2030-01-01T00:00:00Z",
    });
    let version = log::plant(&shop.database, "planted", "TicketBought", &bought).await;
    let (is_sound, printed) = verify(&shop.database);
    assert!(!is_sound, "{printed}");
    assert_eq!(
        printed,
        format!(
            "position 11, pools/planted version {version}, TicketBought: the ticket was not claimed before\n\
             11 events of 2 pools, up to position 11: one pool cannot have become what it is\n"
        )
    );
}
