//! What the state of a pool refuses.

use onsale_proto::{Money, name, reason::Reason, v1};
use onsale_tests::caller::{a_pool, claim_request, create_request, euros, purchase_request};
use uuid::Uuid;

use crate::{
    every::every_command,
    log,
    refused::{refused, violates},
    shop::{fresh_pool, shared},
};

const POOL: &str = "onsale.v1.Pool";

#[tokio::test]
async fn a_command_on_an_unknown_pool_is_refused_by_every_rpc() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let pool = name::pool(&id);
    let claim = name::claim(&id, Uuid::new_v4());
    let ticket = v1::Ticket {
        name: name::ticket(&id, Uuid::new_v4()),
        ..v1::Ticket::default()
    };
    let answers = every_command(&mut caller, &id, &claim, &ticket).await;
    assert_eq!(answers.len(), 14);
    for (_, answer) in answers {
        refused(answer, Reason::PoolNotFound, &[("pool", &pool)]).about(POOL, &pool);
    }
    assert_eq!(log::events(&shop.database, &id).await.len(), 0);
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let pool = name::pool(&id);
    let again = caller.create_pool(&id, 10).await;
    refused(again, Reason::PoolExists, &[("pool", &pool)]).about(POOL, &pool);
    assert_eq!(log::events(&shop.database, &id).await.len(), 1);
}

#[tokio::test]
async fn an_order_of_too_many_says_how_many_it_may_name() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a pool");
    let pool = name::pool(&id);
    let expected = [
        ("pool", pool.as_str()),
        ("requested", "5"),
        ("max_tickets_per_order", "4"),
    ];
    let claimed = caller.claim(&id, "c", 5).await;
    refused(claimed, Reason::OrderLimitExceeded, &expected).unless(&pool);
    let purchased = caller.purchase(&id, "c", 5).await;
    refused(purchased, Reason::OrderLimitExceeded, &expected).unless(&pool);
    caller.claim(&id, "c", 4).await.expect("as many as it may");
}

#[tokio::test]
async fn a_pool_without_places_says_how_many_are_held_and_sold() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 7).await.expect("a pool");
    let pool = name::pool(&id);
    caller.purchase(&id, "a", 3).await.expect("places");
    let claim = caller.claim(&id, "b", 2).await.expect("places");

    let counts = |available, held, sold| {
        [
            ("pool", pool.as_str()),
            ("requested", "3"),
            ("available", available),
            ("held", held),
            ("sold", sold),
            ("capacity", "7"),
        ]
    };
    for answer in [
        caller.claim(&id, "c", 3).await.map(drop),
        caller.purchase(&id, "c", 3).await.map(drop),
    ] {
        refused(
            answer,
            Reason::InsufficientAvailability,
            &counts("2", "2", "3"),
        )
        .unless(&pool);
    }
    caller.purchase(&id, "d", 2).await.expect("the rest");
    for answer in [
        caller.claim(&id, "c", 3).await.map(drop),
        caller.purchase(&id, "c", 3).await.map(drop),
    ] {
        refused(answer, Reason::SoldOutForNow, &counts("0", "2", "5")).unless(&pool);
    }
    caller.buy(&claim.name).await.expect("held");
    for answer in [
        caller.claim(&id, "c", 3).await.map(drop),
        caller.purchase(&id, "c", 3).await.map(drop),
    ] {
        refused(answer, Reason::SoldOut, &counts("0", "0", "7")).unless(&pool);
    }
}

