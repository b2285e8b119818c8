//! A pool whose log contradicts it: planted behind the services' back, since no service would write it.

use onsale_proto::{name, reason::Reason, v1};
use onsale_shared::time::Timestamp;
use onsale_tests::{
    caller::{a_pool, buy_request, create_request},
    system::System,
    wait::eventually,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    every::every_command,
    log::{self, LIMIT},
    refused::refused,
    shop::fresh_pool,
};

fn a_second_creation() -> (&'static str, Value) {
    let pricing = json!({ "currency": "EUR", "base_price": 1 });
    let data = json!({ "capacity": 9, "pricing": pricing, "max_tickets_per_order": 4, "claim_duration_ms": 1000 });
    ("PoolCreated", data)
}

fn a_sale_out_of_nothing() -> (&'static str, Value) {
    let [claim, ticket] = [Uuid::new_v4(), Uuid::new_v4()];
    let time = Timestamp::from_micros(1_900_000_000_000_000);
    let data = json!({ "claim": claim, "ticket": ticket, "customer": "c", "unit_price": 1, "expire_time": time });
    ("TicketBought", data)
}

#[tokio::test]
async fn a_corrupted_pool_refuses_every_sale_and_is_still_read() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let sound = fresh_pool();
    caller.create_pool(&sound, 10).await.expect("a pool");

    for (kind, data) in [a_second_creation(), a_sale_out_of_nothing()] {
        let id = fresh_pool();
        let pool = name::pool(&id);
        let create = create_request(&id, a_pool(10));
        let created = caller
            .commands
            .create_pool(create.clone())
            .await
            .expect("a new name")
            .into_inner();
        let claim = caller.claim(&id, "c", 2).await.expect("places");
        // Stopped too: what is corrupted says so first.
        caller
            .stop_sales(&id, v1::StopMode::FinishClaims)
            .await
            .expect("it sells");
        let version = log::plant(&system.database, &id, kind, &data)
            .await
            .to_string();
        let before = log::events(&system.database, &id).await.len();

        let expected = [("pool", pool.as_str()), ("version", version.as_str())];
        let mut answers = every_command(&mut caller, &id, &claim.name, &claim.tickets[0]).await;
        let again = caller.create_pool(&id, 1).await.map(drop);
        answers.push(("CreatePool", again));
        for (_, answer) in answers {
            refused(answer, Reason::PoolCorrupted, &expected).unless(&pool);
        }
        // A payment too, which is due back.
        let paid = v1::BuyTicketsRequest {
            reclaim: true,
            ..buy_request(&claim.name)
        };
        let answer = caller.commands.buy_tickets(paid).await;
        let due_back = [expected[0], expected[1], ("refund_due", "true")];
        refused(answer, Reason::PoolCorrupted, &due_back).unless(&pool);
        let repeat = caller
            .commands
            .create_pool(create)
            .await
            .expect("a repeat is known")
            .into_inner();
        assert_eq!(repeat, created);
        assert_eq!(log::events(&system.database, &id).await.len(), before);
        assert!(
            system.commands[0]
                .log()
                .iter()
                .any(|line| line["level"] == "ERROR")
        );

        // Readers count tickets and do not follow each, so a sale of nothing may escape them; a second creation cannot.
        let corrupted = (kind == "PoolCreated").then_some(v1::PoolState::Corrupted);
        let receipt = created.receipt.expect("a receipt");
        eventually(LIMIT, "readers have it", || {
            let (mut caller, id, version) = (caller.clone(), &id, &version);
            let token = &receipt.consistency_token;
            async move {
                let pool = caller.pool(id, token).await.expect("reading goes on");
                let right = corrupted.is_none_or(|corrupted| pool.state() == corrupted);
                (pool.etag == *version && right).then_some(())
            }
        })
        .await;
        let availability = caller.availability(&id, "").await.expect("reading goes on");
        assert_eq!(availability.capacity, 10);
        assert_eq!(
            availability.sold + availability.held + availability.available,
            10
        );
    }
    let claim = caller
        .claim(&sound, "c", 1)
        .await
        .expect("other pools sell");
    caller.buy(&claim.name).await.expect("other pools sell");
}

#[tokio::test]
async fn an_event_of_an_unknown_kind_stops_the_sale_of_its_pool_alone() {
    let shop = crate::shop::Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    let (id, sound) = (fresh_pool(), fresh_pool());
    caller.create_pool(&id, 10).await.expect("a pool");
    caller.create_pool(&sound, 10).await.expect("a pool");
    log::plant(&shop.database, &id, "TicketPainted", &json!({})).await;
    let pool = name::pool(&id);
    let expected = [("pool", pool.as_str()), ("version", "2")];
    refused(
        caller.claim(&id, "c", 1).await,
        Reason::PoolCorrupted,
        &expected,
    )
    .unless(&pool);
    caller
        .claim(&sound, "c", 1)
        .await
        .expect("other pools sell");
}
