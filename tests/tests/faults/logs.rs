//! A service whose log nobody reads any more still works, and still ends when it is asked to.

use std::{process::Stdio, time::Duration};

use onsale_tests::{
    service::{Kind, binary, signal},
    system::migrated_database,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    time::timeout,
};

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_log_is_closed_still_ends_when_asked() {
    let database = migrated_database().await;
    for kind in [Kind::Command, Kind::Query] {
        let mut child = Command::new(binary(kind))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("DATABASE_URL", database.url())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains("listening") {
                    return;
                }
            }
        };
        timeout(LIMIT, listening).await.expect("it starts");
        // Whoever read the log is gone; writing to it fails from here on.
        drop(lines);
        signal(child.id().unwrap(), "TERM").await;
        let ended = timeout(LIMIT, child.wait())
            .await
            .expect("it ends")
            .unwrap();
        assert_eq!(ended.code(), Some(0), "{kind:?}");
    }
}
