//! Events stay readable for ever. Each file in `golden/` holds what was once written for a type and schema version; it
//! is never edited, only new ones are added.

#![cfg(test)]

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use onsale_shared::{
    event::{
        CommandHash, CommandMetadata, EventType, Metadata, PoolCreated, PoolEvent, Pricing,
        ReleaseCause, SalesResumed, SalesStopped, Source, StopMode, TicketBought, TicketClaimed,
        TicketReleased, decode, encode,
    },
    id::{ClaimId, EventId, RequestId, TicketId},
    money::{Currency, Minor},
    text::{Reference, Sentence},
    time::Timestamp,
};
use serde_json::{Value, json};
use uuid::Uuid;

const METADATA: &str = "metadata.json";

/// The cases of a file by name.
fn golden(file: &str) -> BTreeMap<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// What the cases of each type and schema version mean today.
fn expected(kind: EventType, schema: i16) -> Vec<(&'static str, PoolEvent)> {
    match (kind, schema) {
        (EventType::PoolCreated, 1) => vec![
            ("full", pool_created()),
            (
                "least",
                PoolEvent::PoolCreated(PoolCreated {
                    display_name: None,
                    promoter: None,
                    show: None,
                    labels: BTreeMap::new(),
                    show_time: None,
                    capacity: 1,
                    pricing: Pricing {
                        currency: Currency::parse("JPY").unwrap(),
                        base_price: minor(0),
                    },
                    max_tickets_per_order: 1,
                    claim_duration: Duration::from_secs(1),
                }),
            ),
        ],
        (EventType::TicketClaimed, 1) => vec![
            (
                "full",
                PoolEvent::TicketClaimed(TicketClaimed {
                    claim: claim(),
                    ticket: ticket(),
                    customer: reference("customer-1"),
                    unit_price: minor(2_550),
                    expire_time: deadline(),
                    reference: Some(reference("cart-9")),
                    labels: [("channel".to_owned(), "web".to_owned())].into(),
                }),
            ),
            (
                "least",
                PoolEvent::TicketClaimed(TicketClaimed {
                    claim: claim(),
                    ticket: ticket(),
                    customer: reference("c"),
                    unit_price: minor(0),
                    expire_time: Timestamp::from_micros(0),
                    reference: None,
                    labels: BTreeMap::new(),
                }),
            ),
        ],
        (EventType::TicketBought, 1) => vec![
            (
                "full",
                PoolEvent::TicketBought(TicketBought {
                    claim: claim(),
                    ticket: ticket(),
                    customer: reference("customer-1"),
                    unit_price: minor(2_550),
                    expire_time: deadline(),
                    payment_reference: Some(reference("payment-3")),
                }),
            ),
            (
                "least",
                PoolEvent::TicketBought(TicketBought {
                    claim: claim(),
                    ticket: ticket(),
                    customer: reference("c"),
                    unit_price: minor(0),
                    expire_time: Timestamp::from_micros(0),
                    payment_reference: None,
                }),
            ),
        ],
        (EventType::TicketReleased, 1) => [
            ("customer", ReleaseCause::Customer),
            ("expired", ReleaseCause::Expired),
            ("stopped", ReleaseCause::Stopped),
        ]
        .map(|(case, cause)| (case, released(cause)))
        .into(),
        (EventType::SalesStopped, 1) => vec![
            (
                "full",
                PoolEvent::SalesStopped(SalesStopped {
                    mode: StopMode::VoidClaims,
                    reason: Some(sentence("A pipe burst in the hall")),
                }),
            ),
            (
                "least",
                PoolEvent::SalesStopped(SalesStopped {
                    mode: StopMode::FinishClaims,
                    reason: None,
                }),
            ),
        ],
        (EventType::SalesResumed, 1) => vec![
            (
                "full",
                PoolEvent::SalesResumed(SalesResumed {
                    reason: Some(sentence("The pipe is mended")),
                }),
            ),
            (
                "least",
                PoolEvent::SalesResumed(SalesResumed { reason: None }),
            ),
        ],
        (kind, schema) => panic!("say here what golden/{}.{schema}.json means", kind.as_str()),
    }
}

fn pool_created() -> PoolEvent {
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    PoolEvent::PoolCreated(PoolCreated {
        display_name: Some(sentence("Träume – opening night")),
        promoter: Some(reference("promoter-7")),
        show: Some(reference("show-1")),
        labels: [label("hall", "main"), label("tour", "ünicode")].into(),
        show_time: Some(Timestamp::from_micros(1_803_929_400_000_000)),
        capacity: 10_000_000,
        pricing: Pricing {
            currency: Currency::parse("EUR").unwrap(),
            base_price: Minor::PRICE_MAX,
        },
        max_tickets_per_order: 4,
        claim_duration: Duration::from_mins(10),
    })
}

fn released(cause: ReleaseCause) -> PoolEvent {
    PoolEvent::TicketReleased(TicketReleased {
        claim: claim(),
        ticket: ticket(),
        cause,
        expire_time: deadline(),
    })
}

