//! Origins: where commands came from, by their first events. Who appends may not see them, so each engine has a writer
//! and a reader here.

use std::collections::BTreeMap;

use onsale_shared::{
    id::EventId,
    log::{
        EventLog, Group, NewEvent, Origin, Position,
        memory::MemoryLog,
        postgres::{PostgresLogConfig, Role},
    },
    time::Timestamp,
};
use onsale_tests::database::TestDatabase;
use uuid::Uuid;

use crate::given::{append, batch, event, version};

#[tokio::test]
async fn memory() {
    let log = MemoryLog::new(Timestamp::from_micros(1_800_000_000_000_000));
    origins_are_found_by_the_first_event_of_a_command(&log, &log).await;
}

#[tokio::test]
async fn postgres() {
    let database = TestDatabase::create().await;
    let writer = database.log().await;
    let reader = database.log_with(|config| PostgresLogConfig {
        role: Some(Role::Query),
        ..config
    });
    let reader = reader.await;
    origins_are_found_by_the_first_event_of_a_command(&*writer, &*reader).await;
    // Who appends has no business with them.
    assert!(writer.origins(&[EventId(Uuid::nil())]).await.is_err());

    // An erased one is absent from then on.
    let all = reader.read(Position::START, 2_000).await.unwrap();
    let ids: Vec<_> = all.iter().map(|event| event.id).collect();
    assert_eq!(reader.origins(&ids).await.unwrap().len(), 1_203);
    let mut admin = database.admin().await;
    sqlx::query("DELETE FROM onsale_log.event_origins WHERE event_id <> $1")
        .bind(ids[0].0)
        .execute(&mut admin)
        .await
        .unwrap();
    let left = reader.origins(&ids).await.unwrap();
    assert_eq!(left.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [ids[0]]);
}

async fn origins_are_found_by_the_first_event_of_a_command(
    writer: &dyn EventLog,
    reader: &dyn EventLog,
) {
    let origin = |ip: Option<&str>, agent: Option<&str>| Origin {
        ip: ip.map(|ip| ip.parse().unwrap()),
        user_agent: agent.map(str::to_owned),
    };
    let four = origin(Some("192.0.2.7"), Some("a 'quoted\" {agent}"));
    let six = origin(Some("2001:db8::7"), None);
    let neither = origin(None, Some("nobody"));
    let from = |origin: Option<&Origin>| NewEvent {
        origin: origin.cloned(),
        ..event()
    };
    let events = vec![
        from(Some(&four)),
        from(None),
        from(Some(&six)),
        from(Some(&neither)),
    ];
    let ids: Vec<_> = events.iter().map(|event| event.id).collect();
    let group = Group::of_stream("pools/a".into(), version(0), events);
    append(writer, &batch([group])).await;

    let read = async |asked: &[EventId]| -> BTreeMap<EventId, Origin> {
        let found = reader.origins(asked).await.unwrap();
        let number = found.len();
        let map: BTreeMap<_, _> = found.into_iter().collect();
        assert_eq!(map.len(), number, "each once");
        map
    };
    assert_eq!(read(&[]).await, BTreeMap::new());
    assert_eq!(read(&[ids[1], EventId(Uuid::nil())]).await, BTreeMap::new());
    let expected = BTreeMap::from([(ids[0], four), (ids[2], six), (ids[3], neither.clone())]);
    assert_eq!(read(&ids).await, expected);
    assert_eq!(read(&[ids[0], ids[1], ids[0]]).await.len(), 1);

    // More than one statement names.
    for round in 0..2 {
        let many: Vec<_> = (0..600).map(|_| from(Some(&neither))).collect();
        let group = Group::of_stream("pools/b".into(), version(600 * round), many);
        append(writer, &batch([group])).await;
    }
    let all = reader.read(Position::START, 2_000).await.unwrap();
    let all: Vec<_> = all.iter().map(|event| event.id).collect();
    assert_eq!(read(&all).await.len(), 1_203);
}
