//! A large table of events, and questions for it.

use std::env;

use onsale_shared::{
    event::EventType,
    id::{ClaimId, EventId, PoolId, RequestId, TicketId},
    text::Reference,
    time::Timestamp,
};
use sqlx::{PgConnection, types::Uuid};

use super::super::given::Given;
use crate::{
    projections::audit::AUDIT,
    read_models::audit::{Direction, Filter},
};

/// Every tenth event is of one of a thousand small pools, all others of one big one. Every other one is a purchase of one
/// shop's, the rest are claims of another's; a millionth part stops the sale.
const FILL: &str = "
INSERT INTO audit (position, version, time, event_id, request_id, causation_id, claim, ticket, step, pool, type, customer,
                   actor, correlation_id, instance, ip)
SELECT n, n, timestamptz '2026-01-01Z' + (n + hashint8(n) % 100) * interval '1 millisecond',
       lpad(to_hex(n), 32, '0')::uuid, md5((n / 4)::text)::uuid,
       CASE WHEN n % 2 = 0 THEN lpad(to_hex(n - 1), 32, '0')::uuid END,
       ('1' || lpad(to_hex(n / 4), 31, '0'))::uuid, ('2' || lpad(to_hex(n / 2), 31, '0'))::uuid, n % 4,
       CASE WHEN n % 10 = 0 THEN 'small-' || (n / 10 % 1000) ELSE 'big' END,
       CASE WHEN n % 1000000 = 7 THEN 'SalesStopped' WHEN n % 2 = 0 THEN 'TicketBought' ELSE 'TicketClaimed' END,
       'customer-' || (hashint8(n / 4) & 65535), CASE WHEN n % 2 = 0 THEN 'shop-1' ELSE 'shop-2' END,
       CASE WHEN n % 8 = 0 THEN 'talk-' || n / 64 END, 'a',
       ('10.0.' || (n / 4 % 256) || '.' || (n / 1024 % 250))::inet
  FROM generate_series(1, $rows) n;
INSERT INTO audit_times SELECT position / 4096, min(time), max(time) FROM audit GROUP BY 1;
";

pub(super) fn rows() -> i64 {
    let given = env::var("ONSALE_TEST_AUDIT_ROWS").ok();
    given.map_or(100_000, |rows| rows.parse().expect("a number of rows"))
}

/// A session of the service that sees the table as queries do.
pub(super) async fn large(given: &mut Given) -> PgConnection {
    let mut session = given.database.session().await.unwrap();
    given
        .execute("CREATE SCHEMA large AUTHORIZATION onsale_query_service; SET search_path = large")
        .await;
    given.execute(AUDIT.tables_sql).await;
    given
        .execute(&FILL.replace("$rows", &rows().to_string()))
        .await;
    given.execute(AUDIT.indexes_sql).await;
    given.execute("VACUUM ANALYZE audit").await;
    given.execute("VACUUM ANALYZE audit_times").await;
    given
        .execute(
            "GRANT SELECT ON audit, audit_times TO onsale_query_service; \
             CREATE VIEW onsale_read.audit AS SELECT * FROM audit; \
             CREATE VIEW onsale_read.audit_times AS SELECT * FROM audit_times; \
             GRANT USAGE ON SCHEMA onsale_read TO onsale_query_service; \
             ALTER VIEW onsale_read.audit OWNER TO onsale_query_service; \
             ALTER VIEW onsale_read.audit_times OWNER TO onsale_query_service",
        )
        .await;
    sqlx::raw_sql("SET statement_timeout = '2s'")
        .execute(&mut session)
        .await
        .unwrap();
    session
}

pub(super) fn reference(text: &str) -> Option<Reference> {
    Some(Reference::parse(text).unwrap())
}

