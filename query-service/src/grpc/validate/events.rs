//! What `ReadEvents` and `TraceEvent` are asked.

use std::{net::IpAddr, str::FromStr};

use onsale_proto::{name, v1};
use onsale_shared::{
    event::EventType,
    id::{ClaimId, EventId, PoolId, TicketId},
    log::Position,
    text::Reference,
    time::Timestamp,
};

use super::{Violations, moment, pool, required};
use crate::{
    grpc::pages::{PageQuery, page},
    queries::EventsQuery,
    read_models::audit::{Direction, Filter},
};

/// A page of events.
#[derive(Debug)]
pub(in crate::grpc) struct Asked {
    pub(in crate::grpc) query: EventsQuery,
    pub(in crate::grpc) page_query: PageQuery,
    pub(in crate::grpc) required: Position,
}

/// How one event came about.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::grpc) struct AskedChain {
    pub(in crate::grpc) event: EventId,
    pub(in crate::grpc) required: Position,
}

pub(in crate::grpc) fn trace_event(
    request: &v1::TraceEventRequest,
) -> Result<AskedChain, Violations> {
    let mut violations = Violations::default();
    let event = match &*request.event_id {
        "" => Err("is required".to_owned()),
        given => id(given),
    };
    let event = violations.take("event_id", event);
    let required = violations.take("at_least_as_fresh", required(&request.at_least_as_fresh));
    match (event, required) {
        (Some(event), Some(required)) => Ok(AskedChain { event, required }),
        _ => Err(violations),
    }
}

pub(in crate::grpc) fn read_events(request: &v1::ReadEventsRequest) -> Result<Asked, Violations> {
    let mut violations = Violations::default();
    let filter = filter(&mut violations, request);
    let direction = if request.newest_first {
        Direction::Backwards
    } else {
        Direction::Forwards
    };
    let start = violations.take("from_position", start(request.from_position));
    let required = violations.take("at_least_as_fresh", required(&request.at_least_as_fresh));
    // Which query a token belongs to can be said only of a query that is right.
    let page_query = filter.as_ref().zip(start);
    let page_query = page_query.map(|asked| PageQuery::of("ReadEvents", &(asked, direction)));
    let shape = page_query.unwrap_or_else(|| PageQuery::of("ReadEvents", &()));
    let token = if page_query.is_some() {
        &*request.page_token
    } else {
        ""
    };
    let page = page(&mut violations, shape, request.page_size, token);
    match (filter, start, required, page_query, page) {
        (Some(filter), Some(start), Some(required), Some(page_query), Some(page)) => Ok(Asked {
            query: EventsQuery {
                filter,
                direction,
                start,
                page,
            },
            page_query,
            required,
        }),
        _ => Err(violations),
    }
}

/// The same filters, from a position on, without an end.
pub(in crate::grpc) fn subscribe_events(
    request: &v1::SubscribeEventsRequest,
) -> Result<Asked, Violations> {
    let request = request.clone();
    read_events(&v1::ReadEventsRequest {
        pool: request.pool,
        customer: request.customer,
        claim: request.claim,
        ticket: request.ticket,
        r#type: request.r#type,
        actor: request.actor,
        ip: request.ip,
        request_id: request.request_id,
        correlation_id: request.correlation_id,
        causation_id: request.causation_id,
        from_position: request.from_position,
        at_least_as_fresh: request.at_least_as_fresh,
        ..v1::ReadEventsRequest::default()
    })
}

/// All filters that are set, or none if one is wrong.
fn filter(violations: &mut Violations, request: &v1::ReadEventsRequest) -> Option<Filter> {
    let mut asked = Filter::default();
    let of_pool = take(violations, "pool", &request.pool, pool, &mut asked.pool);
    let mut claim: Option<(PoolId, ClaimId)> = None;
    let of_claim = |text: &str| child(text, "claims", name::parse_claim);
    let mut good = of_pool & take(violations, "claim", &request.claim, of_claim, &mut claim);
    let mut ticket: Option<(PoolId, TicketId)> = None;
    let of_ticket = |text: &str| child(text, "tickets", name::parse_ticket);
    good &= take(
        violations,
        "ticket",
        &request.ticket,
        of_ticket,
        &mut ticket,
    );
    let named = [
        ("claim", claim.as_ref().map(|(pool, _)| pool)),
        ("ticket", ticket.as_ref().map(|(pool, _)| pool)),
    ];
    for (field, pool) in named {
        let Some(pool) = pool else { continue };
        // A name of a claim or a ticket names its pool too.
        if asked.pool.get_or_insert_with(|| pool.clone()) != pool {
            let other = Err("is of another pool".to_owned());
            good &= violations.take::<()>(field, other).is_some();
        }
    }
    asked.claim = claim.map(|(_, claim)| claim);
    asked.ticket = ticket.map(|(_, ticket)| ticket);
    good &= take(
        violations,
        "customer",
        &request.customer,
        short,
        &mut asked.customer,
    );
    good &= take(
        violations,
        "type",
        &request.r#type,
        event_type,
        &mut asked.kind,
    );
    good &= take(violations, "actor", &request.actor, short, &mut asked.actor);
    good &= take(violations, "ip", &request.ip, ip, &mut asked.ip);
    good &= take(
        violations,
        "request_id",
        &request.request_id,
        id,
        &mut asked.request,
    );
    good &= take(
        violations,
        "correlation_id",
        &request.correlation_id,
        short,
        &mut asked.correlation,
    );
    good &= take(
        violations,
        "causation_id",
        &request.causation_id,
        id,
        &mut asked.cause,
    );
    let from = violations.take("start_time", time(request.start_time.as_ref()));
    let until = violations.take("end_time", time(request.end_time.as_ref()));
    (asked.from, asked.until) = (from?, until?);
    if asked
        .from
        .zip(asked.until)
        .is_some_and(|(from, until)| from >= until)
    {
        violations.take::<()>("end_time", Err("must be after start_time".to_owned()))?;
    }
    good.then_some(asked)
}

