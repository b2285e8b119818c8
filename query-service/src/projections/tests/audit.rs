//! The rows of `audit`, wherever a page of the log ends.

use std::time::Duration;

use onsale_shared::{
    event::{CommandMetadata, Encoded, Metadata, Source},
    id::{EventId, IdSource, RequestId},
    log::{AppendBatch, EventLog as _, Group, NewEvent, Origin, Position, Version},
    time::Timestamp,
};
use sqlx::{PgConnection, types::Uuid};

use super::given::Given;
use crate::projections::{Entry, audit::AUDIT};

/// A command of so many events: who sent it, if anybody did, and when.
struct Sent {
    pool: &'static str,
    expected: i64,
    events: usize,
    actor: Option<&'static str>,
    second: i64,
    ip: Option<&'static str>,
}

const fn sent(
    pool: &'static str,
    expected: i64,
    events: usize,
    actor: Option<&'static str>,
    second: i64,
) -> Sent {
    Sent {
        pool,
        expected,
        events,
        actor,
        second,
        ip: None,
    }
}

async fn append(given: &Given, sent: &Sent) {
    let time = Timestamp::from_micros(1_800_000_000_000_000)
        .plus(Duration::from_secs(sent.second.unsigned_abs()));
    let mut ids = IdSource.ids(time);
    let request = sent.actor.map(|_| RequestId(ids.event().0));
    let source = Source {
        service: "command-service".into(),
        version: "0.1.0".into(),
        instance: "i".into(),
    };
    let mut command = Some(CommandMetadata {
        command_hash: None,
        correlation_id: sent.actor.map(|actor| format!("talk-{actor}")),
        traceparent: None,
        actor: sent.actor.unwrap_or("command-service").into(),
        source,
    });
    let mut origin = sent.ip.map(|ip| Origin {
        ip: Some(ip.parse().unwrap()),
        user_agent: None,
    });
    let events = (0..sent.events).map(|_| NewEvent {
        id: ids.event(),
        kind: "SalesResumed",
        schema: 1,
        time,
        data: "{}".into(),
        metadata: Metadata {
            request_id: request,
            causation_id: None,
            command: command.take(),
        }
        .to_json()
        .unwrap(),
        origin: origin.take(),
    });
    let expected = Version::new(sent.expected).unwrap();
    let group = Group::of_stream(sent.pool.into(), expected, events.collect());
    let batch = AppendBatch::new(vec![group]).unwrap();
    given.log.append(&batch).await.unwrap();
}

/// The rows when a new projector begins after each of these positions.
async fn rows(
    given: &Given,
    entries: &[Entry],
    ends: &[usize],
    forget: bool,
) -> (Vec<String>, Vec<String>) {
    let mut session = given.database.session().await.unwrap();
    sqlx::raw_sql("SET search_path = pg_temp")
        .execute(&mut session)
        .await
        .unwrap();
    sqlx::raw_sql(AUDIT.tables_sql)
        .execute(&mut session)
        .await
        .unwrap();
    sqlx::raw_sql(AUDIT.indexes_sql)
        .execute(&mut session)
        .await
        .unwrap();
    let mut projector = (AUDIT.projector)();
    let mut from = 0;
    for &end in ends.iter().chain([&entries.len()]) {
        let page: Vec<_> = entries[from..end].iter().collect();
        projector.apply(&mut session, &page).await.unwrap();
        if forget {
            projector.forget();
        }
        from = end;
    }
    let events = "SELECT audit::text FROM audit ORDER BY position";
    let times = "SELECT audit_times::text FROM audit_times ORDER BY block";
    (
        texts(&mut session, events).await,
        texts(&mut session, times).await,
    )
}

async fn texts(session: &mut PgConnection, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(session).await.unwrap()
}

