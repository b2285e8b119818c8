//! A schema of the compose file, as far as this project uses the format
//! (<https://github.com/compose-spec/compose-spec>), and a small reader of JSON Schema that knows what is used here.
//! An unknown key is an error: engines would pass over it in silence.

use serde_json::{Map, Value, json};

/// The schema.
pub(crate) fn schema() -> Value {
    let duration = json!({"type": "string", "pattern": "duration"});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let variables = json!({"type": "object", "items": {"type": "string"}});
    let dependency = json!({
        "type": "object", "required": ["condition"], "properties": {
            "condition": {"enum": ["service_started", "service_healthy", "service_completed_successfully"]},
            "restart": {"type": "boolean"}, "required": {"type": "boolean"},
        },
    });
    let health = json!({
        "type": "object", "required": ["test"], "properties": {
            "test": texts, "interval": duration, "timeout": duration, "start_period": duration,
            "start_interval": duration, "retries": {"type": "integer"},
        },
    });
    let service = json!({
        "type": "object", "required": ["image"], "properties": {
            "image": {"type": "string"},
            "build": {"type": "object", "required": ["context"], "properties": {
                "context": {"type": "string"}, "dockerfile": {"type": "string"}, "target": {"type": "string"}, "args": variables,
            }},
            "command": texts, "entrypoint": texts, "environment": variables, "user": {"type": "string"},
            "ports": texts, "volumes": texts, "tmpfs": texts, "profiles": texts,
            "depends_on": {"type": "object", "items": dependency},
            "healthcheck": health,
            "shm_size": {"type": "string", "pattern": "bytes"}, "mem_limit": {"type": "string", "pattern": "bytes"},
            "stop_grace_period": duration, "stop_signal": {"type": "string"}, "init": {"type": "boolean"},
            "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
            "read_only": {"type": "boolean"}, "cap_drop": texts, "cap_add": texts, "security_opt": texts, "networks": texts,
        },
    });
    json!({
        "type": "object", "required": ["name", "services"], "properties": {
            "name": {"type": "string", "pattern": "project"},
            "services": {"type": "object", "items": service},
            "volumes": {"type": "object", "items": {"type": "null"}},
            "networks": {"type": "object", "items": {"type": "null"}},
        },
    })
}

/// What of `value` is not as `schema` says. `items` holds for every element of an array or object.
pub(crate) fn violations(value: &Value, schema: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(allowed) = schema["enum"]
        .as_array()
        .filter(|allowed| !allowed.contains(value))
    {
        found.push(format!("{path} is {value}, not one of {allowed:?}"));
    }
    if let Some(expected) = schema["type"]
        .as_str()
        .filter(|expected| *expected != type_of(value))
    {
        found.push(format!("{path} is {}, not {expected}", type_of(value)));
        return found;
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !matches(pattern, text)
    {
        found.push(format!("{path} is '{text}', not a {pattern}"));
    }
    match value {
        Value::Object(members) => found.extend(of_object(members, schema, path)),
        Value::Array(elements) if !schema["items"].is_null() => {
            let each = elements.iter().enumerate();
            found.extend(each.flat_map(|(at, element)| {
                violations(element, &schema["items"], &format!("{path}[{at}]"))
            }));
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

fn of_object(members: &Map<String, Value>, schema: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for required in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !members.contains_key(required) {
            found.push(format!("{path} has no {required}"));
        }
    }
    for (key, member) in members {
        let place = format!("{path}.{key}");
        let of_member = schema["properties"]
            .get(key)
            .or_else(|| schema.get("items"));
        match of_member {
            Some(schema) => found.extend(violations(member, schema, &place)),
            None => found.push(format!(
                "{place} is no key of the format, or none that this project uses"
            )),
        }
    }
    found
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let number_and = |units: &[&str]| {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        digits.parse::<u32>().is_ok() && units.contains(&&text[digits.len()..])
    };
    match pattern {
        "duration" => number_and(&["ms", "s", "m", "h"]),
        "bytes" => number_and(&["b", "k", "kb", "m", "mb", "g", "gb"]),
        "project" => {
            let is_allowed = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
            };
            text.bytes().all(is_allowed)
                && text.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        }
        _ => false,
    }
}

#[test]
fn the_schema_finds_what_is_wrong() {
    let good = json!({"name": "a", "services": {"b": {"image": "c", "stop_grace_period": "15s", "restart": "no"}}});
    assert_eq!(violations(&good, &schema(), "file"), [""; 0]);
    let bad = json!({"nam": "a", "services": {"b": {"ports": "1", "stop_grace_period": "15 s", "restart": "never"}}});
    let found = violations(&bad, &schema(), "file");
    for place in [
        "file.nam",
        "file has no name",
        "b has no image",
        "b.ports",
        "b.stop_grace_period",
        "b.restart",
    ] {
        assert!(
            found.iter().any(|violation| violation.contains(place)),
            "{place}: {found:#?}"
        );
    }
}