/// Takes a filter if it is set; false and one more violation if it is wrong.
fn take<T>(
    violations: &mut Violations,
    field: &str,
    text: &str,
    read: impl Fn(&str) -> Result<T, String>,
    to: &mut Option<T>,
) -> bool {
    let value = Some(text).filter(|text| !text.is_empty()).map(read);
    let value = violations.take(field, value.transpose());
    value.map(|value| *to = value).is_some()
}

fn child<T: FromStr>(
    text: &str,
    children: &str,
    parse: fn(&str) -> Option<(&str, &str)>,
) -> Result<(PoolId, T), String> {
    let (pool, child) = parse(text).ok_or_else(|| {
        let one = children.trim_end_matches('s');
        format!("must have the form pools/{{pool}}/{children}/{{{one}}}")
    })?;
    let pool = PoolId::parse(pool).map_err(|error| format!("has a pool id that {error}"))?;
    let child = child
        .parse()
        .map_err(|_no_id| "must end with a UUID".to_owned())?;
    Ok((pool, child))
}

fn short(text: &str) -> Result<Reference, String> {
    Reference::parse(text).map_err(|error| error.to_string())
}

fn id<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_no_id| "must be a UUID".to_owned())
}

fn ip(text: &str) -> Result<IpAddr, String> {
    let ip: Result<IpAddr, _> = text.parse();
    ip.map(|ip| ip.to_canonical())
        .map_err(|_no_address| "must be an IP address, without port".to_owned())
}

fn event_type(text: &str) -> Result<EventType, String> {
    EventType::parse(text).ok_or_else(|| {
        let all: Vec<_> = EventType::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("must be one of {}", all.join(", "))
    })
}

fn time(asked: Option<&prost_types::Timestamp>) -> Result<Option<Timestamp>, String> {
    asked.map(moment).transpose()
}

fn start(position: i64) -> Result<Option<Position>, String> {
    let given = Position::new(position);
    let given = given.ok_or_else(|| format!("must not be negative, not {position}"))?;
    Ok(Some(given).filter(|position| *position != Position::START))
}

#[cfg(test)]
mod tests {
    use super::super::tests::fields;
    use super::*;

    const CLAIM: &str = "pools/abc/claims/00000000-0000-0000-0000-000000000001";
    const TICKET: &str = "pools/abd/tickets/00000000-0000-0000-0000-000000000002";

    fn at(seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos: 0 })
    }

    #[test]
    fn nothing_set_asks_for_everything_and_a_claim_names_its_pool() {
        let asked = read_events(&v1::ReadEventsRequest::default()).unwrap();
        assert_eq!(asked.query.filter, Filter::default());
        assert_eq!((asked.query.start, asked.query.page.size), (None, 50));
        let asked = read_events(&v1::ReadEventsRequest {
            claim: CLAIM.into(),
            ip: "::ffff:192.0.2.7".into(),
            ..Default::default()
        });
        let filter = asked.unwrap().query.filter;
        assert_eq!(filter.pool.unwrap().as_str(), "abc");
        assert_eq!(filter.ip, Some("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn every_violation_of_a_question_for_events_is_in_one_answer() {
        let refused = read_events(&v1::ReadEventsRequest {
            pool: "abc".into(),
            customer: "a b".into(),
            claim: "pools/abc/claims/1".into(),
            ticket: "pools/abc".into(),
            r#type: "TicketStolen".into(),
            actor: "x".repeat(129),
            ip: "192.0.2.7:80".into(),
            request_id: "1".into(),
            correlation_id: "ü".into(),
            causation_id: "-".into(),
            start_time: at(i64::MAX),
            end_time: at(i64::MIN),
            from_position: -1,
            page_size: -1,
            at_least_as_fresh: "x".into(),
            ..Default::default()
        });
        let expected = [
            "pool",
            "claim",
            "ticket",
            "customer",
            "type",
            "actor",
            "ip",
            "request_id",
            "correlation_id",
            "causation_id",
            "start_time",
            "end_time",
            "from_position",
            "at_least_as_fresh",
            "page_size",
        ];
        assert_eq!(fields(refused.unwrap_err()), expected);
        for (pool, expected) in [
            ("", "ticket"),
            ("pools/abd", "claim"),
            ("pools/abc", "ticket"),
        ] {
            let refused = read_events(&v1::ReadEventsRequest {
                pool: pool.into(),
                claim: CLAIM.into(),
                ticket: TICKET.into(),
                ..Default::default()
            });
            assert_eq!(fields(refused.unwrap_err()), [expected], "{pool}");
        }
        for (from, until) in [(7, 7), (8, 7)] {
            let refused = read_events(&v1::ReadEventsRequest {
                start_time: at(from),
                end_time: at(until),
                ..Default::default()
            });
            assert_eq!(fields(refused.unwrap_err()), ["end_time"]);
        }
        let refused = trace_event(&v1::TraceEventRequest::default()).unwrap_err();
        assert_eq!(fields(refused), ["event_id"]);
    }
}