fn claim() -> ClaimId {
    ClaimId(Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_c1a1))
}

fn ticket() -> TicketId {
    TicketId(Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_001c))
}

fn deadline() -> Timestamp {
    Timestamp::from_micros(1_795_005_400_000_007)
}

fn minor(units: i64) -> Minor {
    Minor::new(units).unwrap()
}

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

fn sentence(text: &str) -> Sentence {
    Sentence::parse(text, 200).unwrap()
}

#[test]
fn every_schema_that_was_ever_written_is_read() {
    let mut files = vec![METADATA.to_owned()];
    for &kind in EventType::ALL {
        for schema in 1..=kind.schema() {
            let file = format!("{}.{schema}.json", kind.as_str());
            let mut cases = golden(&file);
            for (case, expected) in expected(kind, schema) {
                let data = cases
                    .remove(case)
                    .unwrap_or_else(|| panic!("{file} has no case {case:?}"));
                let decoded = decode(kind.as_str(), schema, &data.to_string());
                assert_eq!(decoded.unwrap(), expected, "{file}, {case}");
                if schema == kind.schema() {
                    let encoded = encode(&expected).unwrap();
                    assert_eq!((encoded.kind, encoded.schema), (kind.as_str(), schema));
                    let written: Value = serde_json::from_str(&encoded.data).unwrap();
                    assert_eq!(
                        written, data,
                        "{file}, {case}: it is written differently now"
                    );
                }
            }
            assert!(cases.is_empty(), "{file}: nobody says what {cases:?} means");
            files.push(file);
        }
    }
    // No file is of a type or schema that this version does not know.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(files.contains(&name), "golden/{name} is read by nobody");
    }
}

/// A newer version may add fields; this one still reads what it knows.
#[test]
fn fields_of_the_future_are_passed_over() {
    for &kind in EventType::ALL {
        for (case, expected) in expected(kind, kind.schema()) {
            let file = format!("{}.{}.json", kind.as_str(), kind.schema());
            let mut data = golden(&file).remove(case).unwrap();
            data["from_the_future"] = json!({"a": [1]});
            let decoded = decode(kind.as_str(), kind.schema(), &data.to_string());
            assert_eq!(decoded.unwrap(), expected);
        }
    }
}

#[test]
fn what_cannot_be_read_is_an_error_and_no_guess() {
    for &kind in EventType::ALL {
        let name = kind.as_str();
        assert!(decode(name, kind.schema() + 1, "{}").is_err(), "{name}");
        assert!(decode(name, 0, "{}").is_err(), "{name}");
        assert!(decode(name, kind.schema(), "\"text\"").is_err(), "{name}");
        assert!(decode(name, kind.schema(), "").is_err(), "{name}");
        assert!(decode(&name.to_lowercase(), kind.schema(), "{}").is_err());
        // Each field that the least case has is required.
        let file = format!("{name}.{}.json", kind.schema());
        for (_, least) in golden(&file).iter().filter(|(case, _)| *case == "least") {
            for field in least.as_object().unwrap().keys() {
                let mut torn = least.clone();
                torn.as_object_mut().unwrap().remove(field);
                assert!(
                    decode(name, kind.schema(), &torn.to_string()).is_err(),
                    "{name} without {field}"
                );
            }
        }
    }
}

#[test]
fn metadata_that_was_ever_written_is_read() {
    let request_id = RequestId(Uuid::from_u128(0x0b5c_1b8e_3c1e_4a7f_9d55_6f1d_2c3b_4a59));
    let cause = EventId(Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0001));
    let source = Source {
        service: "command-service".into(),
        version: "0.1.0".into(),
        instance: "a".into(),
    };
    let expected = [
        (
            "first_of_command",
            Metadata {
                request_id: Some(request_id),
                causation_id: None,
                command: Some(CommandMetadata {
                    command_hash: Some(CommandHash(0xdead_beef)),
                    correlation_id: Some("checkout-77".into()),
                    traceparent: Some(
                        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
                    ),
                    actor: "checkout".into(),
                    source: source.clone(),
                }),
            },
        ),
        (
            "further_of_command",
            Metadata {
                request_id: Some(request_id),
                causation_id: Some(cause),
                command: None,
            },
        ),
        (
            "of_the_server",
            Metadata {
                request_id: None,
                causation_id: Some(cause),
                command: Some(CommandMetadata {
                    command_hash: None,
                    correlation_id: None,
                    traceparent: None,
                    actor: "command-service".into(),
                    source,
                }),
            },
        ),
        ("least", Metadata::default()),
    ];
    let mut cases = golden(METADATA);
    for (case, expected) in expected {
        let json = cases.remove(case).unwrap();
        assert_eq!(Metadata::from_json(&json.to_string()).unwrap(), expected);
        let written: Value = serde_json::from_str(&expected.to_json().unwrap()).unwrap();
        assert_eq!(written, json, "{case}: it is written differently now");
    }
    assert!(cases.is_empty(), "nobody says what {cases:?} means");
}
