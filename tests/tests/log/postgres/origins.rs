//! Where commands came from stands beside the log, and may be erased.

use onsale_shared::log::{AppendBatch, EventLog, NewEvent, Origin};
use onsale_tests::database::TestDatabase;
use sqlx::PgConnection;
use uuid::Uuid;

use super::server::run;
use crate::given::{append, appended, batch, event, group, ids, ids_of, read_all, repeated, stale};

fn with_origin(stream: &str, expected: i64, ip: Option<&str>, agent: Option<&str>) -> AppendBatch {
    let mut group = group(stream, expected, 0);
    group.writes[0].events = vec![
        NewEvent {
            origin: Some(Origin {
                ip: ip.map(|ip| ip.parse().unwrap()),
                user_agent: agent.map(str::to_owned),
            }),
            ..event()
        },
        event(),
    ];
    batch([group])
}

async fn origins(admin: &mut PgConnection) -> Vec<(Uuid, Option<String>, Option<String>)> {
    sqlx::query_as(
        "SELECT event_id, host(ip), user_agent FROM onsale_log.event_origins ORDER BY user_agent",
    )
    .fetch_all(admin)
    .await
    .unwrap()
}

#[tokio::test]
async fn origins_belong_to_accepted_events_and_may_be_erased() {
    let database = TestDatabase::create().await;
    let (log, mut admin) = (database.log().await, database.admin().await);
    let four = with_origin("pools/a", 0, Some("192.0.2.7"), Some("a 'quoted\" {agent}"));
    let six = with_origin("pools/b", 0, Some("2001:db8::7"), None);
    let late = with_origin("pools/c", 3, Some("192.0.2.8"), Some("stale"));
    let bare = batch([group("pools/d", 0, 1)]);
    let groups = [&bare, &four, &late, &six].map(|batch| batch.groups()[0].clone());
    let sent = batch(groups);
    assert_eq!(
        append(&*log, &sent).await,
        [appended([1]), appended([2]), stale([0]), appended([4])]
    );
    let agent = "a 'quoted\" {agent}".to_owned();
    let expected = vec![
        (ids(&four)[0].0, Some("192.0.2.7".to_owned()), Some(agent)),
        (ids(&six)[0].0, Some("2001:db8::7".to_owned()), None),
    ];
    assert_eq!(origins(&mut admin).await, expected);

    // Sent again, they are neither doubled nor refused.
    let answer = [repeated([1]), repeated([2]), stale([0]), repeated([4])];
    assert_eq!(append(&*log, &sent).await, answer);
    assert_eq!(origins(&mut admin).await, expected);

    let before = read_all(&*log).await;
    run(&mut admin, "DELETE FROM onsale_log.event_origins").await;
    assert_eq!(read_all(&*log).await, before);
    assert_eq!(append(&*log, &sent).await, answer);
    assert_eq!(
        origins(&mut admin).await,
        [],
        "what was erased stays erased"
    );
    assert_eq!(ids_of(&before).len(), 5);
    assert_eq!(log.head().await.unwrap().position.get(), 5);
}
