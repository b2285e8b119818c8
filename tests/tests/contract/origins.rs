//! Who called, from where, in which conversation: in the metadata of events, and beside the log what may be erased.

use std::net::IpAddr;

use onsale_proto::{ACTOR_KEY, CORRELATION_KEY, TRACEPARENT_KEY, v1};
use onsale_tests::caller::{buy_request, claim_request, release_request};
use serde_json::Value;
use sqlx::Row as _;
use tonic::Request;

use crate::{
    log,
    shop::{Shop, fresh_pool, shared},
};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A claim of two tickets with metadata.
fn told(pool: &str, metadata: &[(&'static str, &str)]) -> Request<v1::ClaimTicketsRequest> {
    let mut request = Request::new(claim_request(pool, "c", 2));
    for (key, value) in metadata {
        let value = value.parse().expect("a header can hold it");
        request.metadata_mut().append(*key, value);
    }
    request
}

/// The address and the user agent of the command that recorded an event first.
async fn origin(shop: &Shop, event: &str) -> Option<(String, Option<String>)> {
    sqlx::query(
        "SELECT host(ip) AS ip, user_agent FROM onsale_log.event_origins WHERE event_id = $1::uuid",
    )
    .bind(event)
    .fetch_optional(&mut shop.database.admin().await)
    .await
    .expect("the origins can be asked")
    .map(|row| (row.get("ip"), row.get("user_agent")))
}

#[tokio::test]
async fn a_command_is_recorded_with_who_sent_it_and_from_where() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let metadata = [
        (ACTOR_KEY, "backoffice:7"),
        (CORRELATION_KEY, "conversation-7"),
        (TRACEPARENT_KEY, TRACE),
        // Nobody is trusted to speak for others.
        ("x-forwarded-for", "203.0.113.7"),
    ];
    let request = told(&id, &metadata);
    let request_id = request.get_ref().request_id.clone();
    let claimed = caller
        .commands
        .claim_tickets(request)
        .await
        .expect("places");
    let claim = claimed.into_inner().claim.expect("a claim").name;
    let mut buy = Request::new(buy_request(&claim));
    let bad = "00-not-a-trace".parse().expect("a header can hold it");
    buy.metadata_mut().insert(TRACEPARENT_KEY, bad);
    caller.commands.buy_tickets(buy).await.expect("held");

    let events = log::events(&shop.database, &id).await;
    let [_created, first, second, bought, bought_second] = events.as_slice() else {
        unreachable!("{events:?}");
    };
    let of = |event: &log::Event, key: &str| event.metadata[key].clone();
    assert_eq!(of(first, "actor"), "backoffice:7");
    assert_eq!(of(first, "correlation_id"), "conversation-7");
    assert_eq!(of(first, "traceparent"), TRACE);
    assert_eq!(of(first, "source")["service"], "command-service");
    for event in [first, second] {
        assert_eq!(of(event, "request_id"), request_id.as_str());
    }
    assert_eq!(of(second, "actor"), Value::Null, "once a command");
    assert_eq!(of(bought, "actor"), "anonymous");
    assert_eq!(of(bought, "correlation_id"), Value::Null);
    assert_eq!(
        of(bought, "traceparent"),
        Value::Null,
        "not well formed: ignored"
    );
    for event in [bought, bought_second] {
        assert_eq!(of(event, "causation_id"), first.id.as_str(), "its claim");
    }
    let (ip, user_agent) = origin(&shop, &first.id).await.expect("its origin");
    assert!(
        ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        "{ip}"
    );
    assert!(user_agent.is_some_and(|agent| agent.contains("tonic/")));
    assert_eq!(origin(&shop, &second.id).await, None, "once a command");
    for event in &events {
        let text = format!("{}{}", event.data, event.metadata);
        assert!(
            !text.contains("tonic") && !text.contains("127.0.0.1"),
            "beside the log: {text}"
        );
    }
}

#[tokio::test]
async fn a_trusted_proxy_speaks_for_who_is_behind_it() {
    let shop = Shop::start(&[("ONSALE_TRUSTED_PROXIES", "127.0.0.1,10.0.0.1")]).await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    for (key, value, ip, actor) in [
        (
            "x-forwarded-for",
            "198.51.100.9, 203.0.113.7, 10.0.0.1",
            "203.0.113.7",
            "anonymous",
        ),
        (
            "forwarded",
            "for=\"[2001:db8::1]:4711\";proto=https",
            "2001:db8::1",
            "anonymous",
        ),
        ("x-forwarded-for", "nobody", "127.0.0.1", "backoffice"),
        ("x-other", "", "127.0.0.1", "backoffice"),
    ] {
        // Only a caller on this machine is believed to be who he says, not one behind a proxy on it.
        let request = told(&id, &[(key, value), (ACTOR_KEY, "backoffice")]);
        let claimed = caller
            .commands
            .claim_tickets(request)
            .await
            .expect("places");
        let version = claimed.into_inner().receipt.expect("a receipt").version;
        let events = log::events(&shop.database, &id).await;
        let first = events.iter().find(|event| event.version == version - 1);
        let first = first.expect("its first event");
        assert_eq!(first.metadata["actor"], actor, "{value}");
        assert_eq!(
            origin(&shop, &first.id).await.expect("its origin").0,
            ip,
            "{value}"
        );
    }
}

#[tokio::test]
async fn what_an_operator_gives_back_for_a_customer_is_marked() {
    let shop = Shop::start(&[("ONSALE_OPERATORS", "support,boxoffice")]).await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    for (actor, cause) in [
        (None, "CUSTOMER"),
        (Some("shop"), "CUSTOMER"),
        (Some("boxoffice"), "OPERATOR"),
    ] {
        let claim = caller.claim(&id, "c", 1).await.expect("places");
        let mut request = Request::new(release_request(&claim.name));
        if let Some(actor) = actor {
            let actor = actor.parse().expect("ASCII");
            request.metadata_mut().insert(ACTOR_KEY, actor);
        }
        let released = caller.commands.release_tickets(request).await;
        released.expect("it is held");
        let events = log::events(&shop.database, &id).await;
        let last = events.last().expect("the release");
        assert_eq!(last.kind, "TicketReleased");
        assert_eq!(last.data["cause"], cause, "{actor:?}");
    }
}
