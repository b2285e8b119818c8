//! Events as the contract writes them.

use std::collections::BTreeMap;

use onsale_proto::{name, v1};
use onsale_shared::{event::CommandMetadata, log::Position};
use prost_types::{ListValue, Struct, Value, value::Kind};

use super::{timestamp, token};
use crate::{
    projections::audit::Subject,
    queries::{Chain, Told},
};

pub(in crate::grpc) fn chain(chain: &Chain, included: Position) -> v1::TraceEventResponse {
    v1::TraceEventResponse {
        event: Some(event(&chain.event)),
        causes: chain.causes.iter().map(event).collect(),
        effects: chain.effects.iter().map(event).collect(),
        more_effects: chain.more_effects,
        consistency_token: token(included),
    }
}

pub(in crate::grpc) fn event(told: &Told) -> v1::Event {
    let event = &told.event;
    let pool = event.stream.pool();
    let subject = told.fact.as_ref().map(Subject::of).unwrap_or_default();
    let pool_id = pool.as_ref().map_or("", |pool| pool.as_str());
    v1::Event {
        event_id: event.id.to_string(),
        position: event.position.get(),
        pool: pool
            .as_ref()
            .map(|pool| name::pool(pool.as_str()))
            .unwrap_or_default(),
        version: event.version.get(),
        r#type: event.kind.clone(),
        time: Some(timestamp(event.time)),
        record_time: Some(timestamp(event.recorded_at)),
        data: data(&event.data),
        schema: event.schema.into(),
        customer: subject
            .customer
            .map(ToString::to_string)
            .unwrap_or_default(),
        claim: subject
            .claim
            .map(|claim| name::claim(pool_id, claim))
            .unwrap_or_default(),
        ticket: subject
            .ticket
            .map(|ticket| name::ticket(pool_id, ticket))
            .unwrap_or_default(),
        origin: Some(origin(told)),
    }
}

fn origin(told: &Told) -> v1::EventOrigin {
    let (command, metadata) = (told.command.as_ref(), &told.metadata);
    let text = |of: fn(&CommandMetadata) -> Option<&String>| {
        command.and_then(of).cloned().unwrap_or_default()
    };
    let (from, cause) = (told.origin.as_ref(), told.cause.as_ref());
    let ip = from.and_then(|origin| origin.ip);
    let agent = from.and_then(|origin| origin.user_agent.clone());
    v1::EventOrigin {
        actor: text(|command| Some(&command.actor)),
        automatic: metadata.request_id.is_none(),
        request_id: metadata
            .request_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        ip: ip.map(|ip| ip.to_string()).unwrap_or_default(),
        user_agent: agent.unwrap_or_default(),
        correlation_id: text(|command| command.correlation_id.as_ref()),
        traceparent: text(|command| command.traceparent.as_ref()),
        causation_id: metadata
            .causation_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        cause_type: cause.map(|cause| cause.kind.clone()).unwrap_or_default(),
        cause_position: cause.map_or(0, |cause| cause.position.get()),
        source: command.map(|command| v1::EventSource {
            service: command.source.service.clone(),
            version: command.source.version.clone(),
            instance: command.source.instance.clone(),
        }),
    }
}

/// What the log keeps is an object, since it could be read as a fact.
fn data(json: &str) -> Option<Struct> {
    let object: serde_json::Map<_, _> = serde_json::from_str(json).ok()?;
    Some(structure(object))
}

fn structure(object: serde_json::Map<String, serde_json::Value>) -> Struct {
    let fields: BTreeMap<_, _> = object
        .into_iter()
        .map(|(key, of)| (key, value(of)))
        .collect();
    Struct { fields }
}

fn value(json: serde_json::Value) -> Value {
    let kind = match json {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(flag) => Kind::BoolValue(flag),
        // Numbers of events are far below 2^53, up to which all of them can be said.
        serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Kind::StringValue(text),
        serde_json::Value::Array(values) => Kind::ListValue(ListValue {
            values: values.into_iter().map(value).collect(),
        }),
        serde_json::Value::Object(object) => Kind::StructValue(structure(object)),
    };
    Value { kind: Some(kind) }
}
