//! Old schemas of events become newer ones, one pure step at a time. A step, once released, is never changed or removed.

use serde_json::Value;

use super::EventType;

/// One step: the JSON of a schema version to that of the next.
type Upcaster = fn(Value) -> Value;

/// The step from `schema` of `kind` to `schema + 1`; `None` where there is none. All kinds are at their first schema.
const fn step(kind: EventType, schema: i16) -> Option<Upcaster> {
    match (kind, schema) {
        (
            EventType::PoolCreated
            | EventType::TicketClaimed
            | EventType::ClaimExtended
            | EventType::TicketBought
            | EventType::TicketReleased
            | EventType::TicketRefunded
            | EventType::SalesStopped
            | EventType::SalesResumed
            | EventType::PoolCancelled
            | EventType::CapacityChanged
            | EventType::PricingChanged
            | EventType::PoolRescheduled
            | EventType::LimitsChanged
            | EventType::CommandRefused,
            _,
        ) => None,
    }
}

/// The JSON of today's schema; `None` if no chain of steps leads there.
pub(super) fn to_newest(kind: EventType, schema: i16, data: Value) -> Option<Value> {
    to_schema(kind.schema(), schema, data, |schema| step(kind, schema))
}

fn to_schema(
    newest: i16,
    schema: i16,
    mut data: Value,
    step: impl Fn(i16) -> Option<Upcaster>,
) -> Option<Value> {
    if schema > newest {
        return None;
    }
    for schema in schema..newest {
        data = step(schema)?(data);
    }
    Some(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_run_in_order() {
        let rename: Upcaster = |mut data| {
            data["price"] = data["cost"].take();
            data
        };
        let in_cents: Upcaster = |mut data| {
            data["price"] = json!(data["price"].as_i64().unwrap() * 100);
            data
        };
        let step = |schema| match schema {
            1 => Some(rename),
            2 => Some(in_cents),
            _ => None,
        };
        let newest = to_schema(3, 1, json!({"cost": 5}), step).unwrap();
        assert_eq!(newest["price"], 500);
        assert_eq!(to_schema(3, 4, json!({}), step), None, "from the future");
        assert_eq!(to_schema(3, 0, json!({}), step), None, "no step from there");
    }
}