#[tokio::test]
async fn rows_are_the_same_wherever_a_page_ends_and_whoever_goes_on() {
    let given = Given::new().await;
    let with_ip = |ip, sent| Sent {
        ip: Some(ip),
        ..sent
    };
    for sent in [
        with_ip("192.0.2.7", sent("pools/aaa", 0, 3, Some("one"), 0)),
        with_ip("2001:db8::7", sent("pools/bbb", 0, 2, Some("two"), 0)),
        // The same pool and time, and other commands.
        sent("pools/aaa", 3, 2, Some("three"), 0),
        sent("pools/aaa", 5, 2, None, 0),
        sent("pools/aaa", 7, 2, None, 9),
        sent("pools/bbb", 2, 1, None, 9),
        // Events of a stream of another kind are listed too.
        sent("shows/a", 0, 1, Some("four"), 5),
        sent("pools/aaa", 9, 3, Some("five"), 4),
    ] {
        append(&given, &sent).await;
    }
    // An event that says nothing of who caused it, after one that does.
    given.append("bbb", 3, "SalesResumed").await;
    let events = given.log.read(Position::START, 100).await.unwrap();
    let entries: Vec<_> = events.into_iter().map(Entry::new).collect();

    let (whole, times) = rows(&given, &entries, &[], false).await;
    assert_eq!(whole.len(), 17);
    let shown = |time: Option<Timestamp>| time.unwrap().to_utc().format("%F %T").to_string();
    let low = shown(entries.iter().map(|entry| entry.event.time).min());
    let high = shown(entries.iter().map(|entry| entry.event.time).max());
    assert!(times[0].starts_with(&format!("(0,\"{low}")), "{times:?}");
    assert!(times[0].contains(&format!(",\"{high}")), "{times:?}");
    let told: Vec<_> = whole.iter().map(|row| who(row)).collect();
    let expected = [
        ("0", "one", "192.0.2.7"),
        ("1", "one", "192.0.2.7"),
        ("2", "one", "192.0.2.7"),
        ("0", "two", "2001:db8::7"),
        ("1", "two", "2001:db8::7"),
        ("0", "three", ""),
        ("1", "three", ""),
        ("0", "command-service", ""),
        ("1", "command-service", ""),
        ("0", "command-service", ""),
        ("1", "command-service", ""),
        ("0", "command-service", ""),
        ("0", "four", ""),
        ("0", "five", ""),
        ("1", "five", ""),
        ("2", "five", ""),
        ("0", "", ""),
    ];
    assert_eq!(
        told,
        expected.map(|(step, actor, ip)| [step, actor, ip].map(str::to_owned))
    );
    for end in 1..entries.len() {
        for forget in [false, true] {
            assert_eq!(
                rows(&given, &entries, &[end], forget).await,
                (whole.clone(), times.clone()),
                "{end}"
            );
        }
    }
    let one_by_one: Vec<_> = (1..entries.len()).collect();
    assert_eq!(
        rows(&given, &entries, &one_by_one, true).await,
        (whole, times)
    );
    given.end().await;
}

/// The step, the actor and the address of a row.
fn who(row: &str) -> [String; 3] {
    let columns: Vec<_> = row.trim_matches(['(', ')']).split(',').collect();
    [columns[8], columns[12], columns[15]].map(str::to_owned)
}

