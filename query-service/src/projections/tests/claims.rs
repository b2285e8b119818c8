//! The projection `claims` against PostgreSQL: large batches write what small ones do, also where the log is wrong.

use onsale_shared::{
    event::{Labels, PoolEvent, TicketBought, TicketClaimed, encode},
    id::{ClaimId, EventId, PoolId, TicketId},
    log::{Position, RecordedEvent, StreamName, Version},
    money::Minor,
    text::Reference,
    time::Timestamp,
};
use sqlx::{Connection as _, types::Uuid};

use super::given::Given;
use crate::projections::{Entry, claims::CLAIMS, customers::CUSTOMERS};

/// More than are looked for, all new.
const FILLING: u32 = 1_500;

fn uuid(number: u32) -> Uuid {
    Uuid::from_u128(u128::from(number))
}

fn claimed(claim: u32, ticket: u32, customer: &str) -> PoolEvent {
    PoolEvent::TicketClaimed(TicketClaimed {
        claim: ClaimId(uuid(claim)),
        ticket: TicketId(uuid(ticket)),
        customer: Reference::parse(customer).unwrap(),
        unit_price: Minor::new(7).unwrap(),
        pricing_version: 1,
        expire_time: Timestamp::from_micros(1),
        reference: None,
        labels: Labels::new(),
        replaces: None,
        granted: false,
    })
}

fn bought(claim: u32, ticket: u32) -> PoolEvent {
    PoolEvent::TicketBought(TicketBought {
        claim: ClaimId(uuid(claim)),
        ticket: TicketId(uuid(ticket)),
        customer: Reference::parse("c").unwrap(),
        unit_price: Minor::new(7).unwrap(),
        expire_time: Timestamp::from_micros(1),
        payment_reference: None,
        granted: false,
        reason: None,
    })
}

fn entries(facts: &[PoolEvent]) -> Vec<Entry> {
    let stream = StreamName::of_pool(&PoolId::parse("abc").unwrap());
    let mut position = Position::START;
    let entry = |fact: &PoolEvent| {
        position = position.next();
        let encoded = encode(fact).unwrap();
        Entry::new(RecordedEvent {
            position,
            stream: stream.clone(),
            version: Version::new(position.get()).unwrap(),
            id: EventId(uuid(0)),
            kind: encoded.kind.to_owned(),
            schema: encoded.schema,
            time: Timestamp::from_micros(position.get()),
            data: encoded.data,
            metadata: "{}".to_owned(),
            recorded_at: Timestamp::default(),
        })
    };
    facts.iter().map(entry).collect()
}

/// Writes batches of some sizes into tables of their own.
async fn write(given: &mut Given, schema: &str, batches: &[&[Entry]]) {
    let search = format!("CREATE SCHEMA {schema}; SET search_path = {schema}");
    given.execute(&search).await;
    for projection in [&CLAIMS, &CUSTOMERS] {
        given.execute(projection.tables_sql).await;
        let mut projector = (projection.projector)();
        for batch in batches {
            let batch: Vec<_> = batch.iter().collect();
            let mut transaction = given.admin.begin().await.unwrap();
            projector.apply(&mut transaction, &batch).await.unwrap();
            transaction.commit().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_large_batch_writes_what_small_ones_do_whatever_was_there_before() {
    let before: Vec<_> = (0..10).map(|claim| claimed(claim, claim, "c")).collect();
    let fill = |from: u32| (from..from + FILLING).map(|claim| claimed(claim, claim, "c"));
    // Nothing wrong; the same claim and ticket again; the claim for somebody else; the ticket of another claim.
    let last = [
        vec![
            bought(5, 5),
            claimed(9_000, 9_000, "c"),
            claimed(9_000, 9_001, "c"),
        ],
        vec![claimed(3, 3, "c"), bought(3, 3)],
        vec![claimed(4, 9_002, "other")],
        vec![claimed(9_003, 6, "c")],
    ];
    let mut given = Given::new().await;
    for (turn, wrong) in last.iter().enumerate() {
        let facts = before.iter().cloned().chain(fill(100)).chain(wrong.clone());
        let entries = entries(&facts.collect::<Vec<_>>());
        let (first, rest) = entries.split_at(before.len());
        let small: Vec<_> = entries.chunks(100).collect();
        let (one, other) = (format!("small_{turn}"), format!("large_{turn}"));
        write(&mut given, &one, &small).await;
        // Twice, as if once.
        write(&mut given, &other, &[first, rest, rest]).await;
        for table in ["claims", "tickets", "customer_entries", "claim_owners"] {
            let columns = if table == "claims" {
                "(c - 'labels')::text"
            } else {
                "c::text"
            };
            let all = |schema| format!("SELECT {columns} FROM {schema}.{table} t, to_jsonb(t) c");
            let differing = format!(
                "SELECT count(*) FROM (({0} EXCEPT {1}) UNION ALL ({1} EXCEPT {0})) x",
                all(&one),
                all(&other)
            );
            assert_eq!(given.number(&differing).await, 0, "{turn} {table}");
        }
        let corrupted = format!("SELECT count(*) FROM {other}.claims WHERE corrupted");
        assert_eq!(
            given.number(&corrupted).await,
            i64::from(turn == 1 || turn == 2)
        );
        let claims = format!("SELECT count(*) FROM {other}.claims");
        let expected = 10 + i64::from(FILLING) + i64::from(turn == 0);
        assert_eq!(given.number(&claims).await, expected, "{turn}");
    }
    given.end().await;
}
