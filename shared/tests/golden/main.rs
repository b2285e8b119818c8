//! Events stay readable for ever. Each file in `golden/` holds what was once written for a type and schema version; it
//! is never edited, only new ones are added.

#![cfg(test)]

mod expected;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use onsale_shared::{
    event::{CommandHash, CommandMetadata, EventType, Metadata, Source, decode, encode},
    id::{EventId, RequestId},
};
use serde_json::{Value, json};
use uuid::Uuid;

use expected::expected;

const METADATA: &str = "metadata.json";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".json")).collect()
}

/// The cases of a file by name.
fn golden(file: &str) -> BTreeMap<String, Value> {
    let text =
        fs::read_to_string(folder().join(file)).unwrap_or_else(|_| panic!("{file} is missing"));
    serde_json::from_str(&text).unwrap()
}

/// The files of a type and schema version: the first, `<type>.<schema>.json`, and what was added when the type got
/// further fields, `<type>.<schema>.<addition>.json`.
fn files(kind: EventType, schema: i16) -> Vec<String> {
    let prefix = format!("{}.{schema}.", kind.as_str());
    let files: Vec<_> = names()
        .into_iter()
        .filter(|name| name.starts_with(&prefix))
        .collect();
    assert!(!files.is_empty(), "{prefix}json is missing");
    files
}

/// The cases of all files of a type and schema version.
fn cases(kind: EventType, schema: i16) -> BTreeMap<String, Value> {
    files(kind, schema)
        .iter()
        .flat_map(|file| golden(file))
        .collect()
}

#[test]
fn every_schema_that_was_ever_written_is_read() {
    let mut known = vec![METADATA.to_owned()];
    for &kind in EventType::ALL {
        for schema in 1..=kind.schema() {
            let file = format!("{}.{schema}", kind.as_str());
            let mut cases = cases(kind, schema);
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
            known.extend(files(kind, schema));
        }
    }
    // No file is of a type or schema that this version does not know.
    for name in names() {
        assert!(known.contains(&name), "golden/{name} is read by nobody");
    }
}

/// A newer version may add fields; this one still reads what it knows.
#[test]
fn fields_of_the_future_are_passed_over() {
    for &kind in EventType::ALL {
        for (case, expected) in expected(kind, kind.schema()) {
            let mut data = cases(kind, kind.schema()).remove(case).unwrap();
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
        for (_, least) in cases(kind, kind.schema())
            .iter()
            .filter(|(case, _)| *case == "least")
        {
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
