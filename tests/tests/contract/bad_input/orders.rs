//! Of what customers' callers send.

use onsale_proto::{name, v1};
use onsale_tests::caller::{buy_request, claim_request, purchase_request, release_request};
use uuid::Uuid;

use super::{NO_POOLS, NO_REQUEST_IDS, amount, no_references};
use crate::{
    log,
    refused::{Refused, violates},
    shop::{Shop, fresh_pool, shared},
};

/// Each way to spoil an order, and the fields that are then invalid.
fn spoilt_orders(pool: &str) -> Vec<(v1::ClaimTicketsRequest, Vec<&'static str>)> {
    let order = || claim_request(pool, "c", 1);
    let mut spoilt = Vec::new();
    for bad in NO_REQUEST_IDS {
        spoilt.push((
            v1::ClaimTicketsRequest {
                request_id: bad.into(),
                ..order()
            },
            vec!["request_id"],
        ));
    }
    for bad in NO_POOLS {
        spoilt.push((
            v1::ClaimTicketsRequest {
                pool: bad.into(),
                ..order()
            },
            vec!["pool"],
        ));
    }
    for bad in no_references() {
        spoilt.push((
            v1::ClaimTicketsRequest {
                customer: bad.clone(),
                ..order()
            },
            vec!["customer"],
        ));
        spoilt.push((
            v1::ClaimTicketsRequest {
                reference: bad,
                ..order()
            },
            vec!["reference"],
        ));
    }
    spoilt.push((claim_request(pool, "", 1), vec!["customer"]));
    spoilt.push((claim_request(pool, "c", 0), vec!["quantity"]));
    for (max_unit_price, fields) in [
        (amount("", 1, 0), vec!["max_unit_price.currency_code"]),
        (amount("ABC", 1, 0), vec!["max_unit_price.currency_code"]),
        (
            amount("ABC", -1, 0),
            vec!["max_unit_price.currency_code", "max_unit_price"],
        ),
        (amount("EUR", -1, 0), vec!["max_unit_price"]),
        (amount("EUR", 1, -10_000_000), vec!["max_unit_price"]),
        (amount("EUR", 1, 1), vec!["max_unit_price"]),
        (amount("EUR", i64::MAX, 0), vec!["max_unit_price"]),
    ] {
        spoilt.push((
            v1::ClaimTicketsRequest {
                max_unit_price,
                ..order()
            },
            fields,
        ));
    }
    for (key, value, field) in [("Big", "", "labels"), ("a", "ü", "labels[a]")] {
        let labels = [(key.to_owned(), value.to_owned())].into();
        spoilt.push((v1::ClaimTicketsRequest { labels, ..order() }, vec![field]));
    }
    spoilt
}

fn as_purchase(order: v1::ClaimTicketsRequest) -> v1::PurchaseTicketsRequest {
    v1::PurchaseTicketsRequest {
        request_id: order.request_id,
        validate_only: order.validate_only,
        pool: order.pool,
        customer: order.customer,
        quantity: order.quantity,
        max_unit_price: order.max_unit_price,
        reference: order.reference,
        labels: order.labels,
        payment_reference: String::new(),
    }
}

#[tokio::test]
async fn an_order_is_refused_for_each_field_that_is_not_as_the_contract_has_it() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    for (order, fields) in spoilt_orders(&id) {
        violates(caller.commands.claim_tickets(order.clone()).await, &fields);
        violates(
            caller.commands.purchase_tickets(as_purchase(order)).await,
            &fields,
        );
    }
    for payment_reference in no_references() {
        let purchase = v1::PurchaseTicketsRequest {
            payment_reference,
            ..purchase_request(&id, "c", 1)
        };
        violates(
            caller.commands.purchase_tickets(purchase).await,
            &["payment_reference"],
        );
    }
    assert_eq!(log::events(&shop.database, &id).await.len(), 1);
}

#[tokio::test]
async fn everything_that_is_wrong_with_an_order_is_in_one_answer() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    let labels = [
        ("A".to_owned(), String::new()),
        ("b".to_owned(), " ".to_owned()),
    ];
    let order = v1::ClaimTicketsRequest {
        request_id: "1".into(),
        pool: "pools/A".into(),
        customer: " ".into(),
        quantity: 0,
        max_unit_price: amount("ABC", -1, 0),
        reference: " ".into(),
        labels: labels.into(),
        validate_only: false,
    };
    let fields = [
        "request_id",
        "pool",
        "customer",
        "quantity",
        "max_unit_price.currency_code",
        "max_unit_price",
        "reference",
        "labels",
        "labels[b]",
    ];
    violates(caller.commands.claim_tickets(order.clone()).await, &fields);
    let mut purchase = as_purchase(order);
    purchase.payment_reference = " ".into();
    let mut with_payment = fields.to_vec();
    with_payment.insert(2, "payment_reference");
    violates(
        caller.commands.purchase_tickets(purchase).await,
        &with_payment,
    );
    let required = ["request_id", "pool", "customer", "quantity"];
    let answer = caller
        .commands
        .claim_tickets(v1::ClaimTicketsRequest::default())
        .await;
    violates(answer, &required);
    let answer = caller
        .commands
        .purchase_tickets(v1::PurchaseTicketsRequest::default())
        .await;
    violates(answer, &required);
    assert_eq!(log::head(&shop.database).await, 0);
}