/// In whatever way rows are written: a few by a statement, many by a stream in PostgreSQL's own format.
#[tokio::test]
async fn every_column_is_written_as_it_is() {
    let given = Given::new().await;
    let id = |n| EventId(Uuid::from_u128(n));
    let event = NewEvent {
        id: id(7),
        kind: "TicketReleased",
        schema: 1,
        time: Timestamp::from_micros(1_800_000_000_000_001),
        data: format!(
            r#"{{"claim":"{}","ticket":"{}","customer":"k'i\"m,","cause":"EXPIRED","expire_time":"2026-01-01T00:00:00Z"}}"#,
            Uuid::from_u128(8),
            Uuid::from_u128(9)
        ),
        metadata: Metadata {
            request_id: Some(RequestId(Uuid::from_u128(5))),
            causation_id: Some(id(6)),
            command: Some(CommandMetadata {
                command_hash: None,
                correlation_id: Some("talk".into()),
                traceparent: None,
                actor: "shop \u{fc}".into(),
                source: Source {
                    service: "s".into(),
                    version: "v".into(),
                    instance: "i".into(),
                },
            }),
        }
        .to_json()
        .unwrap(),
        origin: Some(Origin {
            ip: Some("192.0.2.7".parse().unwrap()),
            user_agent: Some("agent".into()),
        }),
    };
    let group = Group::of_stream("pools/aaa".into(), Version::START, vec![event]);
    given
        .log
        .append(&AppendBatch::new(vec![group]).unwrap())
        .await
        .unwrap();
    for version in [0, 900, 1_800] {
        given
            .append_many("many", version, "SalesResumed", 900)
            .await;
    }
    let mut entries = Vec::new();
    while let events = given
        .log
        .read(
            Position::new(entries.len().try_into().unwrap()).unwrap(),
            1_000,
        )
        .await
        .unwrap()
        && !events.is_empty()
    {
        entries.extend(events.into_iter().map(Entry::new));
    }
    assert_eq!(entries.len(), 2_701);
    let (streamed, _) = rows(&given, &entries, &[], false).await;
    let (stated, _) = rows(&given, &entries, &[1, 1_500], false).await;
    assert_eq!(streamed, stated);
    let uuid = |n| Uuid::from_u128(n).to_string();
    let expected = format!(
        "(1,1,\"2027-01-15 08:00:00.000001+00\",{},{},{},{},{},0,aaa,TicketReleased,\"k'i\"\"m,\",\"shop \u{fc}\",talk,i,192.0.2.7)",
        uuid(7),
        uuid(5),
        uuid(6),
        uuid(8),
        uuid(9)
    );
    assert_eq!(streamed[0], expected);
    given.end().await;
}

/// Releases of before there was a limit per customer: found by his name where the log said before whose the claim is.
#[tokio::test]
async fn a_release_that_does_not_say_whose_it_was_is_its_claims_customers() {
    let given = Given::new().await;
    let event = |kind, claim: u128, customer: Option<&str>| {
        let customer = customer.map(|name| format!(r#","customer":"{name}""#));
        let data = format!(
            r#"{{"claim":"{}","ticket":"{}","cause":"EXPIRED","unit_price":7,"expire_time":"2026-01-01T00:00:00Z"{}}}"#,
            Uuid::from_u128(claim),
            Uuid::from_u128(9),
            customer.unwrap_or_default()
        );
        Encoded {
            kind,
            schema: 1,
            data,
        }
    };
    let time = Timestamp::from_micros(1_800_000_000_000_000);
    for (pool, version, fact) in [
        ("aaa", 0, event("TicketClaimed", 1, Some("ann"))),
        ("aaa", 1, event("TicketReleased", 1, None)),
        // The same id in another pool, and who says it first.
        ("bbb", 0, event("TicketClaimed", 1, Some("bob"))),
        ("bbb", 1, event("TicketClaimed", 1, Some("eve"))),
        ("bbb", 2, event("TicketReleased", 1, None)),
        ("bbb", 3, event("TicketReleased", 1, Some("eve"))),
        // Nobody has said it yet.
        ("aaa", 2, event("TicketReleased", 2, None)),
        ("aaa", 3, event("TicketClaimed", 2, Some("cat"))),
        ("aaa", 4, event("TicketReleased", 2, None)),
    ] {
        given.append_facts(pool, version, &fact, time, 1).await;
    }
    let events = given.log.read(Position::START, 100).await.unwrap();
    let entries: Vec<_> = events.into_iter().map(Entry::new).collect();
    let (whole, _) = rows(&given, &entries, &[], false).await;
    let customer = |row: &String| row.split(',').nth(11).unwrap().to_owned();
    let told: Vec<_> = whole.iter().map(customer).collect();
    let expected = ["ann", "ann", "bob", "eve", "bob", "eve", "", "cat", "cat"];
    assert_eq!(told, expected);
    for end in 1..entries.len() {
        assert_eq!(rows(&given, &entries, &[end], true).await.0, whole, "{end}");
    }
    given.end().await;
}