#[tokio::test]
async fn a_ticket_never_costs_more_than_the_caller_accepts() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller
        .create_pool(&id, 10)
        .await
        .expect("a pool at 49.99 EUR");
    let pool = name::pool(&id);
    let claim = |max| v1::ClaimTicketsRequest {
        max_unit_price: Some(max),
        ..claim_request(&id, "c", 1)
    };
    let purchase = |max| v1::PurchaseTicketsRequest {
        max_unit_price: Some(max),
        ..purchase_request(&id, "c", 1)
    };

    let commands = &mut caller.commands;
    let expected = [
        ("pool", pool.as_str()),
        ("unit_price", "4999"),
        ("max_unit_price", "4998"),
        ("currency", "EUR"),
    ];
    let answer = commands.claim_tickets(claim(euros(49, 98))).await;
    refused(answer, Reason::PriceChanged, &expected).unless(&pool);
    let answer = commands.purchase_tickets(purchase(euros(49, 98))).await;
    refused(answer, Reason::PriceChanged, &expected).unless(&pool);

    let dollars = Money {
        currency_code: "USD".into(),
        ..euros(90, 0)
    };
    violates(
        commands.claim_tickets(claim(dollars.clone())).await,
        &["max_unit_price.currency_code"],
    );
    violates(
        commands.purchase_tickets(purchase(dollars)).await,
        &["max_unit_price.currency_code"],
    );

    for enough in [
        euros(49, 99),
        // More than a base price may be: demand can raise a price by that much.
        euros(20_200_000_000, 0),
        Money {
            currency_code: "eur".into(),
            ..euros(50, 0)
        },
    ] {
        commands
            .claim_tickets(claim(enough))
            .await
            .expect("the same price or a higher limit");
    }
}

#[tokio::test]
async fn a_stopped_sale_refuses_new_claims_in_either_mode_until_it_is_resumed() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    for (mode, text) in [
        (v1::StopMode::FinishClaims, "STOP_MODE_FINISH_CLAIMS"),
        (v1::StopMode::VoidClaims, "STOP_MODE_VOID_CLAIMS"),
    ] {
        let id = fresh_pool();
        caller.create_pool(&id, 10).await.expect("a pool");
        let pool = name::pool(&id);
        refused(
            caller.resume_sales(&id).await,
            Reason::NotStopped,
            &[("pool", &pool)],
        )
        .unless(&pool);
        caller.stop_sales(&id, mode).await.expect("it sells");
        let expected = [("pool", pool.as_str()), ("mode", text)];
        refused(
            caller.claim(&id, "c", 1).await,
            Reason::SalesStopped,
            &expected,
        )
        .unless(&pool);
        refused(
            caller.purchase(&id, "c", 1).await,
            Reason::SalesStopped,
            &expected,
        )
        .unless(&pool);
        refused(
            caller.stop_sales(&id, mode).await,
            Reason::AlreadyStopped,
            &expected,
        )
        .unless(&pool);
        caller.resume_sales(&id).await.expect("it is stopped");
        caller.claim(&id, "c", 1).await.expect("it sells again");
        refused(
            caller.resume_sales(&id).await,
            Reason::NotStopped,
            &[("pool", &pool)],
        )
        .unless(&pool);
    }
}

#[tokio::test]
async fn a_stop_may_become_stronger_and_never_weaker() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a pool");
    let pool = name::pool(&id);
    caller
        .stop_sales(&id, v1::StopMode::FinishClaims)
        .await
        .expect("it sells");
    caller
        .stop_sales(&id, v1::StopMode::VoidClaims)
        .await
        .expect("stronger");
    let expected = [("pool", pool.as_str()), ("mode", "STOP_MODE_VOID_CLAIMS")];
    let weaker = caller.stop_sales(&id, v1::StopMode::FinishClaims).await;
    refused(weaker, Reason::AlreadyStopped, &expected).unless(&pool);
    assert_eq!(log::count(&shop.database, &id, "SalesStopped").await, 2);
}

#[tokio::test]
async fn a_request_id_belongs_to_one_command_of_its_pool() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let create = create_request(&id, a_pool(10));
    caller
        .commands
        .create_pool(create.clone())
        .await
        .expect("a new name");
    let other = v1::CreatePoolRequest {
        pool: Some(a_pool(11)),
        ..create.clone()
    };
    let answer = caller.commands.create_pool(other).await;
    refused(
        answer,
        Reason::RequestIdReused,
        &[("request_id", &create.request_id)],
    );
    let claim = v1::ClaimTicketsRequest {
        request_id: create.request_id.clone(),
        ..claim_request(&id, "c", 1)
    };
    let answer = caller.commands.claim_tickets(claim).await;
    refused(
        answer,
        Reason::RequestIdReused,
        &[("request_id", &create.request_id)],
    );
    assert_eq!(log::events(&shop.database, &id).await.len(), 1);
}