#[tokio::test]
async fn a_claim_and_its_tickets_are_refused_for_each_name_that_is_none() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let claim = caller.claim(&id, "c", 2).await.expect("places");
    let [first, second] = [0, 1].map(|i: usize| claim.tickets[i].name.clone());
    let uuid = Uuid::new_v4();
    let mut requests: Vec<(v1::BuyTicketsRequest, Vec<&str>)> = Vec::new();
    for bad in NO_REQUEST_IDS {
        requests.push((
            v1::BuyTicketsRequest {
                request_id: bad.into(),
                ..buy_request(&claim.name)
            },
            vec!["request_id"],
        ));
    }
    for bad in [
        String::new(),
        name::pool(&id),
        name::claim(&id, "7"),
        name::claim("A", uuid),
        name::ticket(&id, uuid),
        format!("{}/", claim.name),
        uuid.to_string(),
    ] {
        requests.push((buy_request(&bad), vec!["claim"]));
    }
    for (tickets, fields) in [
        (vec![first.clone(), first.clone()], vec!["tickets[1]"]),
        (vec![String::new()], vec!["tickets[0]"]),
        (
            vec![first.clone(), "x".into(), second, first.clone()],
            vec!["tickets[1]", "tickets[3]"],
        ),
        (vec![name::ticket("other", uuid)], vec!["tickets[0]"]),
        (vec![claim.name.clone()], vec!["tickets[0]"]),
        (vec![name::ticket(&id, "7")], vec!["tickets[0]"]),
        (
            (0..101)
                .map(|_| name::ticket(&id, Uuid::new_v4()))
                .collect(),
            vec!["tickets"],
        ),
    ] {
        requests.push((
            v1::BuyTicketsRequest {
                tickets,
                ..buy_request(&claim.name)
            },
            fields,
        ));
    }
    for (buy, fields) in requests {
        let release = v1::ReleaseTicketsRequest {
            request_id: buy.request_id.clone(),
            claim: buy.claim.clone(),
            tickets: buy.tickets.clone(),
            validate_only: false,
        };
        violates(caller.commands.buy_tickets(buy).await, &fields);
        violates(caller.commands.release_tickets(release).await, &fields);
    }
    let wrong = v1::BuyTicketsRequest {
        claim: "x".into(),
        tickets: vec!["x".into()],
        payment_reference: " ".into(),
        ..v1::BuyTicketsRequest::default()
    };
    let fields = ["request_id", "claim", "tickets[0]", "payment_reference"];
    violates(caller.commands.buy_tickets(wrong).await, &fields);
    let answer = caller
        .commands
        .release_tickets(v1::ReleaseTicketsRequest::default())
        .await;
    violates(answer, &["request_id", "claim"]);
    assert_eq!(log::events(&shop.database, &id).await.len(), 3);
}

#[tokio::test]
async fn an_answer_of_very_many_violations_still_arrives() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let labels = (0..2_000)
        .map(|i| (format!("A{i}"), String::new()))
        .collect();
    let order = v1::ClaimTicketsRequest {
        labels,
        ..claim_request(&id, "c", 1)
    };
    let claim = name::claim(&id, Uuid::new_v4());
    let tickets = vec!["x".to_owned(); 100];
    let buy = v1::BuyTicketsRequest {
        tickets: tickets.clone(),
        ..buy_request(&claim)
    };
    let release = v1::ReleaseTicketsRequest {
        tickets,
        ..release_request(&claim)
    };
    let answers = [
        (
            caller.commands.claim_tickets(order).await.map(drop),
            "labels",
            2_001,
        ),
        (
            caller.commands.buy_tickets(buy).await.map(drop),
            "tickets[0]",
            100,
        ),
        (
            caller.commands.release_tickets(release).await.map(drop),
            "tickets[0]",
            100,
        ),
    ];
    for (answer, first, number) in answers {
        let refusal = Refused::of(answer.expect_err("it is invalid"));
        let fields = refusal.fields();
        assert_eq!(fields[0], first);
        assert!(
            fields.len() >= 20,
            "as many as an answer holds: {}",
            fields.len()
        );
        assert!(
            refusal.status.message().contains(&number.to_string()),
            "the text says how many there are: {}",
            refusal.status.message()
        );
        // gRPC's own clients read 8 KiB of headers at most, the text twice and the details as base64.
        let size = refusal.status.details().len() * 4 / 3 + refusal.status.message().len();
        assert!(size < 7 * 1_024, "{size} bytes");
    }
}
