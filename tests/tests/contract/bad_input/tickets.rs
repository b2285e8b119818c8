//! Of what is sent about tickets that are given away and refunded, of claims that are extended, and of quotes.

use onsale_proto::{name, v1};
use onsale_tests::{
    caller::{extend_request, grant_request, refund_request},
    system::System,
};
use uuid::Uuid;

use super::{NO_POOLS, NO_REQUEST_IDS, no_references};
use crate::{
    log,
    refused::violates,
    shop::{fresh_pool, shared},
    times::time,
};

fn tickets(pool: &str, number: usize) -> Vec<String> {
    (0..number)
        .map(|_| name::ticket(pool, Uuid::new_v4()))
        .collect()
}

#[tokio::test]
async fn a_grant_is_refused_for_each_field() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 1_000).await.expect("a new name");
    let grant = || grant_request(&id, "c", 1);
    let mut spoilt = Vec::new();
    for bad in NO_REQUEST_IDS {
        spoilt.push((
            v1::GrantTicketsRequest {
                request_id: bad.into(),
                ..grant()
            },
            "request_id",
        ));
    }
    for bad in NO_POOLS {
        spoilt.push((
            v1::GrantTicketsRequest {
                pool: bad.into(),
                ..grant()
            },
            "pool",
        ));
    }
    for customer in no_references() {
        spoilt.push((
            v1::GrantTicketsRequest {
                customer,
                ..grant()
            },
            "customer",
        ));
    }
    for quantity in [0, 501, u32::MAX] {
        spoilt.push((grant_request(&id, "c", quantity), "quantity"));
    }
    for reason in ["x".repeat(501), "\r".into()] {
        spoilt.push((v1::GrantTicketsRequest { reason, ..grant() }, "reason"));
    }
    for (grant, field) in spoilt {
        violates(caller.commands.grant_tickets(grant).await, &[field]);
    }
    let nothing = v1::GrantTicketsRequest::default();
    let required = ["request_id", "pool", "customer", "quantity"];
    violates(caller.commands.grant_tickets(nothing).await, &required);
    let most = caller.commands.grant_tickets(grant_request(&id, "c", 500));
    let most = most.await.expect("as many as it may").into_inner();
    assert_eq!(most.claim.expect("a claim").tickets.len(), 500);
    assert_eq!(log::events(&shop.database, &id).await.len(), 1_001);
}

#[tokio::test]
async fn a_refund_is_refused_for_each_ticket_that_cannot_be_meant() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let (one, many) = (tickets(&id, 1), tickets(&id, 101));
    let and = |other: String| vec![one[0].clone(), other];
    for (tickets, fields) in [
        (Vec::new(), &["tickets"][..]),
        (many, &["tickets"]),
        (and(one[0].clone()), &["tickets[1]"]),
        (and(tickets("another-pool", 1).remove(0)), &["tickets[1]"]),
        (and("x".into()), &["tickets[1]"]),
        (and(name::claim(&id, Uuid::new_v4())), &["tickets[1]"]),
        (
            vec!["x".into(), String::new()],
            &["tickets[0]", "tickets[1]"],
        ),
        (tickets("A", 1), &["tickets[0]"]),
    ] {
        let refund = v1::RefundTicketsRequest {
            tickets,
            ..refund_request(&[])
        };
        violates(caller.commands.refund_tickets(refund).await, fields);
    }
    let wrong = v1::RefundTicketsRequest {
        reason: "\0".into(),
        ..v1::RefundTicketsRequest::default()
    };
    let answer = caller.commands.refund_tickets(wrong).await;
    violates(answer, &["request_id", "reason", "tickets"]);
    assert_eq!(log::events(&shop.database, &id).await.len(), 1);
}

#[tokio::test]
async fn an_extension_is_refused_for_each_field() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let claim = name::claim("some-pool", Uuid::new_v4());
    for bad in NO_REQUEST_IDS {
        let extend = v1::ExtendClaimRequest {
            request_id: bad.into(),
            ..extend_request(&claim)
        };
        violates(caller.commands.extend_claim(extend).await, &["request_id"]);
    }
    for bad in ["", "pools/abc", "pools/abc/claims/7", "pools/abc/claims/"] {
        let extend = extend_request(bad);
        violates(caller.commands.extend_claim(extend).await, &["claim"]);
    }
    let nothing = v1::ExtendClaimRequest::default();
    let answer = caller.commands.extend_claim(nothing).await;
    violates(answer, &["request_id", "claim"]);
}

#[tokio::test]
async fn a_quote_is_refused_for_each_field() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let created = caller.create_pool(&id, 10).await.expect("a new name");
    let quote = || v1::QuotePriceRequest {
        pool: name::pool(&id),
        at_least_as_fresh: created.consistency_token.clone(),
        ..v1::QuotePriceRequest::default()
    };
    let (never, ahead) = (time(i64::MAX), time(4_000_000_000).expect("a time"));
    for (spoilt, fields) in [
        (
            v1::QuotePriceRequest {
                preview_sold: vec![0; 201],
                ..quote()
            },
            &["preview_sold"][..],
        ),
        (
            v1::QuotePriceRequest {
                preview_times: vec![ahead; 51],
                ..quote()
            },
            &["preview_times"],
        ),
        (
            v1::QuotePriceRequest {
                preview_sold: vec![0, -1],
                ..quote()
            },
            &["preview_sold[1]"],
        ),
        (
            v1::QuotePriceRequest {
                preview_sold: vec![10, 11],
                ..quote()
            },
            &["preview_sold[1]"],
        ),
        (
            v1::QuotePriceRequest {
                preview_times: never.into_iter().collect(),
                ..quote()
            },
            &["preview_times[0]"],
        ),
        (
            v1::QuotePriceRequest {
                quote_time: never,
                ..quote()
            },
            &["quote_time"],
        ),
        (
            v1::QuotePriceRequest {
                quantity: 5,
                ..quote()
            },
            &["quantity"],
        ),
        (
            v1::QuotePriceRequest {
                at_least_as_fresh: "x".into(),
                ..quote()
            },
            &["at_least_as_fresh"],
        ),
        (v1::QuotePriceRequest::default(), &["pool"]),
    ] {
        violates(caller.queries.quote_price(spoilt).await, fields);
    }
    for bad in NO_POOLS {
        let spoilt = v1::QuotePriceRequest {
            pool: bad.into(),
            ..quote()
        };
        violates(caller.queries.quote_price(spoilt).await, &["pool"]);
    }
    let most = v1::QuotePriceRequest {
        preview_sold: vec![10; 200],
        preview_times: vec![ahead; 50],
        quantity: 4,
        ..quote()
    };
    let quoted = caller
        .queries
        .quote_price(most)
        .await
        .expect("at every limit");
    assert_eq!(quoted.into_inner().preview.len(), 10_000);
}