/// Each filter, common and rare, with what the event in the middle has.
pub(super) fn filters() -> Vec<(&'static str, Filter)> {
    let middle = rows() / 16 * 8;
    let id = |high: u128, n: i64| Uuid::from_u128(high << 124 | u128::from(n.unsigned_abs()));
    let time = |n: i64| Timestamp::from_micros(1_767_225_600_000_000 + n * 1_000);
    let pool = |name: &str| Some(PoolId::parse(name).unwrap());
    let any = Filter::default;
    vec![
        (
            "pool",
            Filter {
                pool: pool("big"),
                ..any()
            },
        ),
        (
            "pool",
            Filter {
                pool: pool("small-7"),
                ..any()
            },
        ),
        (
            "customer",
            Filter {
                customer: reference("customer-9"),
                ..any()
            },
        ),
        (
            "claim",
            Filter {
                claim: Some(ClaimId(id(1, middle / 4))),
                ..any()
            },
        ),
        (
            "ticket",
            Filter {
                ticket: Some(TicketId(id(2, middle / 2))),
                ..any()
            },
        ),
        (
            "type",
            Filter {
                kind: Some(EventType::TicketBought),
                ..any()
            },
        ),
        (
            "type",
            Filter {
                kind: Some(EventType::TicketClaimed),
                ..any()
            },
        ),
        (
            "type",
            Filter {
                kind: Some(EventType::SalesStopped),
                ..any()
            },
        ),
        (
            "type",
            Filter {
                kind: Some(EventType::PoolCancelled),
                ..any()
            },
        ),
        (
            "actor",
            Filter {
                actor: reference("shop-1"),
                ..any()
            },
        ),
        (
            "actor",
            Filter {
                actor: reference("nobody"),
                ..any()
            },
        ),
        (
            "ip",
            Filter {
                ip: Some("10.0.7.7".parse().unwrap()),
                ..any()
            },
        ),
        (
            "request_id",
            Filter {
                request: Some(RequestId(Uuid::from_u128(7))),
                ..any()
            },
        ),
        (
            "correlation_id",
            Filter {
                correlation: reference(&format!("talk-{}", middle / 64)),
                ..any()
            },
        ),
        (
            "causation_id",
            Filter {
                cause: Some(EventId(id(0, middle - 1))),
                ..any()
            },
        ),
        (
            "",
            Filter {
                from: Some(time(middle)),
                until: Some(time(middle + 1_000)),
                ..any()
            },
        ),
        (
            "",
            Filter {
                until: Some(time(1_000)),
                ..any()
            },
        ),
        (
            "",
            Filter {
                from: Some(time(rows() - 1_000)),
                ..any()
            },
        ),
        ("", any()),
    ]
}

/// What meets both.
pub(super) fn both(left: &Filter, right: &Filter) -> Filter {
    let (left, right) = (left.clone(), right.clone());
    Filter {
        pool: left.pool.or(right.pool),
        customer: left.customer.or(right.customer),
        claim: left.claim.or(right.claim),
        ticket: left.ticket.or(right.ticket),
        kind: left.kind.or(right.kind),
        actor: left.actor.or(right.actor),
        ip: left.ip.or(right.ip),
        request: left.request.or(right.request),
        correlation: left.correlation.or(right.correlation),
        cause: left.cause.or(right.cause),
        from: left.from.or(right.from),
        until: left.until.or(right.until),
    }
}

/// The same question, put naively.
pub(super) fn naive(filter: &Filter, direction: Direction, limit: usize) -> String {
    let mut sql = "SELECT position FROM large.audit WHERE true".to_owned();
    let mut and = |column: &str, value: Option<String>| {
        if let Some(value) = value {
            sql = format!("{sql} AND {column} '{value}'");
        }
    };
    and("pool =", filter.pool.as_ref().map(ToString::to_string));
    and(
        "customer =",
        filter.customer.as_ref().map(ToString::to_string),
    );
    and("claim =", filter.claim.map(|id| id.to_string()));
    and("ticket =", filter.ticket.map(|id| id.to_string()));
    and("type =", filter.kind.map(|kind| kind.as_str().to_owned()));
    and("actor =", filter.actor.as_ref().map(ToString::to_string));
    and("ip =", filter.ip.map(|ip| ip.to_string()));
    and("request_id =", filter.request.map(|id| id.to_string()));
    and(
        "correlation_id =",
        filter.correlation.as_ref().map(ToString::to_string),
    );
    and("causation_id =", filter.cause.map(|id| id.to_string()));
    and("time >=", filter.from.map(|time| time.to_string()));
    and("time <", filter.until.map(|time| time.to_string()));
    let order = match direction {
        Direction::Forwards => "",
        Direction::Backwards => " DESC",
    };
    format!("{sql} ORDER BY position{order} LIMIT {limit}")
}
